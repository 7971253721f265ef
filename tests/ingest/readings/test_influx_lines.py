"""Lines as InfluxDB reads them: its own parser takes every one, the client's `Point` agrees."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point
from influxdb_client.domain.write_precision import WritePrecision

from contract.errors import ContractError
from ingest.readings.influx_lines import LineBuilder
from tests.adapters.time_series_servers import influx_1_6

AT_MS = 1_795_363_200_123
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" "),
    min_size=1,
    max_size=20,
).filter(lambda text: text.isprintable() and not text.endswith("\\"))
KINDS = NAMES.filter(lambda text: not text.startswith("#"))
VALUES = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory):
    if shutil.which("influxd") is None:
        pytest.skip("influxd is not installed (Debian: influxdb)")
    with influx_1_6(tmp_path_factory.mktemp("influx")) as server:
        yield server


def test_a_line() -> None:
    line = LineBuilder().line(("gw-1", "meter-1", "power"), AT_MS, {"power_w": 12.5, "x y": 3})
    assert line == f"power,device=meter-1,gateway=gw-1 power_w=12.5,x\\ y=3.0 {AT_MS}"


@given(KINDS, NAMES, NAMES, NAMES, VALUES)
def test_the_client_s_point_writes_the_same(
    kind: str, gateway: str, device: str, field: str, value: float
) -> None:
    point = Point(kind).tag("device", device).tag("gateway", gateway).field(field, value)
    expected = point.time(AT_MS, WritePrecision.MS).to_line_protocol()
    line = LineBuilder().line((gateway, device, kind), AT_MS, {field: value})
    # `Point` cuts ".0" off; the number is the same and the field stays a float all the same.
    assert line.rsplit("=", 1)[0] == expected.rsplit("=", 1)[0]
    assert float(line.rsplit("=", 1)[1].split()[0]) == value


@pytest.mark.parametrize("name", ["", "a\nb", "end\\", "\x00"])
@pytest.mark.parametrize("place", range(4))
def test_a_name_that_no_line_can_hold_is_refused(name: str, place: int) -> None:
    names = ["gw", "dev", "power", "field"]
    names[place] = name
    with pytest.raises(ContractError, match="cannot be part of a line"):
        LineBuilder().line((names[0], names[1], names[2]), AT_MS, {names[3]: 1.0})


def test_a_line_that_would_be_a_comment_is_refused() -> None:
    with pytest.raises(ContractError, match="a comment"):
        LineBuilder().line(("gw", "dev", "#power"), AT_MS, {"power_w": 1.0})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ContractError, match="power_w is"):
        LineBuilder().line(("gw", "dev", "power"), AT_MS, {"power_w": value})


def test_the_real_parser_reads_back_what_was_written(parser) -> None:
    device, gateway, field = "客厅, 电 表=1", "gw 1", "功 率,w=x"
    written = [(AT_MS + n, value) for n, value in enumerate([0.1, -3.0, 1e300, 5e-324, 220.0])]
    builder = LineBuilder()
    lines = [builder.line((gateway, device, "po wer"), at, {field: v}) for at, v in written]
    assert parser.write(lines) == (204, "")
    series = parser.ask('SELECT * FROM "po wer"')[0]
    assert series["columns"] == ["time", "device", "gateway", field]
    assert [(row[0], row[3]) for row in series["values"]] == written
    assert {(row[1], row[2]) for row in series["values"]} == {(device, gateway)}


@settings(max_examples=30)
@given(st.lists(st.tuples(NAMES, NAMES, KINDS, NAMES, VALUES), min_size=1, max_size=20))
def test_the_real_parser_takes_every_line(parser, rows) -> None:
    builder = LineBuilder()
    lines = [
        builder.line((gateway, device, kind), AT_MS + n, {field: value})
        for n, (gateway, device, kind, field, value) in enumerate(rows)
        if field != "time"  # InfluxDB 1 keeps this one name for itself
    ]
    status, text = parser.write(lines)
    assert status == 204, (text, lines)
