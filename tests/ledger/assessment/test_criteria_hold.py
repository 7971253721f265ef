"""Which criteria a month or quarter is assessed by: those that stood when it began."""

import pytest

from ledger.assessment.criteria import holding


@pytest.mark.parametrize(
    ("period", "sets", "holds"),
    [
        ("2026-Q4", {}, None),
        ("2026-Q4", {1: "2026-Q4"}, 1),
        ("2026-Q3", {1: "2026-Q4"}, None),
        ("2027-Q1", {1: "2026-Q4"}, 1),
        # As texts `2026-11` is before every quarter of its year, and no quarter before it.
        ("2026-Q1", {1: "2026-11"}, None),
        ("2026-Q4", {1: "2026-11"}, None),
        ("2027-Q1", {1: "2026-11"}, 1),
        ("2026-11", {1: "2026-Q1"}, 1),
        ("2026-11", {1: "2026-Q4"}, 1),
        ("2026-10", {1: "2026-11"}, None),
        # Said anew, and what was said of a later time, whichever was written first.
        ("2026-Q4", {1: "2026-Q4", 2: "2026-Q4"}, 2),
        ("2026-Q4", {1: "2026-Q4", 2: "2026-Q2"}, 1),
        ("2026-12", {1: "2026-11", 2: "2026-Q4"}, 1),
        # Of two that begin on one day its own.
        ("2026-Q4", {1: "2026-Q4", 2: "2026-10"}, 1),
        ("2026-10", {1: "2026-10", 2: "2026-Q4"}, 1),
        ("2026-11", {1: "2026-10", 2: "2026-Q4"}, 2),
    ],
)
def test_what_stood_when_it_began(period: str, sets: dict[int, str], holds: int | None) -> None:
    assert holding(period, sets) == holds
