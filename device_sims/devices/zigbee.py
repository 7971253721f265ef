"""Zigbee2MQTT payloads of the devices a home gets: button, motion sensor, metering plug."""

import json
import random


def button_press(battery_pct: int) -> str:
    """A TS0215A_sos: one message a press, not retained."""
    return json.dumps({"action": "emergency", "battery": battery_pct, "linkquality": 96})


def motion(*, occupied: bool, battery_pct: int) -> str:
    return json.dumps({"occupancy": occupied, "battery": battery_pct, "linkquality": 110})


def plug(power_w: float, energy_kwh: float, voltage_v: float) -> str:
    """A TS011F_plug_3: power and voltage as whole numbers, energy in hundredths."""
    current = round(power_w / voltage_v, 2) if voltage_v else 0.0
    return json.dumps(
        {
            "power": round(power_w),
            "energy": round(energy_kwh, 2),
            "voltage": round(voltage_v),
            "current": current,
            "state": "ON",
            "linkquality": 120,
        }
    )


def battery_pct(seed: int) -> int:
    """Batteries at different ages."""
    return random.Random(seed).randint(35, 100)
