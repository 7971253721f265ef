"""What the simulated devices say is what the gateway's drivers understand.

Two encodings written apart from each other meet here: a mistake in one of them shows.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from contract.item import Measurement
from device_sims.body import Vitals
from device_sims.day import day_number
from device_sims.devices import (
    ble_cuff,
    ble_glucometer,
    ble_heart_strap,
    ble_oximeter,
    ble_scale,
    ble_thermometer,
    zigbee_contact,
    zigbee_motion,
    zigbee_plug,
)
from device_sims.devices.ble_cuff import CuffModel
from device_sims.devices.dlt645_meter import Bus, Dlt645Meter, LineFaults, MeterState
from device_sims.devices.ev1527_button import press_frames
from device_sims.devices.zigbee_button import announce, press
from device_sims.registry import SIMULATED
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


def polled(
    faults: LineFaults, rounds: int = 1, seed: int = 1, state: MeterState = STATE
) -> list[Measurement]:
    """What a gateway reads of eight meters on one line, round after round."""
    table = config("meters")
    meters = [
        Dlt645Meter(m["address"], lambda: state, preamble=n % 5)
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


def test_a_home_that_gives() -> None:
    """Panels on the roof: power and current run backwards, the register forwards stands still."""
    giving = MeterState(
        energy_kwh=1234.56,
        reverse_kwh=88.8,
        power_w=-1843.2,
        voltage_v=231.5,
        power_factor=0.99,
    )
    (values,) = {
        tuple(sorted(m.values.items()))
        for m in polled(LineFaults(), state=giving)
        if m.kind == "power"
    }
    seen = dict(values)
    assert seen["energy_kwh"] == pytest.approx(1234.56)
    assert seen["power_w"] == pytest.approx(-1843.2)
    assert seen["current_a"] == pytest.approx(-1843.2 / 0.99 / 231.5, abs=0.001)
    assert seen["voltage_v"] == pytest.approx(231.5)


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


SEEN = Vitals(
    systolic_mmhg=152.0,
    diastolic_mmhg=88.0,
    pulse_bpm=74.0,
    irregular=True,
    spo2_pct=93.0,
    temperature_c=38.4,
    glucose_mmol_l=12.3,
    weight_kg=61.25,
)
# What is lost by the steps of the wire and by pounds, degrees Fahrenheit, kPa and mg/dL.
STEP = {
    "systolic_mmhg": 0.4,
    "diastolic_mmhg": 0.4,
    "temperature_c": 0.03,
    "glucose_mmol_l": 0.06,
    "weight_kg": 0.003,
}
MEASURING = [name for name, device in SIMULATED.items() if device.vital is not None]


def health(device: str, characteristic: str, payload: bytes) -> Measurement:
    table = config("cuffs")
    driver = DRIVERS["ble-health"].build(table)
    topic = f"{table['base_topic']}/{device}/{characteristic}"
    (one,) = measured(driver.decode(topic, payload, NOW_MS))
    return one


@pytest.mark.parametrize("model", MEASURING)
@pytest.mark.parametrize("make", range(60))
def test_every_make_of_every_device_that_measures_a_person(model: str, make: int) -> None:
    vital = SIMULATED[model].vital
    assert vital is not None
    at_ms = NOW_MS - 60_000
    one = health(f"{model}-0001", vital.characteristic, vital.payload(at_ms, SEEN, make))
    assert (one.device, one.kind) == (f"{model}-0001", SIMULATED[model].kind)
    for name in vital.values:
        near = pytest.approx(getattr(SEEN, name), abs=STEP.get(name, 0.001))
        assert one.values[name] == near, name
    assert one.measured_at_ms in (at_ms, NOW_MS)
    assert "fault" not in one.attrs


@pytest.mark.parametrize("model", [m for m in MEASURING if m != "heart-strap"])
def test_some_makes_keep_the_time_and_some_do_not(model: str) -> None:
    vital = SIMULATED[model].vital
    assert vital is not None
    times = {
        health("d", vital.characteristic, vital.payload(NOW_MS - 60_000, SEEN, n)).measured_at_ms
        for n in range(60)
    }
    clocks = {NOW_MS - 60_000} if model == "glucometer" else {NOW_MS - 60_000, NOW_MS}
    assert times == clocks, "a glucose meter always writes its time"


def test_bytes_that_a_specification_example_has() -> None:
    """Against known vectors, not only against our own drivers."""
    at_ms = 1_795_393_800_000  # 2026-11-23T08:30:00+08:00
    assert ble_oximeter.measurement(at_ms, 97, 64, status=None).hex() == (
        "0161004000ea070b17081e00"
    )
    assert ble_glucometer.measurement(at_ms, 5.5, 7).hex() == "060700ea070b17081e0037c011"
    assert ble_thermometer.measurement(0, 37.0, fahrenheit=True, stamps_time=False).hex() == (
        "01da0300ff"
    )
    assert ble_scale.measurement(0, 70.0, stamps_time=False).hex() == "00b036"
    assert ble_heart_strap.measurement(200, wide=True, contact=None).hex() == "01c800"
    strap = ble_heart_strap.measurement(90, contact=None, intervals_s=(2.0, 4.0))
    assert strap.hex() == "105a00080010"


def test_a_battery_level_is_health_and_a_low_one_of_a_sensor_a_fault() -> None:
    assert health("cuff-0001", "2A19", bytes([80])).values == {"battery_pct": 80}
    low = zigbee_motion.state(occupied=True, battery_pct=8, battery_mv=2350, link_quality=90)
    told = [m for m in zigbee("motion-0001", low) if m.kind == "device_health"]
    assert {"battery_pct": 8, "battery_mv": 2350}.items() <= {
        k: v for m in told for k, v in m.values.items()
    }.items()
    assert "battery_low" in [m.attrs.get("fault") for m in told]


def test_an_irregular_pulse_is_told_by_the_cuff() -> None:
    one = health("cuff-0001", "2A35", ble_cuff.payload(NOW_MS, SEEN, 0))
    assert one.attrs["irregular_pulse"] is True
