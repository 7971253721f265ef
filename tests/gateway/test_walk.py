"""Which presses of a walk are tests, and which stay calls for help."""

from pathlib import Path

import pytest

from contract.item import Item, Measurement
from gateway.config import load
from gateway.walk import GRACE_MS, Expected, Walk, devices_of

NOW_MS = 1_795_420_800_000
BUTTONS = [
    Expected(device="hall", source="rf", pressed=True),
    Expected(device="bath", source="rf", pressed=True),
    Expected(device="meter", source="bus", pressed=False),
]


def said(device: str, kind: str = "sos", **attrs: object) -> Measurement:
    found = {"action": "press", **attrs} if kind == "sos" else attrs
    values = {"power_w": 5.0} if kind == "power" else {}
    return Measurement(
        device=device, kind=kind, measured_at_ms=NOW_MS, received_at_ms=NOW_MS,
        values=values, attrs=found,
    )  # fmt: skip


def item(measurement: Measurement, number: int) -> Item:
    return Item(
        id=f"id-{number}", seq=number, device=measurement.device, kind=measurement.kind,
        measured_at_ms=NOW_MS, received_at_ms=NOW_MS,
        values=measurement.values, attrs=measurement.attrs,
    )  # fmt: skip


def actions(walk: Walk, *batch: Measurement, at: int = 0) -> list[object]:
    return [measurement.attrs.get("action") for measurement in walk.measured(batch, at)]


def test_only_the_device_that_is_asked_for_is_a_test() -> None:
    walk = Walk(BUTTONS)
    assert actions(walk, said("hall")) == ["press"]  # before anybody was told to press
    walk.begin("hall")
    assert actions(walk, said("bath"), said("hall"), said("neighbour")) == [
        "press",
        "test",
        "press",
    ]
    assert walk.real == ["hall", "bath", "neighbour"]
    assert walk.strangers == {"neighbour"}
    assert set(walk.traces) == {"hall"}


@pytest.mark.parametrize("kind", ["sos", "fall", "smoke", "gas", "leak", "tamper"])
@pytest.mark.parametrize("action", ["press", "hold"])
def test_every_kind_of_activation_is_marked_and_keeps_what_it_said(kind: str, action: str) -> None:
    walk = Walk(BUTTONS)
    walk.begin("hall")
    triggered = Measurement(
        device="hall", kind=kind, measured_at_ms=1, received_at_ms=2,
        attrs={"action": action, "code": "B1E1E8"},
    )  # fmt: skip
    (marked,) = walk.measured([triggered], 0)
    assert marked.attrs == {
        "action": "test", "code": "B1E1E8", "walk_test": True, "triggered": action,
    }  # fmt: skip
    assert (marked.kind, marked.measured_at_ms, marked.received_at_ms) == (kind, 1, 2)


def test_a_second_press_is_a_test_for_a_moment_and_then_a_call_again() -> None:
    walk = Walk(BUTTONS)
    walk.begin("hall")
    assert actions(walk, said("hall"), at=1_000) == ["test"]
    assert actions(walk, said("hall"), at=1_000 + GRACE_MS - 1) == ["test"]
    assert actions(walk, said("hall"), at=1_000 + GRACE_MS) == ["press"]  # the step still runs


def test_a_step_that_heard_nothing_leaves_nothing_marked() -> None:
    walk = Walk(BUTTONS)
    walk.begin("hall")
    walk.end()
    assert actions(walk, said("hall")) == ["press"]
    assert [one.device for one in walk.missing()] == ["hall", "bath", "meter"]


def test_clear_and_readings_pass_as_they_are() -> None:
    walk = Walk(BUTTONS)
    walk.begin("hall")
    batch = [said("hall", action="clear"), said("meter", "power"), said("hall", "device_health")]
    assert walk.measured(batch, 0) == batch
    assert walk.real == []
    assert set(walk.traces) == {"meter"}


def test_a_fault_is_no_sign_that_a_device_works() -> None:
    walk = Walk(BUTTONS)
    walk.measured([said("meter", "device_health", fault="no_answer")], 0)
    assert walk.traces == {}


def test_times_belong_to_the_test_itself() -> None:
    """Not to an earlier call of the same button, and not to another's acknowledgement."""
    walk = Walk(BUTTONS)
    (call,) = walk.measured([said("hall")], 0)
    walk.begin("hall")
    (test,) = walk.measured([said("hall")], 10)
    walk.accepted([item(call, 1)], 12)
    walk.acked(["id-1"], 13)
    assert walk.traces["hall"].committed_line_ms is None
    walk.accepted([item(test, 2)], 15)
    walk.acked(["id-9"], 20)
    assert [one.device for one in walk.unacknowledged()] == ["hall"]
    walk.acked(["id-2"], 30)
    walk.acked(["id-2"], 90)  # acknowledged again: the first time counts
    trace = walk.traces["hall"]
    assert (trace.committed_line_ms, trace.acked_line_ms, trace.round_trip_ms) == (15, 30, 20)
    assert walk.unacknowledged() == []


def test_devices_are_those_of_the_configuration_triggered_ones_first(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        'gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost = "h"\n'
        '[[serial]]\nname = "bus"\nport = "/dev/a"\ndriver = "dlt645"\n'
        '[[serial.config.meters]]\naddress = "161"\n'
        '[[serial.config.meters]]\naddress = "262"\ndevice = "meter-b"\n'
        '[[serial]]\nname = "mb"\nport = "/dev/b"\ndriver = "modbus"\n'
        '[[serial.config.meters]]\nunit = 7\nmap = "sdm120"\n'
        '[[serial]]\nname = "rf"\nport = "/dev/c"\ndriver = "ev1527"\n'
        '[[serial.config.buttons]]\nid = "B1E1E"\ndevice = "button-1"\n'
        '[[serial]]\nname = "p1"\nport = "/dev/d"\ndriver = "dsmr"\nconfig = { device = "p1" }\n'
        '[[mqtt]]\nname = "z"\ndriver = "zigbee2mqtt"\nconfig = { call_buttons = ["堂屋/sos"] }\n'
        '[[bluetooth]]\nname = "radio"\ndevices = { "A4:C1:38:00:00:01" = "cuff" }\n'
    )
    found = devices_of(load(path), ["hall smoke"])
    pressed = [one.device for one in found if one.pressed]
    assert [one.pressed for one in found] == [True] * 3 + [False] * 5
    assert pressed[0] == "button-1"
    assert pressed[1].startswith("sos-")
    assert pressed[2].startswith("hall-smoke-")
    # The names that the drivers themselves give.
    assert [one.device for one in found if not one.pressed] == [
        "dlt645-000000000161", "meter-b", "modbus-7", "p1", "cuff",
    ]  # fmt: skip
