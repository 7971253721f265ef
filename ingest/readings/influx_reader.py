"""Charts from an InfluxDB 2 server, by Flux. Roll-ups are computed by the server on the way.

Flux goes in as text: names are escaped as string literals (InfluxDB's documentation, "Flux
lexical elements", "String literals": backslash, double quote and the `${` of an interpolation).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal

from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from contract.moment import EPOCH, to_iso
from ingest.readings.influx_settings import InfluxSettings
from ingest.readings.influx_store import open_client
from ingest.readings.port import (
    DAY_MS,
    HOUR_MS,
    POINTS_MAX,
    Latest,
    Point,
    Series,
    StoreError,
    choose_resolution,
    too_many_points,
)

# Local midnight of the county.
DAY_OFFSET_H: Final = 8
_ROLL_UPS: Final = ("min", "mean", "max")
Key = tuple[str, str, str]  # (device, kind, field)


class InfluxReader:
    """The dashboard's side of the port; the client is safe for any thread."""

    def __init__(self, settings: InfluxSettings, *, day_offset_h: int = DAY_OFFSET_H) -> None:
        self._bucket = settings.bucket
        self._client = open_client(settings)
        self._query_api = self._client.query_api()
        self._day_offset_h = day_offset_h

    def series(  # noqa: PLR0917 - the port's order
        self,
        gateway: str,
        device: str,
        kind: str | None,
        field: str | None,
        from_ms: int,
        to_ms: int,
        resolution: str,
    ) -> list[Series]:
        chosen = choose_resolution(resolution, from_ms, to_ms)
        data = self._select(from_ms, to_ms, _filter(gateway, device, kind, field))
        found = self._raw(data) if chosen == "raw" else self._rolled(data, chosen)
        series = []
        for (name, its_kind, its_field), points in sorted(found.items()):
            if len(points) > POINTS_MAX:
                raise too_many_points(len(points))
            series.append(
                Series(
                    device=name, kind=its_kind, field=its_field, resolution=chosen, points=points
                )
            )
        return series

    def _raw(self, data: str) -> dict[Key, list[Point]]:
        found: dict[Key, list[Point]] = {}
        # One more than may be answered tells that there are too many.
        for record in self._ask(f"{data} |> limit(n: {POINTS_MAX + 1})"):
            found.setdefault(_key(record), []).append((_ms(record["_time"]), record["_value"]))
        return found

    def _rolled(self, data: str, chosen: Literal["hour", "day"]) -> dict[Key, list[Point]]:
        every = "1h" if chosen == "hour" else "1d"
        offset = "" if chosen == "hour" else f", offset: -{self._day_offset_h}h"
        yields = "\n".join(
            f"data |> aggregateWindow(every: {every}, fn: {name}, createEmpty: false,"
            f' timeSrc: "_start"{offset}) |> yield(name: "{name}")'
            for name in _ROLL_UPS
        )
        rows: dict[Key, dict[int, dict[str, float]]] = {}
        for record in self._ask(f"data = {data}\n{yields}"):
            start_ms = self._bucket_start_ms(_ms(record["_time"]), chosen)
            at = rows.setdefault(_key(record), {}).setdefault(start_ms, {})
            at[record["result"]] = record["_value"]
        return {
            key: [(at_ms, r["min"], r["mean"], r["max"]) for at_ms, r in sorted(starts.items())]
            for key, starts in rows.items()
        }

    def _bucket_start_ms(self, at_ms: int, chosen: Literal["hour", "day"]) -> int:
        """The first window begins where the question does; its bucket began before."""
        if chosen == "hour":
            return at_ms - at_ms % HOUR_MS
        return at_ms - (at_ms + self._day_offset_h * HOUR_MS) % DAY_MS

    def latest(self, gateway: str | None = None, device: str | None = None) -> list[Latest]:
        wanted = _filter(gateway, device, None, None)
        selected = f"from(bucket: {_literal(self._bucket)}) |> range(start: 0){wanted}"
        return [
            Latest(
                gateway=record["gateway"],
                device=record["device"],
                kind=record["_measurement"],
                field=record["_field"],
                measured_at_ms=_ms(record["_time"]),
                value=record["_value"],
            )
            for record in self._ask(f"{selected} |> last()")
        ]

    def count(self) -> int:
        text = f"from(bucket: {_literal(self._bucket)}) |> range(start: 0)"
        records = list(self._ask(f"{text} |> count() |> group() |> sum()"))
        return int(records[0]["_value"]) if records else 0

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the client's own

    def _select(self, from_ms: int, to_ms: int, wanted: str) -> str:
        span = f"start: {to_iso(max(from_ms, 0))}, stop: {to_iso(to_ms)}"
        return f"from(bucket: {_literal(self._bucket)}) |> range({span}){wanted}"

    def _ask(self, flux: str) -> Iterable[dict[str, Any]]:
        try:
            tables = self._query_api.query(flux)
        except ApiException as error:
            text = getattr(error, "message", None) or error.reason
            raise StoreError(f"{error.status}: {text}", retryable=True) from error
        except (HTTPError, OSError) as error:
            raise StoreError(f"{type(error).__name__}: {error}", retryable=True) from error
        return [dict(record.values) for table in tables for record in table.records]


def _filter(gateway: str | None, device: str | None, kind: str | None, field: str | None) -> str:
    named = (("gateway", gateway), ("device", device), ("_measurement", kind), ("_field", field))
    tests = [f"r.{column} == {_literal(value)}" for column, value in named if value is not None]
    return f" |> filter(fn: (r) => {' and '.join(tests)})" if tests else ""


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'


def _key(record: dict[str, Any]) -> Key:
    return record["device"], record["_measurement"], record["_field"]


def _ms(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds() * 1000 + 0.5)
