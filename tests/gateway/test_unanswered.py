"""Calls without the hub's word: what a second path is shown, and what can't push it aside."""

from contract.item import Item
from gateway.uplink import unanswered
from gateway.uplink.unanswered import CALLS_PER_DEVICE_MAX, Unanswered


def item(seq: int, device: str = "d", kind: str = "sos", action: str = "press") -> Item:
    attrs = {"action": action}
    return Item(
        id=f"i{seq}", seq=seq, device=device, kind=kind, measured_at_ms=1, received_at_ms=1,
        attrs=attrs,
    )  # fmt: skip


def seqs(calls: Unanswered, before_s: float, limit: int = 1000) -> list[int]:
    return [i.seq for i in calls.since(before_s, limit)]


def test_only_what_waits_long_enough_is_overdue() -> None:
    calls = Unanswered()
    calls.add([item(1), item(2)], 100.0)
    calls.add([item(3), item(1)], 105.0)  # an item given again keeps its time
    assert seqs(calls, 99.9) == []
    assert seqs(calls, 100.0) == [1, 2]
    calls.acked(["i1", "unknown"])
    assert seqs(calls, 105.0) == [2, 3]
    calls.clear()
    assert seqs(calls, 105.0) == []


def test_faults_and_tests_are_no_calls() -> None:
    calls = Unanswered()
    calls.add([item(1, kind="device_health"), item(2, action="test"), item(3, kind="fall")], 0.0)
    assert seqs(calls, 0.0) == [3]


def test_a_jammed_button_does_not_push_another_aside() -> None:
    calls = Unanswered()
    calls.add([item(n, "jammed") for n in range(1, 2000)], 0.0)
    calls.add([item(5000, "other")], 1.0)
    found = seqs(calls, 1.0)
    assert found[:3] == [1, 5000, 2]
    assert len(found) == CALLS_PER_DEVICE_MAX + 1
    assert seqs(calls, 1.0, limit=2) == [1, 5000]


def test_all_together_are_bounded_and_a_first_call_is_not(monkeypatch) -> None:
    monkeypatch.setattr(unanswered, "CALLS_MAX", 5)
    calls = Unanswered()
    calls.add([item(n, "a") for n in range(10)], 0.0)
    calls.add([item(20, "b"), item(21, "b")], 0.0)
    assert sorted(seqs(calls, 0.0)) == [0, 1, 2, 3, 4, 20]


def test_devices_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(unanswered, "DEVICES_MAX", 3)
    calls = Unanswered()
    calls.add([item(n, f"d{n}") for n in range(10)], 0.0)
    assert seqs(calls, 0.0) == [0, 1, 2]
    calls.acked(["i1"])
    calls.add([item(20, "new")], 0.0)
    assert seqs(calls, 0.0) == [0, 2, 20]
