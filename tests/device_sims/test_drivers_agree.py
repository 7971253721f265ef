"""What the simulated devices say is what the gateway's drivers understand.

Two encodings written apart from each other meet here: a mistake in one of them shows.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from contract.item import Measurement
from device_sims.day import day_number
from device_sims.devices import ble_cuff, zigbee_contact, zigbee_motion, zigbee_plug
from device_sims.devices.ble_cuff import CuffModel
from device_sims.devices.dlt645_meter import Bus, Dlt645Meter, LineFaults, MeterState
from device_sims.devices.ev1527_button import press_frames
from device_sims.devices.zigbee_button import announce, press
from device_sims.roster import GatewayPlaces, gateway_toml, households
from gateway.driver import Decoded, Outcome
from gateway.registry import DRIVERS

# 2026-11-23T00:05:09Z
NOW_MS = 1_795_392_309_000
ROUND_MS = 900_000
STATE = MeterState(energy_kwh=4321.98, power_w=437.5, voltage_v=226.4, power_factor=0.95)


def config(line: str) -> dict[str, Any]:
    """The driver's table that the roster writes for the first village."""
    places = GatewayPlaces(
        host="127.0.0.1",
        port=1883,
        username="u",
        password_file=Path("p"),
        protocol="5",
        data_dir=Path("d"),
        line_dir=Path("l"),
        clock_plan=None,
    )
    document = tomllib.loads(gateway_toml("gw-0001", households(8, 1), places))
    sources = [*document["serial"], *document["mqtt"]]
    return next(s["config"] for s in sources if s["name"] == line)


def measured(outcomes: list[Outcome]) -> list[Measurement]:
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def polled(faults: LineFaults, rounds: int = 1, seed: int = 1) -> list[Measurement]:
    """What a gateway reads of eight meters on one line, round after round."""
    table = config("meters")
    meters = [
        Dlt645Meter(m["address"], lambda: STATE, preamble=n % 5)
        for n, m in enumerate(table["meters"])
    ]
    bus = Bus(meters, faults, seed)
    driver = DRIVERS["dlt645"].build(table)
    found: list[Measurement] = []
    line_ms = 0
    for number in range(rounds):
        now_ms = NOW_MS + number * ROUND_MS
        for _step in range(4000):
            line_ms += 50
            found += measured(driver.tick(now_ms, line_ms))
            request = driver.next_request(now_ms, line_ms)
            if request is not None:
                found += measured(driver.feed(bus.feed(request), now_ms, line_ms))
        assert bus.refused == 0
    return found


@pytest.mark.parametrize("faults", [LineFaults(), LineFaults(echo=True)], ids=["clean", "echo"])
def test_meters(faults: LineFaults) -> None:
    power = {m.device: m.values for m in polled(faults) if m.kind == "power"}
    assert sorted(power) == [f"meter-{n:04d}" for n in range(1, 9)]
    for values in power.values():
        assert values["energy_kwh"] == pytest.approx(4321.98)
        assert values["power_w"] == pytest.approx(437.5)
        assert values["voltage_v"] == pytest.approx(226.4)
        assert values["current_a"] == pytest.approx(437.5 / 0.95 / 226.4, abs=0.001)


def test_a_bad_line_gives_fewer_readings_and_no_wrong_ones() -> None:
    bad = LineFaults(echo=True, noise=0.2, lost=0.2, corrupt=0.2)
    found = [m for m in polled(bad, rounds=5) if m.kind == "power"]
    assert len({m.device for m in found}) == 8
    for m in found:
        assert m.values.get("energy_kwh", 4321.98) == pytest.approx(4321.98)
        assert m.values.get("voltage_v", 226.4) == pytest.approx(226.4)


def test_a_press_on_the_radio_is_one_press() -> None:
    table = config("rf")
    driver = DRIVERS["ev1527"].build(table)
    for n, button in enumerate(table["buttons"]):
        frames = press_frames(button["id"])
        split = [frames[i : i + 5] for i in range(0, len(frames), 5)]
        heard = [m for part in split for m in measured(driver.feed(part, NOW_MS, n * 10_000))]
        assert [(m.device, m.kind, m.attrs["action"]) for m in heard] == [
            (button["device"], "sos", "press")
        ]


def zigbee(device: str, payload: str) -> list[Measurement]:
    table = config("zigbee")
    driver = DRIVERS["zigbee2mqtt"].build(table)
    return measured(driver.decode(f"{table['base_topic']}/{device}", payload.encode(), NOW_MS))


@pytest.mark.parametrize("battery", [None, 80])
def test_a_zigbee_press(battery: int | None) -> None:
    pressed = [m for m in zigbee("button-0002", press(battery, 90)) if m.kind == "sos"]
    assert [(m.device, m.attrs["action"]) for m in pressed] == [("button-0002", "press")]
    assert not [m for m in zigbee("button-0002", announce(battery, 90)) if m.kind == "sos"]


def test_zigbee_sensors() -> None:
    def values(device: str, payload: str, kind: str) -> dict[str, float]:
        (one,) = [m for m in zigbee(device, payload) if m.kind == kind]
        return dict(one.values)

    moving = zigbee_motion.state(occupied=True, battery_pct=80, battery_mv=2900, link_quality=90)
    assert values("motion-0001", moving, "motion") == {"active": 1}
    opened = zigbee_contact.state(is_open=True, battery_pct=80, battery_mv=2900, link_quality=90)
    assert values("door-0001", opened, "contact") == {"open": 1}
    plug = values("plug-0001", zigbee_plug.state(97.6, 12.349, 231.2, 120), "power")
    assert plug["power_w"] == 98
    assert plug["energy_kwh"] == pytest.approx(12.34)


@pytest.mark.parametrize(
    "model",
    [
        CuffModel(),
        CuffModel(kpa=True),
        CuffModel(stamps_time=False),
        CuffModel(user=1),
        CuffModel(kpa=True, stamps_time=False, user=2),
    ],
)
def test_cuffs(model: CuffModel) -> None:
    table = config("cuffs")
    driver = DRIVERS["ble-health"].build(table)
    at_ms = NOW_MS - 86_400_000
    payload = ble_cuff.measurement(at_ms, 192, 118, 88, model=model)
    topic = f"{table['base_topic']}/cuff-0001/2A35"
    (one,) = [
        m for m in measured(driver.decode(topic, payload, NOW_MS)) if m.kind == "blood_pressure"
    ]
    assert one.device == "cuff-0001"
    tolerance = 0.4 if model.kpa else 0.01
    assert one.values["systolic_mmhg"] == pytest.approx(192, abs=tolerance)
    assert one.values["diastolic_mmhg"] == pytest.approx(118, abs=tolerance)
    assert one.values["pulse_bpm"] == 88
    expected_ms = at_ms if model.stamps_time else NOW_MS
    assert one.measured_at_ms == expected_ms
    assert day_number(one.received_at_ms) == day_number(NOW_MS)
