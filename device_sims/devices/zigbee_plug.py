"""A metering plug (TS011F_plug_3) as Zigbee2MQTT publishes it.

Power and voltage are whole numbers, current and energy have two decimals.
"""

import json
from typing import Final

MODEL: Final = "TS011F_plug_3"


def state(power_w: float, energy_kwh: float, voltage_v: float, link_quality: int) -> str:
    current_a = round(power_w / voltage_v, 2) if voltage_v else 0.0
    return json.dumps(
        {
            "child_lock": "UNLOCK",
            "current": current_a,
            "energy": int(energy_kwh * 100) / 100,
            "indicator_mode": None,
            "linkquality": link_quality,
            "power": round(power_w),
            "power_outage_memory": "restore",
            "state": "ON",
            "voltage": round(voltage_v),
        }
    )
