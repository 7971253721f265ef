"""Every kind of simulated device: what it stands for in homes.toml and how it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from device_sims.devices import ble_cuff, dlt645_meter, ev1527_button, zigbee


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """`module` has its encoder; `line` is the serial line or the MQTT tree it speaks on."""

    kind: str
    model: str
    label: str
    line: Literal["meters", "rf", "zigbee", "ble"]
    module: object


SIMULATED: Final[Mapping[str, SimulatedDevice]] = MappingProxyType(
    {
        "meter": SimulatedDevice(
            kind="power",
            model="DL/T 645-2007",
            label="智能电表",
            line="meters",
            module=dlt645_meter,
        ),
        "rf-button": SimulatedDevice(
            kind="sos", model="EV1527", label="床头呼叫按钮", line="rf", module=ev1527_button
        ),
        "zigbee-button": SimulatedDevice(
            kind="sos", model="TS0215A_sos", label="随身呼叫按钮", line="zigbee", module=zigbee
        ),
        "motion": SimulatedDevice(
            kind="motion", model="TS0202", label="堂屋人体感应", line="zigbee", module=zigbee
        ),
        "plug": SimulatedDevice(
            kind="power", model="TS011F_plug_3", label="电视计量插座", line="zigbee", module=zigbee
        ),
        "cuff": SimulatedDevice(
            kind="blood_pressure", model="BLE 0x2A35", label="血压计", line="ble", module=ble_cuff
        ),
    }
)
