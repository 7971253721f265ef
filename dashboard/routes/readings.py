"""Readings of one device as series for a chart."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import DAY_MS, FromTime, QueryWord, span_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.problems import bad_field, not_found
from dashboard.register_reads import find_device

router = APIRouter(tags=["readings"])

# The longest span of each resolution: a chart of more points than these (three days of one a
# second is the worst device) is slower to draw than useful to look at.
SPAN_MAX_MS: Final = {"raw": 31 * DAY_MS, "hour": 2 * 366 * DAY_MS, "day": 20 * 366 * DAY_MS}
# `auto` takes the finest resolution up to these spans.
AUTO_RAW_MS: Final = 3 * DAY_MS
AUTO_HOUR_MS: Final = 92 * DAY_MS


@router.get("/readings")
def get_readings(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("reading.read")],
    device: Annotated[str, Query(max_length=160)],
    kind: QueryWord = None,
    field: QueryWord = None,
    from_: FromTime = None,
    to: QueryWord = None,
    resolution: Literal["raw", "hour", "day", "auto"] = "auto",
) -> Response:
    """Series of `device` (`<gateway>/<device>`); the last day unless `from` and `to` say more."""
    gateway, _, name = device.partition("/")
    with hub.engine.connect() as connection:
        row = find_device(connection, gateway, name)
    if row is None or not caller.knows(row["seen_region"], row["home"]):
        raise not_found("device")
    from_ms, to_ms = span_ms(from_, to, hub.clock.now_ms(), default_ms=DAY_MS)
    chosen = resolution_for(to_ms - from_ms) if resolution == "auto" else resolution
    if to_ms - from_ms > SPAN_MAX_MS[chosen]:
        days = SPAN_MAX_MS[chosen] // DAY_MS
        raise bad_field("from", f"at most {days} days in this resolution")
    found = hub.readings.series(gateway, name, kind, field, from_ms, to_ms, chosen)
    trail.note(caller.username, "viewed", f"readings:{device}", f"home {row['home'] or 'none'}")
    return answer(
        {
            "series": [
                {
                    "device": device,
                    "kind": series.kind,
                    "field": series.field,
                    "resolution": series.resolution,
                    "points": series.points,
                }
                for series in found
            ]
        }
    )


def resolution_for(span: int) -> str:
    """What `auto` means for a span of milliseconds."""
    if span <= AUTO_RAW_MS:
        return "raw"
    return "hour" if span <= AUTO_HOUR_MS else "day"
