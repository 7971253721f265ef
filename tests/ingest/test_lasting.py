"""What is had each time and lost a moment later is not well, whenever one looks."""

from ingest.lasting import ENDS_MAX, LASTS_S, Lasting


def early_ends(its: Lasting, count: int, now_s: float) -> float:
    for _ in range(count):
        its.began(now_s)
        its.ended(now_s + LASTS_S - 0.1)
        now_s += LASTS_S
    return now_s


def test_a_few_early_ends_are_a_node_that_restarts() -> None:
    its = Lasting()
    assert its.state(0) == "ok"
    now_s = early_ends(its, ENDS_MAX, 0)
    assert its.state(now_s) == "ok"


def test_one_more_has_another_reason_also_while_it_is_just_had_again() -> None:
    its = Lasting()
    now_s = early_ends(its, ENDS_MAX + 1, 0)
    assert its.state(now_s) == "ended 4 times, each within 10 s: see the log"
    its.began(now_s)
    assert its.state(now_s + LASTS_S - 0.1) != "ok"
    assert its.state(now_s + LASTS_S) == "ok"
    its.ended(now_s + LASTS_S)
    assert its.state(now_s + LASTS_S) == "ok", "it lasted"


def test_what_could_not_begin_has_not_ended() -> None:
    its = Lasting()
    for now_s in range(20):
        its.ended(float(now_s))
    assert its.state(20.0) == "ok"
