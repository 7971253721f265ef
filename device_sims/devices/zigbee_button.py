"""A Zigbee call button (TS0215A_sos) as Zigbee2MQTT publishes it: one message a press, unretained.

Right after pairing the battery is null for days, and when the bridge restarts it repeats the last
state with `action` null: neither is a press, and neither makes a press invalid.
"""

import json
from typing import Final

MODEL: Final = "TS0215A_sos"


def press(battery_pct: int | None, link_quality: int) -> str:
    return json.dumps({"action": "emergency", "battery": battery_pct, "linkquality": link_quality})


def announce(battery_pct: int | None, link_quality: int) -> str:
    """The cached state, published again without anybody pressing."""
    return json.dumps({"action": None, "battery": battery_pct, "linkquality": link_quality})
