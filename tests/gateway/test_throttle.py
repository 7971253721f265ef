"""A thin line is handed what it can carry, and a wide one all there is."""

from gateway.uplink.sender import RESEND_FIRST_S, Sender
from gateway.uplink.throttle import ITEMS_MIN, QUICK_S, SLOW_S, Throttle
from gateway.uplink.uplink import CONFIRM_TIMEOUT_S
from tests.adapters.gateway_items import item


def carried(bytes_per_s: float, items: int, *, item_bytes: int = 250) -> tuple[float, int]:
    """Seconds until a backlog is through a line that takes its time, and time-outs on the way."""
    throttle = Throttle(400, 4)
    now_s, left, lost = 0.0, items, 0
    while left > 0:
        # What is handed over at once is confirmed one after the other, all of it by the last.
        sizes = [min(throttle.items, left)] * throttle.envelopes
        waited_s = 0.0
        for size in sizes:
            waited_s += size * item_bytes / bytes_per_s
            if waited_s > CONFIRM_TIMEOUT_S:
                now_s, lost = now_s + CONFIRM_TIMEOUT_S, lost + 1
                assert lost < 50, "nothing comes through"
                throttle.timed_out()
                break
            left -= size
            throttle.confirmed(waited_s)
        else:
            now_s += waited_s
    return now_s, lost


def test_a_backlog_comes_through_a_thin_line() -> None:
    for bytes_per_s in (200, 1_000, 3_000, 10_000):
        took_s, lost = carried(bytes_per_s, 1_000)
        assert lost <= 5
        # At most twice what the bytes themselves need, and the first time-outs.
        assert took_s <= 2 * 1_000 * 250 / bytes_per_s + 6 * CONFIRM_TIMEOUT_S


def test_a_wide_line_is_handed_everything() -> None:
    throttle = Throttle(400, 4)
    throttle.timed_out()
    for _quick in range(4):
        throttle.confirmed(0.1)
    assert (throttle.items, throttle.envelopes) == (400, 4)


def test_what_is_confirmed_late_is_made_less_before_it_is_lost() -> None:
    throttle = Throttle(400, 4)
    throttle.confirmed(SLOW_S + 1)
    assert (throttle.items, throttle.envelopes) == (200, 2)
    throttle.confirmed(SLOW_S - 1)
    assert (throttle.items, throttle.envelopes) == (201, 2)


def test_a_line_that_is_long_and_not_thin_is_found_out() -> None:
    """By satellite: seconds away, however little is handed over."""
    throttle = Throttle(400, 4)
    for _lost in range(5):
        throttle.timed_out()
    assert throttle.items == ITEMS_MIN
    for _answer in range(60):
        throttle.confirmed((QUICK_S + SLOW_S) / 2)
    assert throttle.items > 50


def test_what_the_broker_has_is_not_sent_again_before_the_hub_can_answer() -> None:
    sender = Sender(10, lambda: 0.0)
    sender.add([item(1)], 0.0)
    assert len(sender.take_due(0.0, 10)) == 1
    sender.on_the_way([item(1).id], 8.0)
    assert sender.take_due(8.0 + RESEND_FIRST_S / 2, 10) == []
    assert len(sender.take_due(8.0 + RESEND_FIRST_S, 10)) == 1
