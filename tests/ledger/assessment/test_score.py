"""Points: from zero to full, nothing lost for what did not happen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.assessment.criteria import (
    DEFAULT,
    MEASURES,
    CriteriaError,
    check,
    from_document,
    to_document,
)
from ledger.assessment.score import measures, score

BEST = dict.fromkeys(MEASURES, (1, 1))


def test_the_default_set_is_one_and_survives_its_document() -> None:
    assert check(DEFAULT) == DEFAULT
    assert from_document(to_document(DEFAULT)) == DEFAULT


def test_all_of_it_is_a_hundred_and_none_of_it_nothing() -> None:
    assert score(DEFAULT, BEST, {"inspection": 100}).total == 100.0
    assert score(DEFAULT, dict.fromkeys(MEASURES, (0, 1)), {"inspection": 0}).total == 0.0


def test_points_rise_evenly_between_zero_and_full() -> None:
    half = score(DEFAULT, {**BEST, "visits_done": (8, 10)}, {"inspection": 100})
    assert half.parts[0].points == 20.0
    assert half.total == 80.0


def test_what_did_not_happen_costs_nothing() -> None:
    quiet = {name: (1, 1) for name in BEST if name not in ("answered", "attended")}
    found = score(DEFAULT, quiet, {})
    assert (found.total, found.judged_weight) == (100.0, 75)
    assert [part.code for part in found.parts if part.points is None] == [
        "answered",
        "attended",
        "inspection",
    ]


def test_too_little_is_no_total() -> None:
    assert score(DEFAULT, {"satisfied": (1, 1)}, {"inspection": 100}).total is None


PAIRS = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda p: (min(p), p[1]))


@given(st.dictionaries(st.sampled_from(sorted(MEASURES)), PAIRS), st.floats(0, 100))
def test_more_is_never_worse(measured: dict[str, tuple[int, int]], mark: float) -> None:
    before = score(DEFAULT, measured, {"inspection": mark})
    for name in measured:
        better = score(DEFAULT, {**measured, name: (1, 1)}, {"inspection": mark})
        if before.total is not None and better.total is not None:
            assert better.total >= before.total
    if before.total is not None:
        assert 0 <= before.total <= 100


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weight": 41}, "add up"),
        ({"measure": "luck"}, "measure is"),
        ({"zero": 1.0}, "differ"),
        ({"full": 2.0}, "between"),
        ({"code": "satisfied"}, "its own|of its own"),
        ({"zh": " "}, "both languages"),
    ],
)
def test_a_set_that_makes_no_sense_is_refused(change, says) -> None:
    with pytest.raises(CriteriaError, match=says):
        check([replace(DEFAULT[0], **change), *DEFAULT[1:]])
    with pytest.raises(CriteriaError, match="from 1 to"):
        check([])


def test_measures_come_from_tallies_and_figures() -> None:
    visits = {"people": 10, "people_short": 2, "owed": 60, "due": 20, "done": 30}
    figures = {
        # Somebody who did not answer the telephone is no visit at home that met nobody.
        "contacts": {"all": 50, "nobody_met": 9, "met_at_home": 36, "with_service": 18},
        "way": {"home_visit": 40, "phone": 10},
        "satisfaction": {"satisfied": 6, "fairly_satisfied": 2, "dissatisfied": 2},
    }
    assert measures(visits, figures) == {
        "visits_done": (30, 40),
        "nobody_short": (8, 10),
        "met": (36, 40),
        "with_service": (18, 36),
        "satisfied": (8, 10),
    }
    assert measures({"people": 0}, {}) == {}


def test_a_part_says_what_it_was_counted_from() -> None:
    found = score(DEFAULT, {"visits_done": (30, 40)}, {"inspection": 80})
    parts = {part.code: part for part in found.parts}
    assert (parts["visits_done"].met, parts["visits_done"].of) == (30, 40)
    assert (parts["inspection"].value, parts["inspection"].of) == (80, None)
    # A mark is for what is marked by hand and nothing else.
    wrong = score(DEFAULT, {}, {"visits_done": 80})
    assert all(part.points is None for part in wrong.parts)
