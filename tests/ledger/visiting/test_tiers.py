"""How often somebody is visited, and why."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.visiting.days import day_number
from ledger.visiting.tiers import (
    FREQUENCIES,
    Raise,
    Tier,
    VisitFacts,
    is_higher,
    judge,
    judge_tier,
    segments,
)

TODAY = day_number("2026-11-28")
TWICE = Tier.TWICE_WEEKLY


def tier(day: int = TODAY, **facts) -> Tier:
    return judge(VisitFacts(**facts), day).tier


@pytest.mark.parametrize(
    "facts",
    [
        {"categories": frozenset({"失能"})},
        {"categories": frozenset({"重残"})},
        {"grade": "轻度"},
        {"grade": "完全"},
        {"disability_grade": 1},
        {"disability_grade": 2},
        {"seriously_ill": True},
        {"categories": frozenset({"独居"}), "born": "1946-11-28"},
        {"lives_alone": True, "born": "1946-11-28"},
    ],
)
def test_each_of_the_notice_s_facts_is_enough(facts) -> None:
    assert tier(**facts) is TWICE


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"categories": frozenset({"空巢", "留守", "计划生育特殊家庭"})},
        {"grade": "完好"},
        {"disability_grade": 3},
        {"disability_grade": 0},
        {"seriously_ill": False},
        {"lives_alone": True, "born": "1946-11-29"},  # 80 tomorrow
        {"lives_alone": False, "born": "1930-01-01"},
        {"lives_alone": True},  # nobody knows how old
        {"lives_alone": True, "born": "unknown"},
    ],
)
def test_who_is_able_is_visited_once_a_month(facts) -> None:
    assert tier(**facts) is Tier.MONTHLY


def test_where_register_and_file_differ_the_higher_wins() -> None:
    assert tier(categories=frozenset({"独居"}), lives_alone=False, born="1940-01-01") is TWICE
    assert tier(categories=frozenset({"重残"}), disability_grade=3) is TWICE
    assert tier(grade="完好", seriously_ill=True) is TWICE


@pytest.mark.parametrize(
    ("born", "from_"), [("1946-11-28", "2026-11-28"), ("1948-02-29", "2028-02-29")]
)
def test_the_eightieth_birthday_is_the_first_day(born, from_) -> None:
    day = day_number(from_)
    facts = VisitFacts(lives_alone=True, born=born)
    assert (judge_tier(facts, day - 1), judge_tier(facts, day)) == (Tier.MONTHLY, TWICE)
    assert [s.tier for s in segments(facts, day - 5, day + 5)] == [Tier.MONTHLY, TWICE]


def test_born_on_a_day_that_the_eightieth_year_has_not() -> None:
    facts = VisitFacts(lives_alone=True, born="2020-02-29")
    day = day_number("2100-03-01")
    assert (judge_tier(facts, day - 1), judge_tier(facts, day)) == (Tier.MONTHLY, TWICE)


def raised(to: Tier, first: str = "2026-11-01", last: str = "2026-12-31") -> Raise:
    return Raise(
        tier=to, from_day=day_number(first), until_day=day_number(last), reason="术后", by="m"
    )


def test_a_raise_holds_on_its_days_and_says_so_in_both_languages() -> None:
    facts = VisitFacts(raises=(raised(TWICE),))
    judged = judge(facts, TODAY)
    assert (judged.tier, judged.base) == (TWICE, Tier.MONTHLY)
    assert "术后" in judged.why[-1].zh
    assert "2026年12月31日" in judged.why[-1].zh
    assert "December 31, 2026" in judged.why[-1].en
    assert judge_tier(facts, day_number("2026-12-31")) is TWICE
    assert judge_tier(facts, day_number("2027-01-01")) is Tier.MONTHLY
    assert judge_tier(facts, day_number("2026-10-31")) is Tier.MONTHLY


def test_a_raise_never_lowers() -> None:
    facts = VisitFacts(seriously_ill=True, raises=(raised(Tier.WEEKLY),))
    judged = judge(facts, TODAY)
    assert (judged.tier, judged.raised) == (TWICE, None)
    assert [why.code for why in judged.why] == ["seriously_ill"]


def test_of_several_raises_the_highest_counts() -> None:
    ways = (raised(Tier.THRICE_WEEKLY), raised(Tier.WEEKLY))
    assert tier(raises=ways) is tier(raises=ways[::-1]) is Tier.THRICE_WEEKLY


def test_what_nobody_has_said_is_named() -> None:
    assert judge(VisitFacts(), TODAY).missing == (
        "grade",
        "seriously_ill",
        "disability_grade",
        "born",
        "lives_alone",
    )
    known = VisitFacts(grade="完好", seriously_ill=False, disability_grade=0, born="1950-01-01")
    assert judge(known, TODAY).missing == ()


FACTS = st.builds(
    VisitFacts,
    categories=st.frozensets(st.sampled_from(["独居", "空巢", "失能", "重残"])),
    grade=st.sampled_from(["", "完好", "轻度", "重度"]),
    disability_grade=st.sampled_from([None, 0, 1, 2, 3]),
    seriously_ill=st.sampled_from([None, False, True]),
    born=st.sampled_from(["", "1930-02-28", "1946-11-28", "1946-12-15", "1960-01-01"]),
    lives_alone=st.sampled_from([None, False, True]),
    raises=st.lists(
        st.builds(
            Raise,
            tier=st.sampled_from(list(Tier)),
            from_day=st.integers(TODAY - 40, TODAY + 10),
            until_day=st.integers(TODAY - 10, TODAY + 40),
            reason=st.just("因"),
            by=st.just("m"),
        ),
        max_size=3,
    ).map(tuple),
)


@given(FACTS)
def test_every_tier_says_why_in_both_languages(facts) -> None:
    judged = judge(facts, TODAY)
    assert judged.why
    for why in judged.why:
        assert re.search(r"[\u4e00-\u9fff]", why.zh)
        assert why.en
    assert not is_higher(judged.base, judged.tier)


@given(FACTS, st.sampled_from(["grade", "disability_grade", "seriously_ill", "lives_alone"]))
def test_learning_a_fact_that_says_no_never_lowers(facts, field) -> None:
    """Unknown facts lower nothing, and neither does a word that somebody is well."""
    empty = {"grade": "", "disability_grade": None, "seriously_ill": None, "lives_alone": None}
    well = {"grade": "完好", "disability_grade": 0, "seriously_ill": False, "lives_alone": False}
    values = {name: getattr(facts, name) for name in VisitFacts.__slots__}
    unknown = VisitFacts(**{**values, field: empty[field]})
    known = VisitFacts(**{**values, field: well[field]})
    assert judge_tier(unknown, TODAY) is judge_tier(known, TODAY)


@given(FACTS)
def test_the_pieces_are_the_tier_of_each_day(facts) -> None:
    first, last = TODAY - 45, TODAY + 45
    pieces = segments(facts, first, last)
    days = [(day, piece.tier) for piece in pieces for day in range(piece.first, piece.last + 1)]
    assert days == [(day, judge(facts, day).tier) for day in range(first, last + 1)]
    assert all(a.tier is not b.tier for a, b in pairwise(pieces))


def test_the_frequencies_are_the_notice_s() -> None:
    assert (FREQUENCIES[Tier.MONTHLY].visits, FREQUENCIES[Tier.MONTHLY].unit) == (1, "month")
    assert (FREQUENCIES[TWICE].visits, FREQUENCIES[TWICE].unit) == (2, "week")
