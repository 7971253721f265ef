"""The Zigbee2MQTT driver behind Zigbee2MQTT's own converters: an hour of a home's devices.

The radio messages are made here from the Zigbee Cluster Library (IAS zones: 8.2, metering 10.4,
measurement 4) and Tuya's data points; what they become is zigbee-herdsman-converters' work, and
what the driver makes of that is compared with what was put on the air.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from contract.item import check_measurement
from gateway.driver import Decoded, MessageDriver
from gateway.registry import DRIVERS
from tests.adapters.zigbee_converters import published

START_MS = 1_795_000_000_000
HOUR_MS = 3_600_000
# Values by kind; of an activation its action.
Expected = dict[str, dict[str, float] | str]
Message = tuple[str, str, dict[str, Any]]
TAMPER, BATTERY = 1 << 2, 1 << 3


@dataclass
class Device:
    """`says(random, state)`: the next message, and what must come of it."""

    model_id: str
    manufacturer: str
    model: str
    says: Callable[[random.Random, "Device"], tuple[Message, Expected]]
    every_s: float = 60.0
    more: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def changed(self, key: str, value: bool) -> str | None:
        """The action of a detector whose state changes with this; None when it does not."""
        before = self.state.get(key, False)
        self.state[key] = value
        return None if before == value else "press" if value else "clear"


def zone(status: int) -> Message:
    return "ssIasZone", "commandStatusChangeNotification", {"zonestatus": status}


def tuya(point: int, kind: int, data: bytes) -> Message:
    values = [{"dp": point, "datatype": kind, "data": {"hex": data.hex()}}]
    return "manuSpecificTuya", "commandDataReport", {"seq": 1, "dpValues": values}


def report(cluster: str, **data: Any) -> Message:
    return cluster, "attributeReport", data


def emergency(_random: random.Random, _device: Device) -> tuple[Message, Expected]:
    return ("ssIasAce", "commandEmergency", {}), {"sos": "press"}


def tuya_sos(r: random.Random, _device: Device) -> tuple[Message, Expected]:
    return tuya(23, 4, bytes((r.randrange(3),))), {"sos": "press"}


def heiman_sos(r: random.Random, _device: Device) -> tuple[Message, Expected]:
    status = r.choice([0, 1, 2, 3])
    return zone(status), ({"sos": "hold" if status == 3 else "press"} if status else {})


def detector(kind: str, bit: int = 1) -> Callable[[random.Random, Device], Any]:
    def says(r: random.Random, device: Device) -> tuple[Message, Expected]:
        active, tampered = r.random() < 0.5, r.random() < 0.2
        expected: Expected = {}
        for name, value in ((kind, active), ("tamper", tampered)):
            if (action := device.changed(name, value)) is not None:
                expected[name] = action
        return zone(bit * active | TAMPER * tampered | BATTERY * (r.random() < 0.2)), expected

    return says


def sensor(kind: str, value: str) -> Callable[[random.Random, Device], Any]:
    """A zone whose first bit is a reading and no alarm."""

    def says(r: random.Random, device: Device) -> tuple[Message, Expected]:
        active, tampered = r.random() < 0.5, r.random() < 0.1
        expected: Expected = {kind: {value: float(active)}}
        if (action := device.changed("tamper", tampered)) is not None:
            expected["tamper"] = action
        return zone(active | TAMPER * tampered), expected

    return says


def carbon_monoxide(r: random.Random, device: Device) -> tuple[Message, Expected]:
    active = r.random() < 0.5
    action = device.changed("gas", active)
    return zone(int(active)), ({"gas": action} if action else {})


def tuya_smoke(r: random.Random, device: Device) -> tuple[Message, Expected]:
    # 0 is the alarm: the data point counts the other way round.
    active = r.random() < 0.5
    action = device.changed("smoke", active)
    return tuya(1, 4, bytes((not active,))), ({"smoke": action} if action else {})


def plug(r: random.Random, device: Device) -> tuple[Message, Expected]:
    truth = device.state.setdefault("power", {})
    if r.random() < 0.5:
        truth.update(power_w=r.randrange(3000), voltage_v=r.randrange(200, 250))
        truth["current_a"] = r.randrange(16_000) / 1000
        message = report(
            "haElectricalMeasurement",
            activePower=truth["power_w"],
            rmsVoltage=truth["voltage_v"],
            rmsCurrent=round(truth["current_a"] * 1000),
        )
    else:
        device.state["register"] = device.state.get("register", 100_000) + r.randrange(50)
        truth["energy_kwh"] = device.state["register"] / 100
        message = report("seMetering", currentSummDelivered=device.state["register"])
    return message, {"power": dict(truth)} if truth.keys() - {"voltage_v"} else {}


def climate(r: random.Random, device: Device) -> tuple[Message, Expected]:
    truth = device.state.setdefault("environment", {})
    if r.random() < 0.5:
        truth["temperature_c"] = r.randrange(-1500, 4000) / 100
        message = report(
            "msTemperatureMeasurement", measuredValue=round(truth["temperature_c"] * 100)
        )
    else:
        truth["humidity_pct"] = r.randrange(500, 10_000) / 100
        message = report("msRelativeHumidity", measuredValue=round(truth["humidity_pct"] * 100))
    return message, {"environment": dict(truth)}


def radar(r: random.Random, device: Device) -> tuple[Message, Expected]:
    """MIR-HE200-TY: presence and falls, each by a data point of its own."""
    expected: Expected = {}
    if r.random() < 0.6 or "present" not in device.state:
        device.state["present"] = float(r.random() < 0.5)
        message = tuya(1, 4, bytes((int(device.state["present"]),)))
    else:
        level = r.choice([0, 1, 2])
        message = tuya(116, 4, bytes((level,)))
        if (action := device.changed("fall", level == 2)) is not None:
            expected["fall"] = action
    return message, {**expected, "presence": {"present": device.state["present"]}}


def heiman_radar(r: random.Random, device: Device) -> tuple[Message, Expected]:
    """HS2FD: one bitmap, occupied in bit 0, the fall in bits 4 and 5."""
    occupied, fallen = r.random() < 0.5, r.choice([0, 1, 2])
    expected: Expected = {"motion": {"active": float(occupied)}}
    if (action := device.changed("fall", fallen == 2)) is not None:
        expected["fall"] = action
    return report("msOccupancySensing", occupancy=occupied | fallen << 4), expected


def owon_radar(r: random.Random, device: Device) -> tuple[Message, Expected]:
    """FDS315: 3 is on the bed, 5 is falling."""
    status = r.randrange(6)
    expected: Expected = {}
    if status in (3, 5) and (action := device.changed("fall", status == 5)) is not None:
        expected["fall"] = action
    if status == 3:
        expected["bed"] = {"occupied": 1.0}
    return report("fallDetectionOwon", status=status, breathing_rate=14), expected


def lumi_contact(r: random.Random, _device: Device) -> tuple[Message, Expected]:
    opened = r.random() < 0.5
    return report("genOnOff", onOff=int(opened)), {"contact": {"open": float(opened)}}


METERING = {
    "seMetering": {"multiplier": 1, "divisor": 100},
    "haElectricalMeasurement": {"acCurrentMultiplier": 1, "acCurrentDivisor": 1000},
}
DEVICES = {
    "床头 按钮": Device("TS0215A", "_TZ3000_4fsgukof", "TS0215A_sos", emergency, 300),
    "bath/sos": Device("TS0601", "_TZE284_2baujqot", "TS0601_sos", tuya_sos, 300),
    "pendant": Device("TS0218", "_TYZB01_a", "TS0218", emergency, 300),
    "heiman button": Device("SOS-EM", "HEIMAN", "HS1EB/HS1EB-E", heiman_sos, 300),
    "plug": Device(
        "TS011F", "_TZ3000_2uollq9d", "TS011F_plug_3_1", plug, 10,
        more={"application_version": 192, "router": True, "attributes": METERING},
    ),
    "door": Device("TS0203", "_TZ3000_a", "TS0203", sensor("contact", "open")),
    "aqara door": Device("lumi.sensor_magnet.aq2", "LUMI", "MCCGQ11LM", lumi_contact),
    "hall": Device("TS0202", "_TZ3000_a", "TS0202", sensor("motion", "active")),
    "bed": Device("SPM915", "OWON", "SPM915", sensor("bed", "occupied")),
    "radar": Device("TS0601", "_TZE200_lu01t0zl", "MIR-HE200-TY", radar, 20),
    "heiman radar": Device("HS2FD-EF1-3.0", "HEIMAN", "HS2FD-EF1-3.0", heiman_radar),
    "owon radar": Device("FDS315", "OWON", "FDS315", owon_radar),
    "smoke": Device("SMOK_HV14", "HEIMAN", "HS1SA-E", detector("smoke")),
    "tuya smoke": Device("TS0601", "_TZE204_ntcy3xu1", "TS0601_smoke_1", tuya_smoke),
    "gas": Device("GASSensor-N", "HEIMAN", "HS3CG", detector("gas", bit=2)),
    "co": Device("COSensor-EM", "HEIMAN", "HS1CA-E", carbon_monoxide),
    "leak": Device("TS0207", "_TZ3000_a", "TS0207_water_leak_detector", detector("leak")),
    "climate": Device("TS0201", "_TZ3000_a", "TS0201", climate),
}  # fmt: skip


def on_air(seed: int) -> tuple[list[dict[str, Any]], list[int], list[Expected]]:
    """An hour of messages in the order of their times, and what each must become."""
    r = random.Random(seed)
    moments = [
        (START_MS + int(at_s * 1000), name)
        for name, device in DEVICES.items()
        for at_s in sorted(r.uniform(2, 3600) for _ in range(int(3600 / device.every_s)))
    ]
    messages, times, expected = [], [], []
    for device in DEVICES.values():
        device.state.clear()
    # Two seconds apart at least: what comes sooner from the same button is the same press.
    last_ms: dict[str, int] = {}
    for at_ms, name in sorted(moments):
        if at_ms - last_ms.get(name, 0) < 2000:
            continue
        last_ms[name] = at_ms
        (cluster, kind, data), wanted = DEVICES[name].says(r, DEVICES[name])
        messages.append({"device": name, "cluster": cluster, "type": kind, "data": data})
        times.append(at_ms)
        expected.append(wanted)
    return messages, times, expected


def became(driver: MessageDriver, topic: str, payload: object, now_ms: int) -> Expected:
    """Kinds with their values, or the action; the device's own health is not compared."""
    found: Expected = {}
    for outcome in driver.decode(topic, json.dumps(payload, ensure_ascii=False).encode(), now_ms):
        assert isinstance(outcome, Decoded), outcome
        for made in outcome.measurements:
            check_measurement(made)
            assert made.measured_at_ms == now_ms
            assert made.attrs.get("fault") in {None, "battery_low"}, made.attrs
            if made.kind == "device_health":
                continue
            assert made.kind not in found, "told twice"
            action = made.attrs.get("action")
            found[made.kind] = str(action) if action is not None else dict(made.values)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_every_kind_of_device(seed: int) -> None:
    entries = [
        {"name": name, "ieee": f"0x{number:016x}", "model_id": d.model_id,
         "manufacturer": d.manufacturer, **d.more}
        for number, (name, d) in enumerate(DEVICES.items(), 1)
    ]  # fmt: skip
    messages, times, expected = on_air(seed)
    said = published(entries, messages)
    assert {d["friendly_name"]: d["definition"]["model"] for d in said["devices"]} == {
        name: device.model for name, device in DEVICES.items()
    }
    driver = DRIVERS["zigbee2mqtt"].build({})
    assert isinstance(driver, MessageDriver)
    assert became(driver, "zigbee2mqtt/bridge/devices", said["devices"], START_MS) == {}
    heard: Counter[str] = Counter()
    for message, at_ms, wanted, payload in zip(
        messages, times, expected, said["payloads"], strict=True
    ):
        found = became(driver, f"zigbee2mqtt/{message['device']}", payload, at_ms)
        assert _near(found, wanted), (message, payload, found, wanted)
        heard.update(found.keys())
    assert heard.keys() == {
        "sos", "power", "contact", "motion", "bed", "presence", "fall", "smoke", "gas", "leak",
        "tamper", "environment",
    }  # fmt: skip


def _near(found: Expected, wanted: Expected) -> bool:
    """Equal but for the rounding of the converters (two or three digits)."""
    return found.keys() == wanted.keys() and all(
        found[kind] == value
        if isinstance(value, str)
        else found[kind] == pytest.approx(value, abs=0.006)
        for kind, value in wanted.items()
    )
