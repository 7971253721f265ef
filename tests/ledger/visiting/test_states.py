"""What counts, and how somebody stands; compared with a plain recount, day by day."""

import datetime
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.visiting.counts import Contact, count, visited_days
from ledger.visiting.days import day_number
from ledger.visiting.pattern import Person
from ledger.visiting.periods import Presence, parse_period, periods
from ledger.visiting.states import Tally, by_overdue, standing, tally, total
from ledger.visiting.tiers import Segment, Tier, VisitFacts, segments

TODAY = day_number("2026-11-28")  # a Saturday
BEGAN = day_number("2026-06-01")


def somebody(tier: Tier = Tier.TWICE_WEEKLY, **more) -> Person:
    spans = more.pop("spans", (Segment(first=0, last=10**6, tier=tier),))
    return Person(id="p", home="h", region="1", spans=spans, **more)


def at(day: str, way: str = "home_visit", kind: str = "routine", met: bool = True) -> Contact:
    return Contact(day=day_number(day), way=way, kind=kind, met=met)


def stand(person: Person, *contacts: Contact, today: int = TODAY, began: int = BEGAN, base=None):
    found = standing(person, contacts, today, look_from=began, base=base or {})
    assert found is not None
    return found


def test_what_counts() -> None:
    contacts = [
        at("2026-11-23"),
        at("2026-11-23", kind="emergency"),  # the same day once
        at("2026-11-24", "phone"),
        at("2026-11-25", "video"),
        at("2026-11-26", met=False),
        at("2026-11-27", kind="repair"),
        at("2026-11-28", kind="emergency"),
        at("2026-11-22"),  # the week before
    ]
    found = count(contacts, parse_period("2026-W48"))
    assert found.days == (day_number("2026-11-23"), day_number("2026-11-28"))
    assert (found.calls, found.nobody_met) == (2, 1)


def test_two_visits_on_one_day_are_not_two_days() -> None:
    found = stand(somebody(), at("2026-11-23"), at("2026-11-23"), began=TODAY - 5)
    assert (found.state, found.done, found.owed) == ("due", 1, 2)


def test_done_is_since_the_visit_that_made_it_whole() -> None:
    found = stand(somebody(), at("2026-11-23"), at("2026-11-26"))
    assert (found.state, found.since) == ("done", day_number("2026-11-26"))


def test_a_day_that_was_meant_and_passed_makes_late() -> None:
    base = {("p", "2026-W48"): (day_number("2026-11-24"), day_number("2026-11-27"))}
    done = [at("2026-11-17"), at("2026-11-20"), at("2026-11-24")]
    found = stand(somebody(), *done, base=base)
    assert (found.state, found.since) == ("late", day_number("2026-11-27"))
    # On the day itself it is still due.
    found = stand(somebody(), *done, base=base, today=day_number("2026-11-27"))
    assert found.state == "due"


def test_a_week_that_ended_short_is_overdue_until_somebody_comes() -> None:
    short = [at("2026-11-10"), at("2026-11-13"), at("2026-11-17")]
    found = stand(somebody(), *short)
    assert (found.state, found.since) == ("overdue", day_number("2026-11-23"))
    assert stand(somebody(), *short, at("2026-11-24")).state == "due"
    # A call is no visit, a door that nobody opened neither.
    for other in (at("2026-11-24", "phone"), at("2026-11-24", met=False)):
        assert stand(somebody(), *short, other).state == "overdue"


def test_months_without_a_visit_are_overdue_since_the_first() -> None:
    found = stand(somebody(Tier.MONTHLY), at("2026-08-20"))
    assert (found.state, found.since) == ("overdue", day_number("2026-10-01"))
    assert found.last == day_number("2026-08-20")


def test_nothing_is_owed_before_the_book_began() -> None:
    assert stand(somebody(Tier.MONTHLY), began=day_number("2026-11-03")).state == "due"
    assert stand(somebody(), began=day_number("2026-11-24")).state == "due"


def test_who_is_in_hospital_is_owed_nothing() -> None:
    away = Presence(absences=((day_number("2026-11-01"), day_number("2026-12-10")),))
    assert stand(somebody(presence=away), at("2026-10-31"), at("2026-10-29")).state == "none"


def test_who_has_died_or_not_joined_stands_nowhere() -> None:
    for presence in (Presence(until_day=TODAY - 1), Presence(from_day=TODAY + 1)):
        assert standing(somebody(presence=presence), (), TODAY, look_from=BEGAN, base={}) is None


def test_the_longest_overdue_stand_first_and_never_visited_before_visited() -> None:
    people = [
        (somebody(Tier.MONTHLY), [at("2026-08-20")]),
        (somebody(Tier.MONTHLY), []),
        (somebody(), [at("2026-11-23"), at("2026-11-26")]),
        (somebody(), [at("2026-11-17")]),
    ]
    found = [stand(person, *contacts) for person, contacts in people]
    assert [one.since for one in by_overdue(found)] == [
        day_number("2026-07-01"),
        day_number("2026-10-01"),
        day_number("2026-11-23"),
        day_number("2026-11-26"),
    ]


# A plain recount, written without the code under test: dates, one day after the other.

HISTORY = st.lists(
    st.builds(
        Contact,
        day=st.integers(TODAY - 130, TODAY + 3),
        way=st.sampled_from(["home_visit", "home_visit", "phone", "video", "other"]),
        kind=st.sampled_from(["routine", "emergency", "follow_up", "repair"]),
        met=st.sampled_from([True, True, False]),
    ),
    max_size=60,
)
FACTS = st.sampled_from(
    [
        VisitFacts(),
        VisitFacts(seriously_ill=True),
        VisitFacts(lives_alone=True, born="1946-10-14"),
        VisitFacts(lives_alone=True, born="1946-11-26"),
    ]
)


def recount(facts: VisitFacts, presence: Presence, history, month: str, today: int):
    """owed, done, missing of ended ones, missing of running ones; for one calendar month."""

    def iso(day: int) -> datetime.date:
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)

    def weekly(day: int) -> bool:
        if facts.seriously_ill:
            return True
        if not facts.lives_alone:
            return False
        born = datetime.date.fromisoformat(facts.born)
        return (iso(day).year - 80, iso(day).month, iso(day).day) >= (
            born.year,
            born.month,
            born.day,
        )

    went = {
        contact.day
        for contact in history
        if contact.way == "home_visit"
        and contact.met
        and contact.kind in ("routine", "emergency", "follow_up")
        and contact.day <= today
    }
    groups: dict[str, list[int]] = {}
    for day in range(BEGAN - 40, TODAY + 60):
        year, week, _ = iso(day).isocalendar()
        thursday = datetime.date.fromisocalendar(year, week, 4)
        if thursday.strftime("%Y-%m") == month:
            groups.setdefault(f"w{year}-{week}", []).append(day)
        if iso(day).strftime("%Y-%m") == month:
            groups.setdefault("m", []).append(day)
    sums = [0, 0, 0, 0]
    for name, days in groups.items():
        here = [day for day in days if presence.present(day)]
        visits = 2 if name != "m" else 1
        share = visits * sum(weekly(day) == (name != "m") for day in here) / len(days)
        owed = int(share + 0.5)
        done = min(owed, len(went & set(days)))
        sums[0] += owed
        sums[1] += done
        sums[2 if max(days) < today else 3] += owed - done
    return tuple(sums)


@settings(max_examples=300)
@given(
    FACTS,
    HISTORY,
    st.sampled_from(["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"]),
    st.none() | st.integers(TODAY - 90, TODAY),
    st.lists(st.integers(TODAY - 90, TODAY).map(lambda d: (d, d + 9)), max_size=2),
)
def test_counts_are_those_of_a_plain_recount(facts, history, month, joined, absences) -> None:
    presence = Presence(from_day=joined, absences=tuple(absences))
    spans = segments(facts, BEGAN - 40, TODAY + 60)
    found = tally(
        somebody(spans=spans, presence=presence),
        history,
        parse_period(month),
        TODAY,
        look_from=BEGAN,
        base={},
    )
    owed, done, over, running = recount(facts, presence, history, month, TODAY)
    assert (found.owed, found.done, found.overdue, found.due) == (owed, done, over, running)
    assert found.owed == found.done + found.due + found.late + found.overdue


@given(FACTS, HISTORY, st.lists(st.integers(TODAY - 20, TODAY + 9), min_size=2, max_size=2))
def test_late_is_a_part_of_what_is_missing(facts, history, days) -> None:
    spans = segments(facts, BEGAN, TODAY + 60)
    base = {("p", p.key): tuple(sorted(days)) for p in periods("week", TODAY - 30, TODAY + 9)}
    month = parse_period("2026-11")
    more = {"look_from": BEGAN}
    plain = tally(somebody(spans=spans), history, month, TODAY, base={}, **more)
    found = tally(somebody(spans=spans), history, month, TODAY, base=base, **more)
    assert found.due + found.late == plain.due
    assert (found.owed, found.done, found.overdue) == (plain.owed, plain.done, plain.overdue)


@given(st.lists(HISTORY, max_size=4))
def test_groups_add_up(histories) -> None:
    month = parse_period("2026-11")
    found = [
        tally(somebody(), history, month, TODAY, look_from=BEGAN, base={}) for history in histories
    ]
    whole = total(found)
    assert whole.people == len(histories)
    assert whole.done == sum(one.done for one in found)
    assert json.dumps({name: getattr(whole, name) for name in Tally.__slots__})
    assert visited_days([]) == ()
