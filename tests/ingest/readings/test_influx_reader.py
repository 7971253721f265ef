"""The reading side by contract: the exact Flux that goes out, the annotated CSV that comes back.

No InfluxDB 2 server can be installed here, so that Flux does what its documentation says is taken
from that documentation, not proven."""

import json

import pytest

from contract.errors import ContractError
from ingest.readings import influx_reader
from ingest.readings.influx_reader import InfluxReader
from ingest.readings.influx_settings import InfluxSettings
from ingest.readings.port import DAY_MS, HOUR_MS, Latest, StoreError
from tests.adapters.scripted_http import scripted_server

# 2026-11-23T00:00:00+08:00, four in the afternoon of the day before in UTC.
MIDNIGHT_MS = 1_795_363_200_000
HEAD = (
    "#group,false,false,true,true,false,false,true,true,true,true\r\n"
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,"
    "string,string,string\r\n"
    "#default,{name},,,,,,,,,\r\n"
    ",result,table,_start,_stop,_time,_value,_field,_measurement,device,gateway\r\n"
)


def csv(name: str, *rows: tuple[str, float, str], measurement: str = "power") -> str:
    lines = [
        f",,{n},2026-11-22T16:00:00Z,2026-11-23T16:00:00Z,{at},{value},{field},{measurement},"
        "meter-1,gw-1\r\n"
        for n, (at, value, field) in enumerate(rows)
    ]
    return HEAD.format(name=name) + "".join(lines) + "\r\n"


class Asked:
    """A reader, its server's answer, and the Flux it was asked."""

    def __init__(self, server, reader: InfluxReader) -> None:
        self.server, self.reader = server, reader
        self.answer = ""

    @property
    def flux(self) -> str:
        return json.loads(self.server.requests[-1].body)["query"]


@pytest.fixture
def asked():
    with scripted_server(lambda _r: (200, {"Content-Type": "text/csv"}, b"")) as server:
        settings = InfluxSettings(url=server.url, org="county", bucket="read ings", token="t")
        holder = Asked(server, InfluxReader(settings))
        server.respond = lambda _r: (200, {"Content-Type": "text/csv"}, holder.answer.encode())
        yield holder
        holder.reader.close()


def test_raw_points(asked: Asked) -> None:
    asked.answer = csv(
        "_result",
        ("2026-11-22T16:00:00Z", 12.5, "power_w"),
        ("2026-11-22T16:00:00.123Z", 13.0, "power_w"),
    ) + csv("_result", ("2026-11-22T16:00:00Z", 1.0, "energy_kwh"))
    found = asked.reader.series(
        "gw-1", "meter-1", "power", None, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, "auto"
    )
    assert asked.flux == (
        'from(bucket: "read ings") '
        "|> range(start: 2026-11-22T16:00:00.000Z, stop: 2026-11-23T16:00:00.000Z) "
        '|> filter(fn: (r) => r.gateway == "gw-1" and r.device == "meter-1"'
        ' and r._measurement == "power") |> limit(n: 100001)'
    )
    request = asked.server.requests[-1]
    assert request.path == "/api/v2/query?org=county"
    assert request.headers["Authorization"] == "Token t"
    assert [(s.kind, s.field, s.resolution, s.points) for s in found] == [
        ("power", "energy_kwh", "raw", [(MIDNIGHT_MS, 1.0)]),
        ("power", "power_w", "raw", [(MIDNIGHT_MS, 12.5), (MIDNIGHT_MS + 123, 13.0)]),
    ]


@pytest.mark.parametrize(
    ("resolution", "window", "start_ms"),
    [
        ("hour", 'every: 1h, fn: {fn}, createEmpty: false, timeSrc: "_start"', MIDNIGHT_MS),
        (
            "day",
            'every: 1d, fn: {fn}, createEmpty: false, timeSrc: "_start", offset: -8h',
            MIDNIGHT_MS,
        ),
    ],
)
def test_roll_ups(asked: Asked, resolution: str, window: str, start_ms: int) -> None:
    # The first window is cut by the question: it says when the question begins.
    at = "2026-11-22T16:20:00Z"
    asked.answer = "".join(
        csv(name, (at, value, "power_w"), ("2026-11-23T17:00:00Z", value + 1, "power_w"))
        for name, value in (("min", 1.0), ("mean", 2.0), ("max", 6.0))
    )
    from_ms = MIDNIGHT_MS + 20 * 60_000
    found = asked.reader.series(
        "gw-1", "meter-1", None, "power_w", from_ms, MIDNIGHT_MS + 2 * DAY_MS, resolution
    )
    lines = asked.flux.split("\n")
    assert lines[0] == (
        'data = from(bucket: "read ings") '
        "|> range(start: 2026-11-22T16:20:00.000Z, stop: 2026-11-24T16:00:00.000Z) "
        '|> filter(fn: (r) => r.gateway == "gw-1" and r.device == "meter-1"'
        ' and r._field == "power_w")'
    )
    assert lines[1:] == [
        f'data |> aggregateWindow({window.format(fn=fn)}) |> yield(name: "{fn}")'
        for fn in ("min", "mean", "max")
    ]
    second_ms = MIDNIGHT_MS + DAY_MS + (HOUR_MS if resolution == "hour" else 0)
    assert found[0].points == [(start_ms, 1.0, 2.0, 6.0), (second_ms, 2.0, 3.0, 7.0)]


def test_names_stay_inside_their_quotes(asked: Asked) -> None:
    asked.reader.series('g"w\\', "${evil}", None, None, 0, 1, "raw")
    assert 'r.gateway == "g\\"w\\\\" and r.device == "\\${evil}"' in asked.flux


def test_too_many_points_is_said(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx_reader, "POINTS_MAX", 1)
    asked.answer = csv(
        "_result", ("2026-11-22T16:00:00Z", 1.0, "x"), ("2026-11-22T17:00:00Z", 1.0, "x")
    )
    with pytest.raises(ContractError, match="2 points"):
        asked.reader.series("gw-1", "meter-1", None, None, 0, 1, "raw")


def test_the_newest_values_and_the_count(asked: Asked) -> None:
    asked.answer = csv("_result", ("2026-11-22T16:00:00Z", 12.5, "power_w"))
    assert asked.reader.latest("gw-1") == [
        Latest(
            gateway="gw-1",
            device="meter-1",
            kind="power",
            field="power_w",
            measured_at_ms=MIDNIGHT_MS,
            value=12.5,
        )
    ]
    assert asked.flux == (
        'from(bucket: "read ings") |> range(start: 0)'
        ' |> filter(fn: (r) => r.gateway == "gw-1") |> last()'
    )
    asked.answer = (
        "#group,false,false,false\r\n#datatype,string,long,long\r\n#default,_result,,\r\n"
        ",result,table,_value\r\n,,0,1360000\r\n\r\n"
    )
    assert asked.reader.count() == 1_360_000
    assert asked.flux == (
        'from(bucket: "read ings") |> range(start: 0) |> count() |> group() |> sum()'
    )
    asked.answer = ""
    assert (asked.reader.count(), asked.reader.latest()) == (0, [])


def test_a_server_in_trouble_is_said_without_the_token(asked: Asked) -> None:
    asked.server.respond = lambda _r: (
        500,
        {"Content-Type": "application/json"},
        b'{"code": "internal error", "message": "out of memory"}',
    )
    with pytest.raises(StoreError, match="500"):
        asked.reader.count()
