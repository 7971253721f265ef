"""A home that uses what it is told, under a sky that changes: what its three registers show."""

import math
import random

from rules.config import rules_from_toml

NAMED = rules_from_toml(
    "[[rule]]\nname = 'mains'\nmeter = 'meter'\npanels_meter = 'panels'\n"
    "[[rule]]\nname = 'no_sign_of_life'\n"
)
SLOT_MS = 900_000
LATE_MS = 4_000


def three(kit, rows, seed=3):
    """(moment, taken, given, made) of a home that uses `rows`, under a sky that changes."""
    chance, sky = random.Random(seed), 1.0
    taken, given, made, told = 500.0, 80.0, 300.0, []
    before_kwh = rows[0][1]
    for at_ms, kwh in rows:
        slot = (at_ms - kit.START_MS) // SLOT_MS % 96
        if not slot % 5:
            sky = chance.uniform(0.1, 1.0)
        sun = 0.75 * sky * max(0.0, math.sin(math.pi * (slot - 32) / 36)) if 32 <= slot < 68 else 0
        net, before_kwh = kwh - before_kwh - sun, kwh
        taken, given, made = taken + max(0.0, net), given + max(0.0, -net), made + sun
        told.append((at_ms, round(taken, 3), round(given, 3), round(made, 3)))
    return told


def live(house, told, *, lost=lambda _at_ms, _part: False, restarts=0):
    for number, (at_ms, taken, given, made) in enumerate(told):
        if not lost(at_ms, "main"):
            attrs = {} if lost(at_ms, "given") else {"reverse_energy_kwh": given}
            house.see("power", at_ms, {"energy_kwh": taken}, attrs=attrs)
        if restarts and not number % restarts:
            house.restart()
        if not lost(at_ms, "panels"):
            house.see("power", at_ms + LATE_MS, {"energy_kwh": made}, device="panels")
        if restarts and not number % restarts:
            house.restart()
    return house
