"""Swaps of any rota: nobody is lost, nobody is doubled."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from alarms.lifecycle import IllegalMove
from alarms.rota.model import Change, ShiftKey
from alarms.rota.plan import Plan
from alarms.rota.swaps import Swap, changes_of
from tests.alarms.rota.test_plan import DAY, NAMES, at, plan_of, rounds


def with_changes(plan: Plan, changes: list[Change]) -> Plan:
    by_day = {place: dict(of_day) for place, of_day in plan.changes.items()}
    for change in changes:
        place = (change.key.desk, change.key.day)
        by_day.setdefault(place, {})[change.key.name] = change
    return Plan(desks=plan.desks, patterns=plan.patterns, changes=by_day)


KEYS = st.builds(
    ShiftKey,
    desk=st.just("county"),
    day=st.integers(DAY + 1, DAY + 6),
    name=st.sampled_from(["s0", "s1"]),
)


@given(rounds(), NAMES, NAMES, KEYS, st.none() | KEYS)
def test_a_swap_keeps_shifts_people_and_counts(pattern, asker, other, given_key, taken) -> None:
    plan = plan_of(pattern)
    swap = Swap(id="1", asker=asker, other=other, given=given_key, taken=taken)
    try:
        changes = changes_of(plan, swap, at(DAY, "12:00"))
    except IllegalMove:
        return
    after = with_changes(plan, changes)
    window = (at(DAY, "0:00"), at(DAY + 9, "0:00"))
    old, new = plan.shifts("county", *window), after.shifts("county", *window)
    assert [(s.key, s.start_ms, s.end_ms) for s in old] == [
        (s.key, s.start_ms, s.end_ms) for s in new
    ]
    assert [len(s.people) for s in old] == [len(s.people) for s in new]
    assert all(len(set(s.people)) == len(s.people) for s in new)
    touched = {given_key, taken}
    assert all(a.people == b.people for a, b in zip(old, new, strict=True) if a.key not in touched)
    before, now = (Counter(p for s in shifts for p in s.people) for shifts in (old, new))
    if taken is None:
        before[asker] -= 1
        before[other] += 1
    assert +before == +now
