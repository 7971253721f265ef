"""Where in time the hub puts what a gateway without a clock received. Pure.

Such a gateway knows how long ago something was, not when. The hub knows when it is now: measured
at = now - that long. What a device dated by its own clock is left as it says, whatever the
gateway's clock is: a cuff that replays its memory stays old.
"""

from typing import Final

from contract.moment import EARLIEST_MS, MIN_MS, from_iso
from ingest.wire import Taken, WireItem

DOUBTFUL: Final = "doubtful"
# A longer time than any gateway has run is no time; the item then counts as measured now.
_AGE_S_MAX: Final = 100 * 366 * 86_400


def place(taken: Taken, now_ms: int) -> None:
    """Give the items whose times are doubtful a time by the hub's clock, and mark them."""
    sent_ms = _sent_ms(taken) if taken.clock == DOUBTFUL else None
    for item in taken.items:
        age_ms = _age_ms(item, sent_ms, doubtful=taken.clock == DOUBTFUL)
        if age_ms is not None:
            item.measured_at_ms = max(MIN_MS, now_ms - age_ms)
            item.attrs = {**item.attrs, "time": DOUBTFUL, "age_s": age_ms / 1000}


def _age_ms(item: WireItem, sent_ms: int | None, *, doubtful: bool) -> int | None:
    """How long ago it was, at least; None when its time is to be believed."""
    time = item.attrs.get("time")
    if time == DOUBTFUL:
        age_s = item.attrs.get("age_s", 0)
        # What the device needed before the gateway received it (a meter's pulse) comes on top.
        before_ms = max(0, item.received_at_ms - item.measured_at_ms)
        if isinstance(age_s, str) or not 0 <= age_s <= _AGE_S_MAX:
            return before_ms
        return round(age_s * 1000) + before_ms
    by_gateway = item.measured_at_ms == item.received_at_ms < EARLIEST_MS
    if time is not None or not doubtful or not by_gateway:
        return None
    # A gateway that marks nothing: one and the same impossible time can only be its own.
    return 0 if sent_ms is None else max(0, sent_ms - item.received_at_ms)


def _sent_ms(taken: Taken) -> int | None:
    try:
        return from_iso(taken.sent_at)
    except ValueError:
        return None
