"""The sender: which items are in flight and when each is sent again. Scripted time, no jitter."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.uplink.sender import (
    EXPRESS_MAX,
    JITTER,
    NOBODY_LISTENS_S,
    RESEND_MAX_S,
    STUCK_ATTEMPTS,
    Sender,
)
from tests.adapters.gateway_items import item


def sender(window: int = 10, spread: float = 0.0) -> Sender:
    return Sender(window, lambda: spread)


def due(subject: Sender, now_s: float, limit: int = 100) -> list[int]:
    return [found.seq for found in subject.take_due(now_s, limit)]


def sendings(subject: Sender, seconds: int) -> list[int]:
    """The seconds at which something is due, looked at once a second."""
    return [second for second in range(seconds) if due(subject, float(second))]


def test_an_item_is_sent_at_once_then_ever_more_rarely_and_for_ever() -> None:
    subject = sender()
    subject.add([item(1)], 0.0)
    times = sendings(subject, 300)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[0] == 0
    assert gaps[:6] == [1, 2, 4, 8, 16, 30]
    assert set(gaps[6:]) == {30}
    weeks_s = 10_000_000.0
    for step in range(2000):
        assert due(subject, weeks_s + step * RESEND_MAX_S) == [1]


def test_jitter_only_lengthens_and_by_a_tenth_at_most() -> None:
    early, late = sender(spread=0.0), sender(spread=0.999)
    for subject in (early, late):
        subject.add([item(1)], 0.0)
        subject.take_due(0.0, 1)
    assert early.next_due_s() == 1.0
    latest = late.next_due_s()
    assert latest is not None
    assert 1.0 < latest < 1.0 * (1 + JITTER)


def test_nothing_is_due_before_its_time() -> None:
    subject = sender()
    subject.add([item(1)], 5.0)
    assert due(subject, 5.0) == [1]
    assert due(subject, 5.999) == []
    assert due(subject, 6.0) == [1]
    assert due(subject, 7.999) == []


def test_oldest_first_and_no_more_than_asked_for() -> None:
    subject = sender()
    subject.add([item(n) for n in (1, 2, 3, 4, 5)], 0.0)
    assert due(subject, 0.0, limit=2) == [1, 2]
    assert due(subject, 0.0, limit=2) == [3, 4]
    # 1 and 2 are due again, and older than 5, which was never sent.
    assert due(subject, 1.0, limit=3) == [1, 2, 3]
    assert due(subject, 1.0, limit=3) == [4, 5]


def test_an_acknowledged_item_is_never_sent_again_whatever_the_order() -> None:
    subject = sender()
    subject.add([item(n) for n in range(1, 6)], 0.0)
    subject.take_due(0.0, 10)
    assert subject.acked(["id-4", "id-2"]) == 2
    assert subject.acked(["id-2", "id-4", "id-77"]) == 0
    assert due(subject, 1.0) == [1, 3, 5]
    assert subject.acked(["id-5", "id-1", "id-3"]) == 3
    assert due(subject, 1e9) == []
    assert len(subject) == 0
    assert subject.next_due_s() is None


def test_an_item_can_be_acknowledged_before_it_was_sent() -> None:
    subject = sender()
    subject.add([item(1), item(2)], 0.0)
    subject.acked(["id-1"])
    assert due(subject, 0.0) == [2]


def test_only_numbers_in_flight_are_told() -> None:
    subject = sender()
    subject.add([item(1), item(2)], 0.0)
    subject.acked(["id-1"])
    assert subject.seqs(["id-1", "id-2", "id-77"]) == [2]


def test_a_full_window_takes_no_more_and_loses_nothing() -> None:
    subject = sender(window=3)
    assert not subject.add([item(n) for n in range(1, 6)], 0.0)
    assert subject.highest_seq == 3
    assert subject.room == 0
    assert due(subject, 0.0) == [1, 2, 3]
    subject.acked(["id-2"])
    assert subject.room == 1
    assert not subject.add([item(4), item(5)], 0.0)
    assert subject.highest_seq == 4
    assert due(subject, 0.0) == [4]


def test_an_item_given_twice_flies_once() -> None:
    subject = sender()
    assert subject.add([item(1), item(2)], 0.0)
    assert subject.add([item(1), item(2), item(3)], 0.5)
    assert due(subject, 0.5) == [1, 2, 3]
    subject.acked(["id-2"])
    assert subject.add([item(2)], 0.5)
    assert len(subject) == 2


def test_a_new_connection_makes_everything_due_from_the_start_of_its_schedule() -> None:
    subject = sender()
    subject.add([item(1), item(2)], 0.0)
    sendings(subject, 100)
    subject.all_due(100.0)
    assert due(subject, 100.0) == [1, 2]
    assert subject.next_due_s() == 101.0


def test_a_broker_without_listeners_slows_nothing_down() -> None:
    subject = sender()
    subject.add([item(1)], 0.0)
    for turn in range(50):
        now_s = turn * NOBODY_LISTENS_S
        assert due(subject, now_s) == [1]
        subject.not_sent(["id-1", "id-77"], now_s)
        assert subject.next_due_s() == now_s + NOBODY_LISTENS_S
    # Somebody listens again: the schedule begins anew.
    subject.hub_is_back(100.0)
    assert due(subject, 100.0) == [1]
    assert subject.next_due_s() == 101.0


def sent_in_silence(subject: Sender, seconds: int, answers=lambda _seqs, _now_s: None) -> list[int]:
    """How many were sent in each second."""
    counts = []
    for second in range(seconds):
        seqs = [i.seq for i in subject.take_due(float(second), 1000, silent=True)]
        answers(seqs, float(second))
        counts.append(len(seqs))
    return counts


def test_a_hub_that_is_away_for_hours_is_asked_for_by_one_item_and_not_by_all() -> None:
    """The broker keeps each sending for it."""
    subject = sender(window=500)
    subject.add([item(n) for n in range(1, 501)], 0.0)
    counts = sent_in_silence(subject, 3600)
    assert counts[0] == counts[1] == counts[3] == 500
    asked = counts[4:]
    assert max(asked) == 1
    assert 3600 / RESEND_MAX_S <= sum(asked) < 1.2 * 3600 / RESEND_MAX_S
    subject.hub_is_back(3600.0)
    assert len(due(subject, 3600.0, limit=1000)) == 500


def test_what_is_new_is_sent_although_the_hub_is_silent() -> None:
    subject = sender()
    subject.add([item(1)], 0.0)
    sent_in_silence(subject, 100)
    subject.add([item(2)], 100.0)
    assert [i.seq for i in subject.take_due(100.0, 10, silent=True)] == [2]


def test_an_item_that_the_hub_never_takes_does_not_ask_for_all_alone() -> None:
    subject = sender()
    subject.add([item(n) for n in range(1, 6)], 0.0)
    asked: list[int] = []
    sent_in_silence(subject, 400, lambda seqs, now_s: asked.extend(seqs if now_s > 4 else []))
    assert set(asked) == {1, 2, 3, 4, 5}


def test_a_broker_without_listeners_is_asked_by_one_item_every_two_seconds() -> None:
    subject = sender(window=100)
    subject.add([item(n) for n in range(1, 101)], 0.0)

    def nobody(seqs: list[int], now_s: float) -> None:
        subject.not_sent([f"id-{seq}" for seq in seqs], now_s)

    counts = sent_in_silence(subject, 600, nobody)
    assert counts[:5] == [100, 0, 100, 0, 100]
    assert set(counts[6::2]) == {1}
    assert not any(counts[5::2])


def test_a_hub_that_is_back_gets_the_stuck_at_once_and_the_fresh_in_their_time() -> None:
    subject = sender()
    subject.add([item(1)], 0.0)
    now_s = 0.0
    for _ in range(STUCK_ATTEMPTS):
        subject.take_due(now_s, 1)
        now_s = subject.next_due_s() or 0.0
    subject.add([item(2)], now_s - 0.1)
    assert due(subject, now_s - 0.1) == [2]
    subject.hub_is_back(now_s - 0.1)
    assert due(subject, now_s - 0.1) == [1]
    subject.acked(["id-2"])
    assert subject.next_due_s() == now_s - 0.1 + 1.0  # its schedule begins anew


def test_a_restart_forgets_all_and_begins_after_the_number() -> None:
    subject = sender()
    subject.add([item(n) for n in range(1, 8)], 0.0)
    subject.restart(3)
    assert len(subject) == 0
    subject.add([item(3), item(4)], 1.0)
    assert due(subject, 1.0) == [4]


Link = st.lists(st.sampled_from(["lost", "given", "twice", "late"]), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 12), window=st.integers(1, 5), fates=Link)
def test_over_any_bad_line_everything_arrives_once_the_line_is_good(
    count: int, window: int, fates: list[str]
) -> None:
    """Acknowledgements are lost, doubled and late; the spool refills what found no room."""
    subject = sender(window)
    subject.add([item(n) for n in range(1, count + 1)], 0.0)
    arrived: set[int] = set()
    late: list[str] = []
    fate = iter(fates)
    for second in range(3000):
        for found in subject.take_due(float(second), 100):
            how = next(fate, "given")
            if how != "lost":
                arrived.add(found.seq)
            if how in ("given", "twice"):
                subject.acked([found.id] * (2 if how == "twice" else 1))
            elif how == "late":
                late.append(found.id)
        if second % 7 == 0:
            subject.acked(reversed(late))
        assert len(subject) <= window
        subject.add([item(n) for n in range(subject.highest_seq + 1, count + 1)], float(second))
        if len(arrived) == count and not len(subject):
            break
    assert arrived == set(range(1, count + 1))
    assert len(subject) == 0


def test_what_somebody_waits_for_passes_a_backlog_and_is_sent_once() -> None:
    subject = sender(window=3)
    subject.add([item(seq) for seq in range(1, 4)], 0.0)
    assert not subject.room
    subject.express([item(900)], 0.0)
    assert due(subject, 0.0, limit=2) == [900, 1]
    subject.acked(["id-1", "id-2", "id-3"])
    # The spool gives it again in its turn, acknowledged or not.
    assert subject.add([item(seq) for seq in (899, 900, 901)], 1.0)
    assert subject.highest_seq == 901
    assert due(subject, 0.5) == []
    assert due(subject, 1.0) == [900, 899, 901]


def test_express_has_its_own_bound() -> None:
    subject = sender()
    subject.express([item(seq) for seq in range(1, EXPRESS_MAX + 9)], 0.0)
    assert len(subject) == EXPRESS_MAX
    subject.express([item(1)], 0.0)
    assert len(subject) == EXPRESS_MAX
