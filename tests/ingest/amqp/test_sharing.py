"""Which worker gives a shard away, over rounds with the broker's line of those who wait."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from ingest.amqp.sharing import TICK_S, Sharing


def test_alone_it_keeps_all_and_with_another_it_gives_one_at_a_time() -> None:
    one = Sharing("one")
    assert not one.gives(8, 0.0)
    one.heard(Sharing("two").says(0), 1.0)
    assert one.gives(8, 2.0)
    assert not one.gives(7, 2.0 + TICK_S), "the other one has to count it first"
    one.heard(Sharing("two").says(1), 5.0)
    assert one.gives(7, 2.0 + 2 * TICK_S)


def test_one_more_is_no_reason() -> None:
    one = Sharing("one")
    one.heard(Sharing("two").says(4), 0.0)
    assert not one.gives(5, 0.0)
    assert one.gives(6, 0.0)


def test_who_is_gone_or_has_just_failed_gets_nothing() -> None:
    one, two = Sharing("one"), Sharing("two")
    one.heard(two.says(0), 0.0)
    assert not one.gives(8, 10 * TICK_S)
    one.heard(two.says(0), 100.0)
    one.heard(two.says(None), 101.0)
    assert not one.gives(8, 101.0)


def test_its_own_words_and_nonsense_are_nothing() -> None:
    one = Sharing("one")
    for body in (one.says(0), b"", b"[]", b"7", b'{"worker": 1, "shards": 0}', b'{"worker": "x"}'):
        one.heard(body, 0.0)
    assert not one.gives(8, 0.0)


@given(st.integers(1, 12), st.integers(2, 5), st.randoms(use_true_random=False))
def test_in_the_end_nobody_has_two_more_than_another(shards: int, workers: int, random) -> None:
    """Whoever started first has all; those given away go to who has waited longest for each."""
    names = [f"w{number}" for number in range(workers)]
    minds = {name: Sharing(name) for name in names}
    lines = [deque(names) for _shard in range(shards)]
    for turn in range(shards * workers * 6):
        now_s = turn * TICK_S
        counts = {name: sum(line[0] == name for line in lines) for name in names}
        random.shuffle(names)
        for name in names:
            for mind in minds.values():
                mind.heard(minds[name].says(counts[name]), now_s)
        for name in names:
            mine = [line for line in lines if line[0] == name]
            if minds[name].gives(len(mine), now_s):
                mine[-1].rotate(-1)
    counts_now = sorted(sum(line[0] == name for line in lines) for name in names)
    assert counts_now[-1] - counts_now[0] <= 1
