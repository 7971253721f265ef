"""When something was, by a clock that did not know: stamps, boots, and what is made of them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from contract.item import ATTRS_MAX, Item, Measurement
from contract.moment import EARLIEST_MS
from gateway.boot_time import (
    EPOCHS_MAX,
    Boot,
    BootClock,
    Present,
    Stamp,
    StampedItem,
    noted,
    stamped,
    told,
)
from tests.adapters.gateway_items import NOW_MS, item

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
TRUE_MS = NOW_MS  # when this boot began


def measured(at_ms: int, *, own_ms: int | None = None) -> Measurement:
    return Measurement(
        device="cuff-1",
        kind="blood_pressure",
        measured_at_ms=at_ms if own_ms is None else own_ms,
        received_at_ms=at_ms,
        own_time=own_ms is not None,
    )


def held(received_ms: int, stamp: Stamp, seq: int = 1, **more) -> StampedItem:
    times = {"measured_at_ms": received_ms, "received_at_ms": received_ms, **more}
    return stamped(replace(item(seq), **times), stamp)


def one(*args) -> Item:
    (answer,) = told(*args)
    return answer


def pi() -> BootClock:
    """Started in 1970, running for five seconds."""
    clock = BootClock("b")
    clock.look(5_000, 5_000, kept=False)
    return clock


# The clock of a boot.


def test_a_clock_that_was_trusted_once_does_not_follow_a_jump_by_hand():
    clock = pi()
    clock.look(TRUE_MS + 10_000, 10_000, kept=True)
    for by_ms in (HOUR_MS, -HOUR_MS, 400 * DAY_MS, -400 * DAY_MS):
        clock.look(TRUE_MS + by_ms + 20_000, 20_000, kept=False)
        assert clock.wall_ms(20_000) == TRUE_MS + 20_000
        assert clock.trusted
    clock.look(TRUE_MS + 7_000 + 30_000, 30_000, kept=True)
    assert clock.wall_ms(30_000) == TRUE_MS + 37_000


def test_an_untrusted_clock_follows_the_machine_and_stays_doubtful():
    clock = pi()
    clock.look(TRUE_MS + 10_000, 10_000, kept=False)
    assert clock.wall_ms(11_000) == TRUE_MS + 11_000
    assert not clock.trusted


def test_a_kept_clock_before_every_gateway_is_not_believed():
    clock = BootClock("b")
    clock.look(EARLIEST_MS - 1, 0, kept=True)
    assert not clock.trusted


def test_what_is_received_is_stamped_by_the_offset_that_gave_its_time():
    clock = pi()
    assert clock.stamp(measured(8_000), 8_000) == Stamp(boot="b", at_ms=8_000)
    clock.look(TRUE_MS + 10_000, 10_000, kept=True)
    assert clock.stamp(measured(TRUE_MS + 11_000), 11_000) is None
    # Received before the step and committed after it.
    assert clock.stamp(measured(9_000), 11_000) == Stamp(boot="b", at_ms=9_000)
    assert clock.stamp(measured(9_000, own_ms=TRUE_MS), 11_000).own


def test_the_same_for_a_step_that_is_smaller_than_the_uptime():
    clock = BootClock("b")
    clock.look(TRUE_MS - HOUR_MS, 0, kept=False)
    up_ms = 5 * HOUR_MS
    clock.look(TRUE_MS + up_ms, up_ms, kept=True)
    late = measured(TRUE_MS - HOUR_MS + up_ms - 2_000)
    assert clock.stamp(late, up_ms + 500) == Stamp(boot="b", at_ms=up_ms - 2_000)
    assert clock.stamp(measured(TRUE_MS + up_ms + 100), up_ms + 500) is None


def test_offsets_of_a_restless_clock_are_bounded():
    clock = BootClock("b")
    for number in range(5 * EPOCHS_MAX):
        clock.look(number * HOUR_MS, number, kept=False)
    assert len(clock._epochs) == EPOCHS_MAX


def test_an_earlier_process_of_this_boot_knew_the_time():
    clock = pi()
    clock.recall([Boot(name="other", offset_ms=7, trusted=True, seen_ms=1)], 6_000)
    assert not clock.trusted
    clock.recall([Boot(name="b", offset_ms=TRUE_MS, trusted=True, seen_ms=1)], 6_000)
    assert clock.trusted
    assert clock.wall_ms(6_000) == TRUE_MS + 6_000
    assert clock.stamp(measured(5_500), 6_500) == Stamp(boot="b", at_ms=5_500)


# Items.


def test_an_item_of_this_boot_gets_its_time_once_the_clock_knows():
    waiting = held(8_000, Stamp(boot="b", at_ms=8_000), measured_at_ms=7_000)
    now = Present(boot="b", now_ms=20_000, offset_ms=TRUE_MS, trusted=True)
    answer = one([waiting], [], now)
    assert (answer.measured_at_ms, answer.received_at_ms) == (TRUE_MS + 7_000, TRUE_MS + 8_000)
    assert answer.attrs == {"action": "press", "time": "corrected"}
    assert (answer.id, answer.seq) == (waiting.id, waiting.seq)
    assert type(answer) is Item


def test_until_then_it_is_sent_as_doubtful_with_its_age():
    now = Present(boot="b", now_ms=20_500, offset_ms=0, trusted=False)
    answer = one([held(8_000, Stamp(boot="b", at_ms=8_000))], [], now)
    assert answer.received_at_ms == 8_000
    assert answer.attrs == {"action": "press", "time": "doubtful", "age_s": 12.5}


def test_a_devices_own_time_is_never_shifted():
    stamp = Stamp(boot="b", at_ms=8_000, own=True)
    compared = {"clock": "ahead", "clock_off_s": 9, "user": "1"}
    memory = held(8_000, stamp, measured_at_ms=TRUE_MS - DAY_MS, attrs=compared)
    for trusted, offset_ms in ((True, TRUE_MS), (False, 0)):
        now = Present(boot="b", now_ms=20_000, offset_ms=offset_ms, trusted=trusted)
        answer = one([memory], [], now)
        assert answer.measured_at_ms == TRUE_MS - DAY_MS
        assert answer.received_at_ms == offset_ms + 8_000
        # Neither is the word of a clock that had no time to compare with.
        assert answer.attrs == {"user": "1"}
    unset = held(8_000, stamp, attrs={"clock": "unset"})
    assert one([unset], [], now).attrs == {"clock": "unset"}


def test_an_item_of_an_earlier_boot_whose_clock_was_known_later_in_it():
    boots = [Boot(name="a", offset_ms=TRUE_MS - DAY_MS, trusted=True, seen_ms=HOUR_MS)]
    now = Present(boot="b", now_ms=1_000, offset_ms=0, trusted=False)
    answer = one([held(8_000, Stamp(boot="a", at_ms=8_000))], boots, now)
    assert answer.received_at_ms == TRUE_MS - DAY_MS + 8_000
    assert answer.attrs["time"] == "corrected"


def test_an_item_of_a_boot_that_never_knew_lies_between_its_neighbours():
    before = Boot(name="a", offset_ms=TRUE_MS - DAY_MS, trusted=True, seen_ms=HOUR_MS)
    lost = Boot(name="x", offset_ms=0, trusted=False, seen_ms=2 * HOUR_MS)
    now = Present(boot="b", now_ms=60_000, offset_ms=TRUE_MS, trusted=True)
    stamp = Stamp(boot="x", at_ms=HOUR_MS)
    early = one([held(HOUR_MS, stamp)], [before, lost], now)
    assert early.received_at_ms == TRUE_MS - DAY_MS + HOUR_MS + HOUR_MS
    assert early.attrs["time"] == "doubtful"
    # An hour of its own boot and a minute of this one have passed since, if not more.
    assert early.attrs["age_s"] == 3_660
    ahead = replace(lost, offset_ms=TRUE_MS + 400 * DAY_MS)
    late = one([held(HOUR_MS, stamp)], [before, ahead], now)
    assert late.received_at_ms == TRUE_MS - 2 * HOUR_MS + HOUR_MS
    likely = replace(lost, offset_ms=TRUE_MS - 5 * HOUR_MS)
    assert one([held(9, stamp)], [before, likely], now).received_at_ms == TRUE_MS - 4 * HOUR_MS


def test_a_boot_that_is_forgotten_leaves_the_time_as_it_was_given():
    now = Present(boot="b", now_ms=1_000, offset_ms=TRUE_MS, trusted=True)
    answer = one([held(8_000, Stamp(boot="gone", at_ms=8_000))], [], now)
    assert answer.received_at_ms == 8_000
    assert answer.attrs == {"action": "press", "time": "doubtful"}


def test_marks_never_break_the_contracts_limit():
    full = {f"a{number}": 1 for number in range(ATTRS_MAX)}
    now = Present(boot="b", now_ms=9_000, offset_ms=TRUE_MS, trusted=True)
    answer = one([held(8_000, Stamp(boot="b", at_ms=8_000), attrs=full)], [], now)
    assert answer.attrs == full
    assert answer.received_at_ms == TRUE_MS + 8_000


# Whatever the clocks did.

MOMENT = st.integers(0, 2 * NOW_MS)


@st.composite
def histories(draw):
    """Boots one after the other and the items that each gave, and the boot that runs now."""
    boots, items, seq = [], [], 0
    true_ms = EARLIEST_MS + draw(st.integers(0, 10 * DAY_MS))
    for number in range(draw(st.integers(1, 5))):
        true_ms += draw(st.integers(0, DAY_MS))
        trusted = draw(st.booleans())
        offset_ms = true_ms if trusted else draw(MOMENT)
        ats = sorted(draw(st.lists(st.integers(0, DAY_MS), max_size=4)))
        seen_ms = (ats[-1] if ats else 0) + draw(st.integers(0, 1_000))
        for at_ms in ats:
            seq += 1
            # The guess may have been another one when this came.
            given_ms = draw(st.one_of(st.just(offset_ms), MOMENT)) + at_ms
            items.append(held(given_ms, Stamp(boot=f"b{number}", at_ms=at_ms), seq))
        boots.append(Boot(name=f"b{number}", offset_ms=offset_ms, trusted=trusted, seen_ms=seen_ms))
        true_ms += seen_ms
    last = boots[-1]
    now = Present(
        boot=last.name, now_ms=last.seen_ms, offset_ms=last.offset_ms, trusted=last.trusted
    )
    return boots, items, now


@given(histories())
def test_order_is_kept_and_nothing_is_lost(history):
    boots, items, now = history
    answers = told(items, boots, now)
    assert [answer.seq for answer in answers] == [one.seq for one in items]
    times = [answer.received_at_ms for answer in answers]
    assert times == sorted(times)


@given(histories())
def test_within_a_boot_the_distances_are_those_of_the_running_time(history):
    boots, items, now = history
    answers = told(items, boots, now)
    for before, after, a, b in zip(items, items[1:], answers, answers[1:], strict=False):
        if before.stamp.boot == after.stamp.boot:
            passed_ms = after.stamp.at_ms - before.stamp.at_ms
            assert b.received_at_ms - a.received_at_ms == passed_ms


@given(histories())
def test_what_a_trusted_clock_said_is_exact_and_a_guess_moves_no_further_than_needed(history):
    boots, items, now = history
    by_name = {boot.name: number for number, boot in enumerate(boots)}
    answers = told(items, boots, now)
    firsts = {}
    for waiting, answer in zip(items, answers, strict=True):
        number = by_name[waiting.stamp.boot]
        boot = boots[number]
        base_ms = answer.received_at_ms - waiting.stamp.at_ms
        firsts[number] = base_ms
        if boot.trusted:
            assert (base_ms, answer.attrs["time"]) == (boot.offset_ms, "corrected")
            continue
        assert answer.attrs["time"] == "doubtful"
        later = [b for b in boots[number + 1 :] if b.trusted]
        if later:
            assert base_ms + boot.seen_ms <= later[0].offset_ms
        if base_ms > boot.offset_ms and number:
            # Moved forward: right behind what came before it, and not a moment more.
            assert base_ms == _end(boots, number - 1, answers, items, now)
        if base_ms < boot.offset_ms:
            following = boots[number + 1 :]
            until = next(n for n, b in enumerate(following) if b.trusted)
            needed = boot.seen_ms + sum(b.seen_ms for b in following[:until])
            assert base_ms == following[until].offset_ms - needed


def _end(boots, number, answers, items, now) -> int:
    """Where the boots up to this one end; asked with an item of each at its last moment."""
    ends = [
        one([held(0, Stamp(boot=b.name, at_ms=b.seen_ms))], boots, now).received_at_ms
        for b in boots[: number + 1]
    ]
    return max(ends)


@given(histories())
def test_asked_again_the_answer_is_the_same(history):
    boots, items, now = history
    once = told(items, boots, now)
    assert told(items, boots, now) == once
    assert told(once, boots, now) == once


@given(histories())
def test_the_age_is_never_more_than_has_passed(history):
    boots, items, now = history
    if not now.trusted:
        return
    for waiting, answer in zip(items, told(items, boots, now), strict=True):
        if "age_s" in answer.attrs:
            # With what is known of the time the age leads to no moment before the answer's.
            wall_ms = now.offset_ms + now.now_ms
            assert wall_ms - answer.attrs["age_s"] * 1000 >= answer.received_at_ms - 1, waiting


@given(st.lists(st.tuples(st.integers(0, DAY_MS), st.booleans()), max_size=6))
def test_what_is_noted_of_a_boot_only_grows(steps):
    boots = ()
    for at_ms, trusted in steps:
        now = Present(boot="b", now_ms=at_ms, offset_ms=TRUE_MS, trusted=trusted)
        after = noted(boots, now, at_ms)
        assert noted(after, now, at_ms) == after
        if boots:
            assert after[0].seen_ms >= boots[0].seen_ms
            assert after[0].trusted >= boots[0].trusted
        boots = after


def test_a_boot_without_items_is_not_noted():
    now = Present(boot="b", now_ms=1, offset_ms=TRUE_MS, trusted=True)
    assert noted((), now, None) == ()
