"""Quarter-hours that waited are looked at: those of a day together, as if each came alone. Pure.

What they are compared with changes only where a day ends, so the first of a day is seen by itself,
and so are those before it that the supply still holds.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

from rules.lived_days import SLOTS_PER_DAY
from rules.living import Living
from rules.metering import SLOT_MS, Slot
from rules.quarter_hours import QuarterHours
from rules.quiet_time import QuietTime
from rules.together import Step
from rules.waiting import Slots


def look_back(
    slots: Slots,
    memory: Callable[[], Living],
    hours: QuarterHours,
    quiet: QuietTime,
    take: Callable[[Slot], bool],
) -> None:
    """memory: may be another behind the first slot of a day; take: remembers a slot by itself,
    False while it is held."""
    for _day, of_day in groupby(_new(slots, quiet.seen_ms), _day_of):
        rest = list(of_day)
        while rest and not memory().is_today(rest[0].number):
            slot = rest.pop(0)
            quiet.sees((slot.number + 1) * SLOT_MS)
            if take(slot):
                memory().measure()
        living = memory()
        living.take(_steps(rest, living, hours, quiet))
    quiet.caught_up()


def _steps(slots: list[Slot], living: Living, hours: QuarterHours, quiet: QuietTime) -> list[Step]:
    """What is taken of slots of one day, once it is clear."""
    steps: list[Step] = []
    for slot in slots:
        quiet.sees((slot.number + 1) * SLOT_MS)
        told = hours.told(slot, living)
        steps += told
        quiet.slots += len(told)
    return steps


def _new(slots: Slots, seen_ms: int) -> Iterator[Slot]:
    for end_ms, watts, _now_ms, grain_w in slots:
        if end_ms > seen_ms:
            seen_ms = end_ms
            yield Slot(end_ms // SLOT_MS - 1, watts, grain_w)


def _day_of(slot: Slot) -> int:
    return slot.number // SLOTS_PER_DAY
