"""Service figures, counted by hand."""

import pytest

from ledger.response_figures import (
    Call,
    by_person,
    day_part,
    figures,
    grouped,
    owes_review,
)

NOW_MS = 10_000_000_000
MINUTE = 60_000


def call(number: int, **times) -> Call:
    fields = {"alarm": f"a{number}", "number": number, "region": "r1", "rule": "sos", "kind": "sos"}
    return Call(**{**fields, "called_ms": 1_000_000, **times})


def answered(number: int, after_s: float, **more) -> Call:
    return call(number, answered_ms=1_000_000 + round(after_s * 1000), **more)


def went(number: int, after_min: float, **more) -> Call:
    arrived = 1_000_000 + round(after_min * MINUTE)
    return answered(number, 10, sent_ms=1_020_000, arrived_ms=arrived, **more)


def test_the_shares_are_those_counted_by_hand() -> None:
    # 60 s is in time, a millisecond more is not; the same at 180 s.
    waits = [5, 59.999, 60, 60.001, 100, 180, 180.001, 500]
    found = figures([answered(n, s) for n, s in enumerate(waits)], NOW_MS)
    in_60, in_180 = found.answered.shares
    assert (in_60.met, in_60.of, in_60.share, in_60.reached) == (3, 8, 3 / 8, False)
    assert (in_180.met, in_180.of) == (6, 8)
    # Between 60.001 and 100 s lies the middle.
    assert found.answered.median_ms == pytest.approx(80_000, abs=1)
    assert found.answered.worst_ms == 500_000
    assert (found.reviews_due, found.reviews_done) == (2, 0)


def test_the_goal_is_reached_at_exactly_its_share() -> None:
    calls = [answered(n, 10) for n in range(39)] + [answered(39, 61)]
    share = figures(calls, NOW_MS).answered.shares[0]
    assert (share.share, share.goal, share.reached) == (0.975, 0.975, True)
    worse = figures([*calls, answered(40, 61)], NOW_MS).answered.shares[0]
    assert worse.reached is False


def test_what_can_still_be_in_time_counts_nowhere_and_what_cannot_is_late() -> None:
    now_ms = 1_000_000 + 100_000
    found = figures([answered(1, 5), call(2)], now_ms)
    in_60, in_180 = found.answered.shares
    assert (in_60.met, in_60.of) == (1, 2)
    assert (in_180.met, in_180.of) == (1, 1)
    assert (found.answered.done, found.answered.waiting) == (1, 1)
    assert not owes_review(call(2), now_ms)
    assert owes_review(call(2), 1_000_000 + 180_001)


def test_closing_answers_what_nobody_had_taken() -> None:
    assert call(1, closed_ms=1_030_000).answer_wait_ms == 30_000
    assert answered(1, 20, closed_ms=1_030_000).answer_wait_ms == 20_000


def test_who_had_it_already_when_it_became_worse_answered_at_once() -> None:
    assert call(1, answered_ms=900_000).answer_wait_ms == 0


def test_attendance_counts_from_the_call() -> None:
    found = figures([went(1, 30), went(2, 45), went(3, 46), went(4, 61)], NOW_MS)
    in_45, in_60 = found.attended.shares
    assert (in_45.met, in_45.of, in_45.reached) == (2, 4, False)
    assert (in_60.met, in_60.of, in_60.reached) == (3, 4, False)
    assert (found.attended.median_ms, found.attended.worst_ms) == (2_730_000, 3_660_000)


def test_a_call_that_ended_before_anybody_had_to_arrive_is_counted_apart() -> None:
    found = figures([went(1, 30), answered(2, 10, closed_ms=1_100_000)], NOW_MS)
    assert [share.of for share in found.attended.shares] == [1, 1]
    assert found.called_off == 1
    # Nobody has come for hours, and it is open: that is late, not called off.
    late = figures([answered(3, 10)], NOW_MS)
    assert [(share.met, share.of) for share in late.attended.shares] == [(0, 1), (0, 1)]


def test_nothing_judged_is_no_figure() -> None:
    found = figures([], NOW_MS)
    assert found.answered.shares[0].share is None
    assert found.answered.shares[0].reached is None
    assert found.answered.median_ms is None


def test_outcomes_and_rules_are_counted() -> None:
    calls = [
        answered(1, 5, closed_ms=2_000_000, outcome="social"),
        answered(2, 5, closed_ms=2_000_000, outcome="social"),
        answered(3, 5, closed_ms=2_000_000, outcome="real_emergency", rule="fall"),
        answered(4, 5),
    ]
    found = figures(calls, NOW_MS)
    assert found.by_outcome == {"social": 2, "real_emergency": 1}
    assert found.by_rule == {"sos": 3, "fall": 1}


def test_a_reviewed_call_is_done() -> None:
    found = figures([answered(1, 200, reviewed=True), answered(2, 300)], NOW_MS)
    assert (found.reviews_due, found.reviews_done) == (2, 1)


def test_groups_have_their_own_figures() -> None:
    calls = [answered(1, 5), answered(2, 100, region="r2"), answered(3, 5, region="r2")]
    found = grouped(calls, NOW_MS, lambda one: one.region)
    assert {name: figures.answered.shares[0].met for name, figures in found.items()} == {
        "r1": 1,
        "r2": 1,
    }
    assert found["r2"].calls == 2


def test_of_a_person_the_calls_answered_and_those_gone_to() -> None:
    calls = [
        went(1, 30, answered_by="duty", went="anna"),
        went(2, 50, answered_by="duty", went="ben"),
        went(3, 10, answered_by="anna", went="anna"),
    ]
    found = by_person(calls, NOW_MS)
    assert (found["duty"].calls, found["duty"].attended.done) == (2, 0)
    assert (found["anna"].calls, found["anna"].attended.done) == (1, 2)
    assert (found["ben"].calls, found["ben"].attended.worst_ms) == (0, 50 * MINUTE)


@pytest.mark.parametrize(
    ("utc_hour", "part"),
    [(15.99, "16-24"), (16, "00-08"), (23.99, "00-08"), (0, "08-16"), (8, "16-24")],
)
def test_the_parts_of_the_day_are_local(utc_hour: float, part: str) -> None:
    # Shanghai is eight hours ahead.
    assert day_part(round(utc_hour * 3_600_000), "Asia/Shanghai") == part
