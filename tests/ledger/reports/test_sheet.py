"""Figures and the rows behind them: what is counted, what isn't, and that sums are sums."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.forms.visit_form import QUESTIONS
from ledger.reports.sheet import Row, Subject, add_up, age_on, as_document, figures_of
from ledger.reports.spans import months_before, parse_span
from ledger.reports.tallies import groups_together, together
from ledger.visiting.days import day_number, iso

DAY = day_number("2026-11-30")


def visit(**changes: Any) -> Row:
    row = {
        "id": "v",
        "way": "home_visit",
        "kind": "routine",
        "met": True,
        "record": "{}",
        "voided_at_ms": None,
        "duplicate_of": None,
        "region": "1",
    }
    return {**row, **changes}


def test_a_visit_is_in_the_figures_of_what_it_found() -> None:
    record = {
        "services": [7, 16, 99],
        "satisfaction": "dissatisfied",
        "gas_safety": "unsafe",
        "fire_safety": "safe",
        "mood": "worse",
        "illness": "serious",
        "needs": "送餐",
    }
    found = figures_of("visit", visit(record=json.dumps(record)), DAY)
    assert Counter(found) == Counter(
        [
            ("contacts", "all"),
            ("way", "home_visit"),
            ("visit_kind", "routine"),
            ("service", "7"),
            ("service", "16"),
            ("contacts", "met_at_home"),
            ("contacts", "with_service"),
            ("satisfaction", "dissatisfied"),
            ("unsafe", "gas_safety"),
            ("worse", "mood"),
            ("worse", "illness"),
            ("contacts", "needs"),
        ]
    )


@pytest.mark.parametrize(
    ("changes", "figures"),
    [
        ({"voided_at_ms": 1}, [("contacts", "voided")]),
        ({"duplicate_of": "w"}, [("contacts", "duplicate")]),
        (
            {"met": False, "record": '{"mood":"worse"}'},
            [
                ("contacts", "all"),
                ("way", "home_visit"),
                ("visit_kind", "routine"),
                ("contacts", "nobody_met"),
            ],
        ),
    ],
)
def test_what_does_not_count_is_in_no_other_figure(changes, figures) -> None:
    assert figures_of("visit", visit(**changes), DAY) == figures


def test_old_records_with_other_answers_break_nothing() -> None:
    strange = {"services": None, "satisfaction": 5, "mood": ["worse"], "gas_safety": True}
    assert len(figures_of("visit", visit(record=json.dumps(strange)), DAY)) == 4


@pytest.mark.parametrize(
    ("born", "age"),
    [("1946-11-30", 80), ("1946-12-01", 79), ("", None), ("1944-02-29", 82), ("soon", None)],
)
def test_age_is_that_of_the_periods_end(born: str, age: int | None) -> None:
    assert age_on(born, DAY) == age


def test_a_person_is_in_each_of_her_categories() -> None:
    row = {"categories": '["独居","失能"]', "grade": "轻度", "born": "1940-01-01", "visitor": None}
    row |= {"here": True, "changes": ["joined"]}
    gone = {**row, "here": False, "changes": ["joined", "died"]}
    assert set(figures_of("person", gone, DAY)) == {("change", "joined"), ("change", "died")}
    assert set(figures_of("person", row, DAY)) == {
        ("change", "joined"),
        ("people", "all"),
        ("people", "high_age"),
        ("people", "no_visitor"),
        ("category", "独居"),
        ("category", "失能"),
        ("grade", "轻度"),
    }


ROWS = st.lists(
    st.builds(
        visit,
        way=st.sampled_from(["home_visit", "phone", "video", "other"]),
        met=st.booleans(),
        voided_at_ms=st.one_of(st.none(), st.just(1)),
        region=st.sampled_from(["1", "2", "3"]),
        record=st.fixed_dictionaries(
            {},
            optional={
                "satisfaction": st.sampled_from(["satisfied", "dissatisfied", "?"]),
                "services": st.lists(st.integers(1, 16), unique=True, max_size=4),
                QUESTIONS[0].field: st.just("unchanged"),
            },
        ).map(json.dumps),
    ),
    max_size=30,
)


@given(ROWS)
def test_every_figure_has_as_many_rows_as_it_says(rows: list[Row]) -> None:
    sheet = add_up("visit", rows, DAY)
    for figure, number in sheet.items():
        assert sum(figure in figures_of("visit", row, DAY) for row in rows) == number
    # A recount by other means.
    counted = [r for r in rows if r["voided_at_ms"] is None and r["duplicate_of"] is None]
    assert sheet["contacts", "all"] == len(counted)
    phones = [r for r in counted if r["way"] == "phone"]
    assert sheet["way", "phone"] == len(phones)
    met = [json.loads(r["record"]) for r in counted if r["met"]]
    happy = sum(r.get("satisfaction") == "satisfied" for r in met)
    assert sheet["satisfaction", "satisfied"] == happy
    assert sum(n for (g, _w), n in sheet.items() if g == "service") == sum(
        len(r.get("services", ())) for r in met
    )


@given(ROWS)
def test_villages_add_up_to_the_town(rows: list[Row]) -> None:
    parts = [add_up("visit", [r for r in rows if r["region"] == code], DAY) for code in "123"]
    assert sum(parts, Counter()) == add_up("visit", rows, DAY)
    assert as_document(sum(parts, Counter())) == as_document(add_up("visit", rows[::-1], DAY))


@pytest.mark.parametrize("subject", ["alarm", "referral", "care"])
def test_the_other_kinds_have_their_total(subject: Subject) -> None:
    row = {
        "severity": "urgent",
        "rule": "sos",
        "outcome": "real_emergency",
        "state": "closed",
        "service": "meals",
    }
    names = {"alarm": "alarms", "referral": "referrals", "care": "care"}
    assert (names[subject], "all") in figures_of(subject, row, DAY)
    if subject == "alarm":
        assert ("rule_outcome", "sos/real_emergency") in figures_of(subject, row, DAY)


def test_a_quarter_is_its_three_months_in_the_countys_time() -> None:
    quarter = parse_span("2026-Q1")
    assert [month.key for month in quarter.months] == ["2026-01", "2026-02", "2026-03"]
    assert (iso(quarter.first), iso(quarter.last)) == ("2026-01-01", "2026-03-31")
    assert quarter.last + 1 == parse_span("2026-04").first
    assert [s.key for s in months_before(quarter, 4)] == [
        "2025-12",
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    for nonsense in ("2026-Q5", "2026-W12", "2026-13", "", "2026"):
        with pytest.raises(ValueError, match=r"neither|month must be"):
            parse_span(nonsense)


def test_months_together_are_sums_but_for_people() -> None:
    one = {"people": 10, "owed": 20, "done": 15, "people_short": 3}
    two = {"people": 11, "owed": 22, "done": 22, "people_short": 0}
    assert together([one, two]) == {"people": 11, "owed": 42, "done": 37, "people_short": 3}
    months = [{"total": one, "tiers": {"week": one}}, {"total": two, "tiers": {"month": two}}]
    both = groups_together(months)
    assert both["tiers"]["week"] == {"people": 0, "owed": 20, "done": 15, "people_short": 3}
    assert both["tiers"]["month"]["people"] == 11
