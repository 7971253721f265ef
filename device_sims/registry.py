"""Every kind of simulated device: what it stands for in homes.toml and how it is reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Final, Literal

from device_sims.body import DIABETES, HEART, HYPERTENSION, LUNGS, Vitals
from device_sims.devices import (
    ble_cuff,
    ble_glucometer,
    ble_heart_strap,
    ble_oximeter,
    ble_scale,
    ble_thermometer,
    dlt645_meter,
    ev1527_button,
    zigbee_button,
    zigbee_contact,
    zigbee_motion,
    zigbee_plug,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """A device that measures a person, and how people use it.

    Who has the condition `who` measures at all `hours` of every day, others at the first one on a
    `share` of the days; each time `count` values come, a second apart.
    """

    characteristic: str
    payload: Callable[[int, Vitals, int], bytes]
    # Names of `Vitals` that it tells, with the decimals it shows.
    values: Mapping[str, int]
    hours: tuple[float, ...]
    who: str | None
    share: float
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """`module` has its encoder; `line` is the serial line or the MQTT tree it speaks on."""

    kind: str
    model: str
    label: str
    line: Literal["meters", "rf", "zigbee", "ble"]
    battery: bool
    module: ModuleType
    vital: Vital | None = None


SIMULATED: Final[Mapping[str, SimulatedDevice]] = MappingProxyType(
    {
        "meter": SimulatedDevice(
            kind="power",
            model="DL/T 645-2007",
            label="智能电表",
            line="meters",
            battery=False,
            module=dlt645_meter,
        ),
        "rf-button": SimulatedDevice(
            kind="sos",
            model="EV1527",
            label="床头呼叫按钮",
            line="rf",
            battery=True,
            module=ev1527_button,
        ),
        "zigbee-button": SimulatedDevice(
            kind="sos",
            model=zigbee_button.MODEL,
            label="随身呼叫按钮",
            line="zigbee",
            battery=True,
            module=zigbee_button,
        ),
        "motion": SimulatedDevice(
            kind="motion",
            model=zigbee_motion.MODEL,
            label="堂屋人体感应",
            line="zigbee",
            battery=True,
            module=zigbee_motion,
        ),
        "contact": SimulatedDevice(
            kind="contact",
            model=zigbee_contact.MODEL,
            label="大门门磁",
            line="zigbee",
            battery=True,
            module=zigbee_contact,
        ),
        "plug": SimulatedDevice(
            kind="power",
            model=zigbee_plug.MODEL,
            label="电视计量插座",
            line="zigbee",
            battery=False,
            module=zigbee_plug,
        ),
        "cuff": SimulatedDevice(
            kind="blood_pressure",
            model="BLE 0x2A35",
            label="血压计",
            line="ble",
            battery=True,
            module=ble_cuff,
            vital=Vital(
                characteristic=ble_cuff.CHARACTERISTIC,
                payload=ble_cuff.payload,
                values={"systolic_mmhg": 0, "diastolic_mmhg": 0, "pulse_bpm": 0},
                hours=(7.0, 19.0),
                who=HYPERTENSION,
                share=0.4,
            ),
        ),
        "thermometer": SimulatedDevice(
            kind="temperature",
            model="BLE 0x2A1C",
            label="体温计",
            line="ble",
            battery=True,
            module=ble_thermometer,
            vital=Vital(
                characteristic=ble_thermometer.CHARACTERISTIC,
                payload=ble_thermometer.payload,
                values={"temperature_c": 1},
                hours=(7.5,),
                who=None,
                share=0.5,
            ),
        ),
        "oximeter": SimulatedDevice(
            kind="oximetry",
            model="BLE 0x2A5E",
            label="血氧仪",
            line="ble",
            battery=True,
            module=ble_oximeter,
            vital=Vital(
                characteristic=ble_oximeter.CHARACTERISTIC,
                payload=ble_oximeter.payload,
                values={"spo2_pct": 0, "pulse_bpm": 0},
                hours=(8.0, 20.0),
                who=LUNGS,
                share=0.5,
            ),
        ),
        "glucometer": SimulatedDevice(
            kind="glucose",
            model="BLE 0x2A18",
            label="血糖仪",
            line="ble",
            battery=True,
            module=ble_glucometer,
            vital=Vital(
                characteristic=ble_glucometer.CHARACTERISTIC,
                payload=ble_glucometer.payload,
                values={"glucose_mmol_l": 1},
                hours=(6.6, 13.5, 20.0),
                who=DIABETES,
                share=0.2,
            ),
        ),
        "scale": SimulatedDevice(
            kind="weight",
            model="BLE 0x2A9D",
            label="体重秤",
            line="ble",
            battery=True,
            module=ble_scale,
            vital=Vital(
                characteristic=ble_scale.CHARACTERISTIC,
                payload=ble_scale.payload,
                values={"weight_kg": 2},
                hours=(7.2,),
                who=HEART,
                share=0.3,
            ),
        ),
        "heart-strap": SimulatedDevice(
            kind="heart_rate",
            model="BLE 0x2A37",
            label="心率带",
            line="ble",
            battery=True,
            module=ble_heart_strap,
            vital=Vital(
                characteristic=ble_heart_strap.CHARACTERISTIC,
                payload=ble_heart_strap.payload,
                values={"pulse_bpm": 0},
                hours=(9.0, 16.0),
                who=HEART,
                share=0.5,
                count=20,
            ),
        ),
    }
)
