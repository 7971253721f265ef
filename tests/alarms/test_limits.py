"""Limits: never more than the provider takes, and always room for what is urgent."""

from hypothesis import given
from hypothesis import strategies as st

from alarms.limits import Limit, Limits

BOT = Limit(count=20, per_s=60)


def limits(*of_bot: Limit) -> Limits:
    return Limits({"bot": of_bot or (BOT,)})


def test_half_of_a_limit_is_kept_for_what_is_urgent() -> None:
    kept = limits()
    others = [kept.take("bot", "duty", 0, urgent=False) for _ in range(15)]
    assert others == [0] * 10 + [60_000] * 5
    assert [kept.take("bot", "duty", 0, urgent=True) for _ in range(11)] == [0] * 10 + [60_000]
    assert kept.take("bot", "other", 0, urgent=False) == 0
    assert kept.take("bot", "duty", 60_000, urgent=False) == 0


def test_a_limit_of_a_day_holds_up_nothing_urgent() -> None:
    kept = limits(Limit(count=2, per_s=86_400))
    assert [kept.take("bot", "a", 0, urgent=False) for _ in range(2)] == [0, 86_400_000]
    assert [kept.take("bot", "a", 0, urgent=True) for _ in range(9)] == [0] * 9


def test_what_was_sent_before_a_restart_counts() -> None:
    kept = limits()
    kept.restore([("bot", "duty", 30_000)] * 20 + [("gone", "x", 1)])
    assert kept.take("bot", "duty", 40_000, urgent=True) == 50_000


def test_a_clock_that_is_set_back_blocks_nobody() -> None:
    kept = limits()
    for _ in range(20):
        kept.take("bot", "duty", 10_000_000, urgent=True)
    assert kept.take("bot", "duty", 5_000_000, urgent=True) == 0


def test_a_limit_of_the_channel_counts_all_targets() -> None:
    kept = limits(Limit(count=4, per_s=60, of="channel"))
    assert [kept.take("bot", str(n), 0, urgent=True) for n in range(5)] == [0, 0, 0, 0, 60_000]


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), max_size=200),
    st.integers(2, 30),
)
def test_no_window_ever_holds_more(steps, count) -> None:
    """Also: what waits as long as it is told gets through, unless others were faster."""
    limit = Limit(count=count, per_s=60)
    kept = limits(limit)
    now_ms, sent = 0, []
    for pause_ms, urgent in steps:
        now_ms += pause_ms
        wait_ms = kept.take("bot", "a", now_ms, urgent=urgent)
        if wait_ms == 0:
            sent.append((now_ms, urgent))
        else:
            assert 0 < wait_ms <= 60_000
            allowed = limit.count if urgent else limit.for_others
            later = sum(1 for at, _ in sent if at > now_ms + wait_ms - 60_000)
            assert later < allowed
    for at_ms, _urgent in sent:
        window = [u for at, u in sent if at_ms <= at < at_ms + 60_000]
        assert len(window) <= count
