"""Quarter-hours that waited are looked at: those of a day together, as if each came alone. Pure.

What they are compared with changes only where a day ends, so the first of a day is seen by itself,
and so are those before it that the supply still holds.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

from rules.lived_days import SLOTS_PER_DAY
from rules.living import Living
from rules.metering import SLOT_MS, Slot
from rules.quiet_time import QuietTime
from rules.supply import Supply
from rules.together import Step
from rules.waiting import Slots


def look_back(
    slots: Slots,
    memory: Callable[[], Living],
    supply: Supply,
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
        living.take(_steps(rest, living, supply, quiet))
    quiet.caught_up()


def _steps(slots: list[Slot], living: Living, supply: Supply, quiet: QuietTime) -> list[Step]:
    """What is taken, once it is clear that it is no dead supply."""
    steps: list[Step] = []
    base_w, alone = living.base_w, living.alone
    for raw in slots:
        quiet.sees((raw.number + 1) * SLOT_MS)
        slot, living.hidden = supply.sunlit.seen(raw, living.usual_floor_w)
        if supply.holds(slot, base_w, alone):
            continue
        doubtful = supply.doubtful(base_w)
        held = supply.release()
        steps += [Step(before, measured=False, doubtful=False) for before in held]
        steps.append(Step(slot, measured=True, doubtful=doubtful))
        quiet.slots += len(held) + 1
    return steps


def _new(slots: Slots, seen_ms: int) -> Iterator[Slot]:
    for end_ms, watts, _now_ms, grain_w in slots:
        if end_ms > seen_ms:
            seen_ms = end_ms
            yield Slot(end_ms // SLOT_MS - 1, watts, grain_w)


def _day_of(slot: Slot) -> int:
    return slot.number // SLOTS_PER_DAY
