"""A Zigbee door contact (TS0203) as Zigbee2MQTT publishes it: `contact` true means shut."""

import json
from typing import Final

from device_sims.troubles import LOW_PCT

MODEL: Final = "TS0203"


def state(*, is_open: bool, battery_pct: int, battery_mv: int, link_quality: int) -> str:
    return json.dumps(
        {
            "battery": battery_pct,
            "battery_low": battery_pct <= LOW_PCT,
            "contact": not is_open,
            "linkquality": link_quality,
            "tamper": False,
            "voltage": battery_mv,
        }
    )
