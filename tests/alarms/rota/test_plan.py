"""The rota added up: boundaries, cycles, holidays, changes, leaves; and what holds for any rota."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.rota.days import day_number
from alarms.rota.model import (
    Change,
    Desk,
    Hours,
    Leave,
    Pattern,
    RotaError,
    ShiftKey,
    Turn,
    parse_key,
)
from alarms.rota.plan import Plan, rotating, weekly
from rules.local_time import HOUR_MS, MINUTE_MS, at_minute_ms

DAY = day_number("2026-11-23")  # a Monday
THREE = (
    Hours(name="day", start_min=8 * 60, length_min=8 * 60),
    Hours(name="evening", start_min=16 * 60, length_min=8 * 60),
    Hours(name="night", start_min=0, length_min=8 * 60),
)
SPLIT = (
    Hours(name="day", start_min=8 * 60, length_min=12 * 60),
    Hours(name="night", start_min=20 * 60, length_min=12 * 60),
)


def at(day: int, clock: str) -> int:
    hours, minutes = clock.split(":")
    return at_minute_ms(day, int(hours) * 60 + int(minutes))


def plan_of(*patterns: Pattern, changes=(), leaves=()) -> Plan:
    by_day: dict = {}
    for change in changes:
        by_day.setdefault((change.key.desk, change.key.day), {})[change.key.name] = change
    revisions: dict = {}
    for pattern in patterns:
        revisions.setdefault(pattern.id, []).append(pattern)
    return Plan(
        desks={"county": Desk(id="county", name="县值班室", region="610926")},
        patterns=revisions,
        changes=by_day,
        leaves={leave.id: leave for leave in leaves},
    )


def split() -> Pattern:
    return weekly(
        id="p",
        desk="county",
        from_day=DAY,
        hours=SPLIT,
        teams={"day": [["li", "zhou"]], "night": [["wang"], ["zhao"]]},
    )


def who(plan: Plan, at_ms: int) -> list[str]:
    return [on.person for on in plan.on_duty("county", at_ms)]


def test_first_and_second_to_the_millisecond() -> None:
    plan = plan_of(split())
    assert who(plan, at(DAY, "8:00") - 1) == []  # the night before belongs to no pattern
    assert who(plan, at(DAY, "8:00")) == ["li", "zhou"]
    assert who(plan, at(DAY, "20:00") - 1) == ["li", "zhou"]
    assert who(plan, at(DAY, "20:00")) == ["wang"]
    assert who(plan, at(DAY + 1, "7:59")) == ["wang"]
    assert who(plan, at(DAY + 1, "8:00")) == ["li", "zhou"]
    assert who(plan, at(DAY + 1, "20:00")) == ["zhao"]
    [on] = plan.on_duty("county", at(DAY + 1, "3:00"))
    assert (str(on.shift), on.until_ms) == ("county/2026-11-23/night", at(DAY + 1, "8:00"))


def test_who_comes_is_before_who_leaves_while_they_overlap() -> None:
    hours = (
        Hours(name="day", start_min=8 * 60, length_min=9 * 60),
        Hours(name="evening", start_min=16 * 60, length_min=8 * 60),
    )
    teams = {"day": [["li", "zhou"]], "evening": [["wang", "li"]]}
    plan = plan_of(weekly(id="p", desk="county", from_day=DAY, hours=hours, teams=teams))
    assert who(plan, at(DAY, "16:30")) == ["wang", "li", "zhou"]
    assert who(plan, at(DAY, "17:00")) == ["wang", "li"]


def test_teams_rotate_forward_and_rest() -> None:
    teams = [["a"], ["b"], ["c"], ["d"]]
    shifts = (THREE[0], THREE[1], THREE[2])
    plan = plan_of(rotating(id="p", desk="county", from_day=DAY, hours=shifts, teams=teams))
    turns = {
        day: {s.key.name: s.people[0] for s in plan.of_day("county", DAY + day)} for day in range(5)
    }
    # By the clock: the night begins the day, and nobody goes from one shift into the next.
    assert turns[0] == {"night": "a", "day": "b", "evening": "c"}
    assert turns[1] == {"night": "d", "day": "a", "evening": "b"}
    assert turns[4] == turns[0]


def test_working_days_and_rest_days_follow_the_calendar() -> None:
    saturday, sunday = day_number("2026-10-10"), day_number("2026-10-11")
    pattern = Pattern(
        id="p",
        desk="county",
        from_day=saturday - 20,
        until_day=None,
        anchor_day=saturday,
        cycle_days=1,
        hours=(THREE[0],),
        turns=(
            Turn(day=0, shift="day", people=("office",), on="working"),
            Turn(day=0, shift="day", people=("standby",), on="rest"),
        ),
    )
    plan = plan_of(pattern)
    assert who(plan, at(saturday, "9:00")) == ["office"]  # it makes up for the national holiday
    assert who(plan, at(sunday, "9:00")) == ["standby"]
    assert who(plan, at(day_number("2026-10-05"), "9:00")) == ["standby"]  # a Monday off


def test_a_revision_leaves_what_was_before() -> None:
    later = replace(split(), from_day=DAY + 2, turns=(Turn(day=0, shift="day", people=("new",)),))
    later = replace(later, anchor_day=DAY + 2, cycle_days=1)
    plan = plan_of(split(), later)
    assert who(plan, at(DAY + 1, "9:00")) == ["li", "zhou"]
    assert who(plan, at(DAY + 2, "9:00")) == ["new"]
    assert who(plan, at(DAY + 2, "3:00")) == ["zhao"]  # the night that began before it
    ended = plan_of(replace(split(), until_day=DAY))
    assert who(ended, at(DAY + 1, "7:00")) == ["wang"]
    assert who(ended, at(DAY + 1, "9:00")) == []


def test_one_shift_is_changed_added_moved_or_taken_out() -> None:
    key = ShiftKey(desk="county", day=DAY, name="day")
    assert who(plan_of(split(), changes=[Change(key=key, people=("x",))]), at(DAY, "9:00")) == ["x"]
    gone = plan_of(split(), changes=[Change(key=key, people=None)])
    assert who(gone, at(DAY, "9:00")) == []
    moved = Change(key=key, people=("x",), start_min=9 * 60, length_min=60)
    plan = plan_of(split(), changes=[moved])
    assert [who(plan, at(DAY, t)) for t in ("8:30", "9:30", "10:00")] == [[], ["x"], []]
    extra = ShiftKey(desk="county", day=DAY, name="festival")
    added = Change(key=extra, people=("y",), start_min=9 * 60, length_min=60)
    assert who(plan_of(split(), changes=[added]), at(DAY, "9:30")) == ["y", "li", "zhou"]
    # Without hours of its own it needs a pattern that has them.
    assert plan_of(changes=[Change(key=key, people=("x",))]).of_day("county", DAY) == []


def test_who_is_on_leave_is_not_there_and_the_second_moves_up() -> None:
    leave = Leave(id="1", person="li", from_ms=at(DAY, "10:00"), until_ms=at(DAY, "12:00"))
    plan = plan_of(split(), leaves=[leave])
    times = ("9:59", "10:00", "11:59", "12:00")
    assert [who(plan, at(DAY, t))[0] for t in times] == ["li", "zhou", "zhou", "li"]


def test_the_next_change_skips_what_changes_nothing() -> None:
    hours = (
        Hours(name="early", start_min=8 * 60, length_min=240),
        Hours(name="late", start_min=12 * 60, length_min=240),
    )
    teams = {"early": [["li"]], "late": [["li"]]}
    plan = plan_of(weekly(id="p", desk="county", from_day=DAY, hours=hours, teams=teams))
    assert plan.next_change_ms("county", at(DAY, "9:00"), 24 * HOUR_MS) == at(DAY, "16:00")
    assert plan.next_change_ms("county", at(DAY, "9:00"), HOUR_MS) is None


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Hours(name="x", start_min=1440, length_min=60), "shifts.start"),
        (lambda: Hours(name="x", start_min=0, length_min=37 * 60), "shifts.end"),
        (lambda: Hours(name="a/b", start_min=0, length_min=60), "shifts.name"),
        (lambda: Turn(day=0, shift="x", people=("a", "a")), "people"),
        (lambda: replace(split(), cycle_days=0), "cycle_days"),
        (lambda: replace(split(), hours=SPLIT[:1]), "turns.shift"),
        (lambda: replace(split(), turns=split().turns * 2), "turns"),
        (lambda: replace(split(), until_day=DAY - 1), "until"),
        (lambda: Desk(id="a b", name="x", region=""), "id"),
        (lambda: Desk(id="a", name=" ", region=""), "name"),
        (lambda: parse_key("county/2026-13-01/day"), "shift"),
        (lambda: parse_key("county"), "shift"),
        (lambda: plan_of(split()).check_names(replace(split(), id="q")), "shifts.name"),
    ],
)
def test_what_makes_no_sense_is_refused(make, field) -> None:
    with pytest.raises(RotaError) as refused:
        make()
    assert refused.value.field == field


def test_names_of_patterns_that_never_meet_may_be_the_same() -> None:
    plan = plan_of(replace(split(), until_day=DAY + 6))
    plan.check_names(replace(split(), id="q", from_day=DAY + 7))


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
TEAM = st.lists(NAMES, min_size=1, max_size=3, unique=True)


@st.composite
def rounds(draw) -> Pattern:
    """A pattern whose shifts follow each other around the clock."""
    count = draw(st.integers(1, 4))
    cuts = draw(st.lists(st.integers(1, 95), min_size=count - 1, max_size=count - 1, unique=True))
    starts = [0, *sorted(cut * 15 for cut in cuts)]
    offset = draw(st.integers(0, 95)) * 15
    hours = tuple(
        Hours(
            name=f"s{i}",
            start_min=(start + offset) % 1440,
            length_min=(end - start),
        )
        for i, (start, end) in enumerate(zip(starts, [*starts[1:], 1440], strict=True))
    )
    cycle = draw(st.integers(1, 9))
    turns = tuple(
        Turn(day=day, shift=one.name, people=tuple(draw(TEAM)))
        for day in range(cycle)
        for one in hours
    )
    return Pattern(
        id="p",
        desk="county",
        from_day=DAY,
        until_day=None,
        anchor_day=DAY - draw(st.integers(0, 20)),
        cycle_days=cycle,
        hours=hours,
        turns=turns,
    )


INSTANTS = st.integers(at(DAY + 2, "0:00"), at(DAY + 40, "0:00"))


@given(rounds(), INSTANTS)
def test_every_instant_of_a_round_has_somebody(pattern, at_ms) -> None:
    plan = plan_of(pattern)
    there = plan.on_duty("county", at_ms)
    assert there
    assert len({on.person for on in there}) == len(there)
    shifts = [plan.find(on.shift) for on in there]
    assert all(shift.start_ms <= at_ms < shift.end_ms for shift in shifts)


@given(rounds(), INSTANTS)
def test_who_is_on_duty_changes_at_edges_of_shifts_only(pattern, at_ms) -> None:
    plan = plan_of(pattern)
    moment = plan.next_change_ms("county", at_ms, 48 * HOUR_MS)
    until = moment if moment is not None else at_ms + 48 * HOUR_MS
    assert who(plan, until - 1) == who(plan, at_ms)
    if moment is not None:
        assert who(plan, moment) != who(plan, at_ms)
        assert moment in {s.start_ms for s in plan.shifts("county", at_ms, moment + 1)} | {
            s.end_ms for s in plan.shifts("county", at_ms, moment + 1)
        }


@given(rounds(), INSTANTS, st.integers(1, 96))
def test_shifts_of_a_time_are_those_that_touch_it(pattern, at_ms, quarters) -> None:
    plan = plan_of(pattern)
    to_ms = at_ms + quarters * 15 * MINUTE_MS
    found = plan.shifts("county", at_ms, to_ms)
    assert all(s.start_ms < to_ms and s.end_ms > at_ms for s in found)
    assert found == sorted(found, key=lambda s: (s.start_ms, s.end_ms, s.key.name))
    whole = plan.shifts("county", at(DAY, "0:00"), at(DAY + 60, "0:00"))
    assert [s for s in whole if s.start_ms < to_ms and s.end_ms > at_ms] == found


@given(rounds(), INSTANTS, NAMES, st.integers(1, 50))
def test_a_leave_takes_one_person_out_and_nobody_else(pattern, at_ms, person, hours) -> None:
    plan = plan_of(pattern)
    leave = Leave(id="1", person=person, from_ms=at_ms, until_ms=at_ms + hours * HOUR_MS)
    away = plan_of(pattern, leaves=[leave])
    assert who(away, at_ms) == [name for name in who(plan, at_ms) if name != person]
    assert who(away, leave.until_ms) == who(plan, leave.until_ms)
