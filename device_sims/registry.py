"""Every kind of simulated device: what it stands for in homes.toml and how it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Final, Literal

from device_sims.devices import (
    ble_cuff,
    dlt645_meter,
    ev1527_button,
    zigbee_button,
    zigbee_contact,
    zigbee_motion,
    zigbee_plug,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """`module` has its encoder; `line` is the serial line or the MQTT tree it speaks on."""

    kind: str
    model: str
    label: str
    line: Literal["meters", "rf", "zigbee", "ble"]
    battery: bool
    module: ModuleType


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
        ),
    }
)
