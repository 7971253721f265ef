"""Who is told what, and how often."""

from typing import Any

from contract.item import Item
from gateway.second_path.sms_plan import (
    ATTEMPTS_MAX,
    HOUR_MS,
    SAME_DEVICE_MS,
    TEXT_MAX,
    SentSms,
    Sms,
    SmsPlan,
    SmsSettings,
)

NOW_MS = 1_795_461_120_000  # 2026-11-24 03:12 in China
NUMBERS = ("+8613800138000", "+8613900139000")


def settings(**more: Any) -> SmsSettings:
    return SmsSettings(port="p", numbers=NUMBERS, after_s=10.0, **more)


def call(number: int, device: str = "button-1", kind: str = "sos") -> Item:
    return Item(
        id=f"i{number}", seq=number, device=device, kind=kind,
        measured_at_ms=NOW_MS, received_at_ms=NOW_MS,
    )  # fmt: skip


class Told:
    """Sends whatever is due, as long as something is."""

    def __init__(self, plan: SmsPlan) -> None:
        self.plan = plan
        self.rows: list[SentSms] = []

    def __call__(self, items: list[Item], now_ms: int = NOW_MS) -> list[Sms]:
        found: list[Sms] = []
        while (sms := self.plan.next(items, now_ms, clock_synced=True)) is not None:
            found.append(sms)
            self.rows += self.plan.sent(sms, now_ms)
        return found


def test_every_number_is_told_once_in_its_order() -> None:
    told = Told(SmsPlan(settings(labels={"button-1": "张家床头按钮"})))
    found = told([call(1)])
    assert [sms.number for sms in found] == [*NUMBERS]
    assert found[0].text == "【守望】紧急呼叫：张家床头按钮，11-24 03:12。请立即联系核实。"
    assert len(found[0].text) <= 70
    assert told([call(1)], NOW_MS + HOUR_MS) == []


def test_first_numbers_of_all_devices_come_before_second_ones() -> None:
    told = Told(SmsPlan(settings()))
    found = told([call(1, "a"), call(2, "b", "smoke")])
    assert [(s.device, s.number) for s in found] == [
        ("a", NUMBERS[0]),
        ("b", NUMBERS[0]),
        ("a", NUMBERS[1]),
        ("b", NUMBERS[1]),
    ]
    assert "烟雾报警" in found[1].text


def test_presses_close_together_share_a_message() -> None:
    told = Told(SmsPlan(settings()))
    told([call(1)])
    again = [call(1), call(2), call(3)]
    assert told(again, NOW_MS + SAME_DEVICE_MS - 1) == []
    found = told(again, NOW_MS + SAME_DEVICE_MS)
    assert [sms.items for sms in found] == [("i2", "i3")] * 2
    assert "共2次" in found[0].text


def test_the_hour_s_limit_holds_back_repetitions_and_no_first_message() -> None:
    told = Told(SmsPlan(settings(per_hour_max=6)))
    jammed = [call(n) for n in range(100)]
    count = 0
    for minute in range(59):
        count += len(told(jammed[: minute + 1], NOW_MS + minute * SAME_DEVICE_MS))
    assert count == 6
    last_ms = NOW_MS + 59 * SAME_DEVICE_MS
    assert len(told([*jammed, call(500, "other")], last_ms)) == len(NUMBERS)
    # An hour later the repetitions are told again.
    assert told(jammed, NOW_MS + 2 * HOUR_MS)


def test_what_the_hub_acknowledged_meanwhile_is_not_sent() -> None:
    plan = SmsPlan(settings())
    sms = plan.next([call(1)], NOW_MS, clock_synced=True)
    assert sms is not None
    plan.sent(sms, NOW_MS)
    assert plan.next([], NOW_MS, clock_synced=True) is None


def test_a_restart_repeats_nothing() -> None:
    told = Told(SmsPlan(settings()))
    told([call(1)])
    again = Told(SmsPlan(settings(), told.rows))
    assert again([call(1)], NOW_MS + HOUR_MS) == []
    # Nor does it forget when the device was told of last.
    assert again([call(2)], NOW_MS + 1000) == []


def test_failures_are_tried_again_ever_more_rarely_and_given_up() -> None:
    plan = SmsPlan(SmsSettings(port="p", numbers=NUMBERS[:1], after_s=10.0))
    now_ms, pauses = NOW_MS, []
    for attempt in range(ATTEMPTS_MAX):
        sms = plan.next([call(1)], now_ms, clock_synced=True)
        assert sms is not None
        assert plan.failed(sms, now_ms, final=False) is (attempt == ATTEMPTS_MAX - 1)
        began_ms = now_ms
        while attempt < ATTEMPTS_MAX - 1 and (
            plan.next([call(1)], now_ms, clock_synced=True) is None
        ):
            now_ms += 1000
        pauses.append((now_ms - began_ms) // 1000)
    assert pauses[:-1] == [5, 10, 20, 40, 60, 60, 60, 60, 60]
    assert plan.next([call(1)], now_ms + HOUR_MS, clock_synced=True) is None
    assert plan.next([call(2)], now_ms + HOUR_MS, clock_synced=True) is not None


def test_a_number_that_is_none_does_not_hold_up_the_next() -> None:
    plan = SmsPlan(settings())
    sms = plan.next([call(1)], NOW_MS, clock_synced=True)
    assert sms is not None
    assert plan.failed(sms, NOW_MS, final=True)
    after = plan.next([call(1)], NOW_MS, clock_synced=True)
    assert after is not None
    assert after.number == NUMBERS[1]


def test_a_clock_set_back_holds_nothing_up() -> None:
    told = Told(SmsPlan(settings(per_hour_max=2)))
    told([call(1)])
    assert told([call(2)], NOW_MS - 400 * 24 * HOUR_MS)


def test_without_a_clock_no_time_is_claimed_and_texts_are_bounded() -> None:
    plan = SmsPlan(settings(template="{label}" * 20 + "{time}"))
    sms = plan.next([call(1, "x" * 64)], NOW_MS, clock_synced=False)
    assert sms is not None
    assert len(sms.text) == TEXT_MAX
    plan = SmsPlan(settings())
    sms = plan.next([call(1)], NOW_MS, clock_synced=False)
    assert sms is not None
    assert "时间不详" in sms.text
