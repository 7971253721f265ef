"""A visitor's plan: nobody is lost, nothing lies in the past, a visit moves nobody else's day."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.visiting.days import day_number, weekday
from ledger.visiting.pattern import Person
from ledger.visiting.periods import Presence, month_of, parse_period, periods, required, week_of
from ledger.visiting.plan import Adjustments, Calendar, base_days, is_weekend, make_plan
from ledger.visiting.tiers import Segment, Tier

TODAY = day_number("2026-11-25")  # a Wednesday
NOVEMBER = parse_period("2026-11")
FREE = Calendar(rest=is_weekend)


def spans(*tiers: tuple[int, Tier]) -> tuple[Segment, ...]:
    ends = [first - 1 for first, _tier in tiers[1:]] + [10**6]
    return tuple(
        Segment(first=first, last=end, tier=tier)
        for (first, tier), end in zip(tiers, ends, strict=True)
    )


def person(number: int, tier: Tier = Tier.TWICE_WEEKLY, **more) -> Person:
    values = {
        "id": f"p{number:02}",
        "home": f"h{number:02}",
        "region": "610926101001",
        "spans": spans((0, tier)),
        "place": (32.0 + number / 500, 109.0),
        **more,
    }
    return Person(**values)


def plan(people, visited=None, today=TODAY, calendar=FREE, **more):
    first = more.pop("first", week_of(today).first)
    last = more.pop("last", week_of(today).last)
    return make_plan(people, visited or {}, calendar, today=today, first=first, last=last, **more)


def days_of(found, person_id: str) -> list[int]:
    return [one.day for one in found.planned if one.person == person_id]


# What a plan must always be.

TIERS = st.sampled_from([Tier.MONTHLY, Tier.WEEKLY, Tier.TWICE_WEEKLY, Tier.THRICE_WEEKLY])
SPAN = st.integers(TODAY - 40, TODAY + 40)


@st.composite
def presences(draw) -> Presence:
    first = draw(st.none() | SPAN)
    last = draw(st.none() | SPAN)
    absences = draw(st.lists(st.tuples(SPAN, st.integers(0, 12)), max_size=2))
    return Presence(
        from_day=first, until_day=last, absences=tuple((a, a + length) for a, length in absences)
    )


@st.composite
def teams(draw) -> list[Person]:
    found = []
    for number in range(draw(st.integers(1, 9))):
        tiers = draw(st.lists(st.tuples(SPAN, TIERS), max_size=1))
        pieces = [(0, draw(TIERS)), *tiers]
        found.append(
            person(
                number,
                spans=spans(*pieces),
                home=f"h{number // 2 if draw(st.booleans()) else number:02}",
                place=draw(st.sampled_from([None, (32.0, 109.0), (32.1, 109.1 + number / 90)])),
                presence=draw(presences()),
            )
        )
    return found


@st.composite
def situations(draw):
    people = draw(teams())
    days = st.lists(SPAN, max_size=8).map(lambda found: sorted(set(found)))
    visited = {p.id: [d for d in draw(days) if d <= TODAY] for p in people}
    long = draw(st.tuples(SPAN, st.integers(0, 20)))
    leave = draw(st.frozensets(SPAN, max_size=20)) | set(range(long[0], long[0] + long[1]))
    storms = draw(st.frozensets(SPAN, max_size=6))
    holidays = draw(st.frozensets(SPAN, max_size=12))
    calendar = Calendar(
        rest=lambda day: is_weekend(day) or day in holidays,
        away=lambda day: "on_leave" if day in leave else "",
        capacity=draw(st.integers(1, 6)),
    )
    adjustments = Adjustments(
        fixed={people[0].id: draw(st.lists(SPAN, max_size=2))},
        barred={people[-1].id: draw(st.lists(SPAN, max_size=5))},
        closed=lambda day, _region: "bad_weather" if day in storms else "",
    )
    return people, visited, calendar, adjustments, leave | storms


@settings(max_examples=100)
@given(situations())
def test_nobody_is_lost_and_nothing_lies_in_the_past(situation) -> None:
    people, visited, calendar, adjustments, shut = situation
    first, last = TODAY - 20, TODAY + 20
    found = make_plan(
        people,
        visited,
        calendar,
        today=TODAY,
        first=first,
        last=last,
        adjustments=adjustments,
    )
    given_days = Counter((one.person, one.period) for one in found.planned)
    without = {(one.person, one.period): one.missing for one in found.unplaced}
    for one in people:
        for unit in ("week", "month"):
            for period in periods(unit, TODAY, last):
                done = {day for day in visited[one.id] if period.holds(day)}
                if unit == "month":
                    # A weekly visit of somebody whose tier was raised is one of the month's too.
                    weekly = [v for v in found.planned if v.person == one.id and "W" in v.period]
                    done |= {v.day for v in weekly if period.holds(v.day)}
                left = max(0, required(one.spans, one.presence, period) - len(done))
                key = (one.id, period.key)
                assert given_days[key] + without.get(key, 0) == left, key
    assert all(one.day >= TODAY for one in found.planned)
    fixed = adjustments.fixed[people[0].id]
    for one in found.planned:
        assert one.day not in visited[one.person]
        assert parse_period(one.period).holds(one.day)
        if one.why != "fixed":
            assert one.day not in shut
            assert one.day not in adjustments.barred.get(one.person, ())
            whose = next(p for p in people if p.id == one.person)
            assert whose.presence.present(one.day)
        else:
            assert one.day in fixed
    # Two visits of one period are on two days.
    each = [(one.person, one.period, one.day) for one in found.planned]
    assert len(each) == len(set(each))


@settings(max_examples=100)
@given(situations(), st.data())
def test_a_visit_done_early_moves_nobody_else(situation, data) -> None:
    people, visited, calendar, adjustments, _shut = situation
    more = {"today": TODAY, "first": TODAY - 20, "last": TODAY + 20, "adjustments": adjustments}
    before = make_plan(people, visited, calendar, **more)
    early = data.draw(st.sampled_from([p.id for p in people]))
    visited = {**visited, early: sorted({*visited[early], TODAY})}
    after = make_plan(people, visited, calendar, **more)
    assert [one for one in before.planned if one.person != early] == [
        one for one in after.planned if one.person != early
    ]
    assert [one for one in before.unplaced if one.person != early] == [
        one for one in after.unplaced if one.person != early
    ]
    assert len(days_of(after, early)) <= len(days_of(before, early))
    assert before.base == after.base


@settings(max_examples=50)
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_people_makes_no_difference(situation, random) -> None:
    people, visited, calendar, adjustments, _shut = situation
    more = {"today": TODAY, "first": TODAY, "last": TODAY + 20, "adjustments": adjustments}
    shuffled = list(people)
    random.shuffle(shuffled)
    one = make_plan(people, visited, calendar, **more)
    other = make_plan(shuffled, visited, calendar, **more)
    assert (one.planned, one.base) == (other.planned, other.base)
    assert set(one.unplaced) == set(other.unplaced)


# What a visitor sees.


def test_days_are_as_full_as_each_other_and_neighbours_share_them() -> None:
    people = [person(n) for n in range(8)] + [person(n, Tier.MONTHLY) for n in range(8, 28)]
    monday = parse_period("2026-W46").first
    found = plan(people, today=monday, first=NOVEMBER.first, last=NOVEMBER.last)
    load = Counter(one.day for one in found.planned if not is_weekend(one.day))
    assert not any(is_weekend(one.day) for one in found.planned)
    # In the week that begins after what was missed before has been made up.
    week = [load[day] for day in range(monday + 7, monday + 12)]
    assert max(week) - min(week) <= 2
    first, second = days_of(found, "p00")[:2]
    assert days_of(found, "p01")[:2] == [first, second]
    assert second - first == 3


def test_everybody_has_the_same_weekdays_in_each_week() -> None:
    people = [person(n) for n in range(7)]
    found = plan(people, today=TODAY - 23, first=TODAY - 20, last=TODAY + 20)
    for one in people:
        weekdays = {
            tuple(weekday(day) for day in days)
            for (who, _p), days in found.base.items()
            if who == one.id
        }
        assert len(weekdays) == 1


def test_a_holiday_moves_a_visit_and_drops_none() -> None:
    """National Day 2026: 1 to 7 October off, Saturday the 10th a working day."""
    off = range(day_number("2026-10-01"), day_number("2026-10-08"))
    extra = day_number("2026-10-10")
    calendar = Calendar(rest=lambda day: day in off or (is_weekend(day) and day != extra))
    monday = day_number("2026-09-28")
    found = plan(
        [person(1), person(2)], today=monday, calendar=calendar, first=monday, last=monday + 13
    )
    dates = [monday, monday + 2, day_number("2026-10-08"), extra]
    assert days_of(found, "p01") == dates
    moved = [one for one in found.planned if one.why == "moved"]
    # A Friday beside the Thursday that stands for the Tuesday goes to the Saturday.
    assert {one.cause for one in moved} == {"rest_day", "spacing"}
    assert not found.unplaced


def test_a_week_of_holidays_is_worked_rather_than_left_out() -> None:
    week = parse_period("2026-W08")  # Spring Festival
    calendar = Calendar(rest=lambda _day: True)
    found = plan([person(1)], today=week.first, calendar=calendar)
    assert len(days_of(found, "p01")) == 2
    assert all(one.rest for one in found.planned)


def test_leave_and_weather_are_told_when_no_day_is_left() -> None:
    for name, calendar, more in (
        ("on_leave", Calendar(rest=is_weekend, away=lambda _day: "on_leave"), {}),
        (
            "bad_weather",
            FREE,
            {"adjustments": Adjustments(closed=lambda _day, _region: "bad_weather")},
        ),
    ):
        found = plan([person(1)], calendar=calendar, **more)
        assert [(u.person, u.missing, u.reason) for u in found.unplaced] == [("p01", 2, name)]


def test_one_day_that_is_left_is_taken_and_the_other_visit_told() -> None:
    week = week_of(TODAY)
    only = Calendar(rest=is_weekend, away=lambda day: "" if day == week.first + 2 else "on_leave")
    found = plan([person(1)], today=week.first, calendar=only)
    assert days_of(found, "p01") == [week.first + 2]
    assert [(u.missing, u.reason) for u in found.unplaced] == [(1, "on_leave")]


def test_bad_weather_moves_the_homes_of_its_region_alone() -> None:
    day = week_of(TODAY).first + 3
    people = [person(1), person(2, region="610926102001")]
    storm = Adjustments(
        closed=lambda at, region: "bad_weather" if at == day and region == "610926101001" else ""
    )
    week = week_of(TODAY)
    found = plan(people, today=week.first, adjustments=storm)
    assert day not in days_of(found, "p01")
    assert len(days_of(found, "p01")) == 2


def test_two_visits_of_a_week_lie_two_days_apart() -> None:
    week = week_of(TODAY)
    people = [person(n) for n in range(6)]
    # Thursday's visit was made on Wednesday already: what is left does not follow at once.
    found = plan(people, {"p00": [week.first + 2]}, today=week.first + 3)
    [day] = days_of(found, "p00")
    assert day - (week.first + 2) >= 2
    for one in people:
        days = plan(people, today=week.first).base[one.id, week.key]
        assert days[1] - days[0] >= 2


def test_what_was_missed_is_made_up_within_the_period() -> None:
    people = [person(n) for n in range(4)]
    week = week_of(TODAY)
    found = plan(people, today=week.first + 3)
    for one in people:
        assert len(days_of(found, one.id)) == 2
    late = [one for one in found.planned if one.why == "catch_up"]
    assert late
    assert {one.cause for one in late} == {"missed"}


def test_a_couple_is_visited_on_one_day() -> None:
    both = [person(1), person(2, Tier.MONTHLY, home="h01"), *(person(n) for n in range(3, 9))]
    found = plan(both, today=NOVEMBER.first, first=NOVEMBER.first, last=NOVEMBER.last)
    [day] = found.base["p02", "2026-11"]
    assert day in {d for (who, _p), days in found.base.items() if who == "p01" for d in days}


def test_overflow_is_told_and_planned_all_the_same() -> None:
    people = [person(n) for n in range(20)]
    week = week_of(TODAY)
    found = plan(people, today=week.first, calendar=Calendar(rest=is_weekend, capacity=4))
    assert len(found.planned) == 40
    assert sum(found.overflow(4).values()) > 0
    assert not found.unplaced


def test_a_visit_that_was_fixed_to_a_day_takes_the_place_of_the_nearest() -> None:
    week = week_of(TODAY)
    people = [person(n) for n in range(4)]
    usual = plan(people, today=week.first).base["p00", week.key]
    to = usual[1] + 2  # a Saturday, as the family asked for
    found = plan(
        people,
        today=week.first,
        adjustments=Adjustments(fixed={"p00": [to]}, barred={"p00": [usual[1]]}),
    )
    assert days_of(found, "p00") == [usual[0], to]
    assert [one.why for one in found.planned if one.day == to] == ["fixed"]


def test_who_comes_back_from_hospital_is_visited_in_what_is_left() -> None:
    week = week_of(TODAY)
    back = Presence(absences=((week.first - 20, week.first + 3),))
    found = plan([person(1, presence=back)], today=week.first)
    assert len(days_of(found, "p01")) == 1
    assert days_of(found, "p01")[0] == week.first + 4


def test_a_month_s_visit_is_owed_to_its_month() -> None:
    found = plan(
        [person(1, Tier.MONTHLY)],
        today=month_of(TODAY).first,
        first=NOVEMBER.first,
        last=NOVEMBER.last,
    )
    assert [(one.period, one.why) for one in found.planned] == [("2026-11", "planned")]


def test_who_was_raised_within_a_month_is_not_owed_its_visit_beside_the_weekly_ones() -> None:
    raised = person(1, spans=spans((0, Tier.MONTHLY), (week_of(TODAY).first, Tier.TWICE_WEEKLY)))
    found = plan([raised], first=NOVEMBER.first, last=NOVEMBER.last)
    assert {one.period for one in found.planned if NOVEMBER.holds(one.day)} == {
        "2026-W48",
        "2026-W49",
    }
    assert not found.unplaced


@settings(max_examples=40)
@given(situations())
def test_the_days_that_were_meant_are_those_of_the_plan(situation) -> None:
    people, visited, calendar, adjustments, _shut = situation
    first, last = TODAY - 20, TODAY + 20
    found = make_plan(
        people, visited, calendar, today=TODAY, first=first, last=last, adjustments=adjustments
    )
    assert base_days(people, calendar, first, last, adjustments) == found.base
