"""A Zigbee door contact (TS0203) as Zigbee2MQTT publishes it: `contact` true means shut."""

import json
from typing import Final

MODEL: Final = "TS0203"


def state(*, is_open: bool, battery_pct: int, link_quality: int) -> str:
    return json.dumps(
        {
            "battery": battery_pct,
            "battery_low": False,
            "contact": not is_open,
            "linkquality": link_quality,
            "tamper": False,
        }
    )
