"""Spool marks: every number counted once, gaps seen, in any order of arrival."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.marks import RANGES_MAX, SpoolMark


def mark() -> SpoolMark:
    return SpoolMark(spool="s", gateway="g")


@given(st.lists(st.integers(1, 60), max_size=200))
def test_any_order_equals_a_set(seqs) -> None:
    tested, seen = mark(), set()
    for seq in seqs:
        assert tested.add(seq) is (seq not in seen)
        seen.add(seq)
        assert all(tested.has(n) is (n in seen) for n in range(1, 62))
        contiguous = 0
        while contiguous + 1 in seen:
            contiguous += 1
        assert tested.contiguous == contiguous
        assert tested.missing() == (max(seen) - len(seen) if seen else 0)


def test_a_gap_is_timed_and_ends_when_it_is_filled() -> None:
    tested = mark()
    for seq in (1, 2, 4):
        tested.add(seq)
    assert tested.watch_gap(1000) == 0
    assert tested.watch_gap(17_000) == 16_000
    tested.add(3)
    assert tested.watch_gap(18_000) == 0
    assert tested.gap_since_ms is None


def test_the_gateways_own_count_shows_a_loss_at_the_end() -> None:
    tested = mark()
    tested.add(1)
    assert tested.missing(last_seq=3) == 2
    assert tested.missing(last_seq=1) == 0


def test_endless_holes_stay_bounded_and_are_counted() -> None:
    tested = mark()
    for seq in range(2, 2 * RANGES_MAX + 10, 2):
        tested.add(seq)
    assert len(tested.beyond) <= RANGES_MAX
    assert tested.lost > 0
