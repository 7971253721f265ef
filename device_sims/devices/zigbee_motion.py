"""A Zigbee motion sensor (TS0202) as Zigbee2MQTT publishes it."""

import json
from typing import Final

from device_sims.troubles import LOW_PCT

MODEL: Final = "TS0202"
# The sensor says that nobody moves any more this long after the last movement.
CLEARS_AFTER_MS: Final = 90_000


def state(*, occupied: bool, battery_pct: int, battery_mv: int, link_quality: int) -> str:
    return json.dumps(
        {
            "battery": battery_pct,
            "battery_low": battery_pct <= LOW_PCT,
            "linkquality": link_quality,
            "occupancy": occupied,
            "tamper": False,
            "voltage": battery_mv,
        }
    )
