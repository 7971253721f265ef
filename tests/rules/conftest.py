"""Observations by hand, durations as words, and a home's electricity for the rules' tests."""

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

START_MS = 1_767_225_600_000
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
_UNITS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float] = field(default_factory=dict)
    attrs: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def duration_ms(text: str) -> int:
    """`1d 2h 3m 4s`, with a leading minus for the past."""
    sign = -1 if text.startswith("-") else 1
    parts = re.findall(r"(\d+)\s*([dhms])", text)
    assert parts, text
    return sign * sum(int(number) * _UNITS[unit] for number, unit in parts)


def electricity(
    seed: int,
    days: float,
    *,
    away=(),
    left_on_w=0.0,
    step_ms=15 * MINUTE_MS,
    tank=False,
    sun_w=0.0,
):
    """(ms, kWh) of a small home: standby, refrigerator, and a person who isn't there `away`.

    An encoder of its own, apart from the simulator: shapes the rule was not tuned on.
    """
    r = random.Random(seed)
    minutes = int(days * 1440)
    watts = [r.choice([8.0, 20.0, 45.0])] * minutes
    on, at = r.randint(12, 22), 0
    period, fridge_w = on + r.randint(18, 35), r.uniform(55, 120)
    while at < minutes:
        for minute in range(at, min(at + on, minutes)):
            watts[minute] += fridge_w
        at += period + r.randint(-2, 2)
    gone = [(int(a * 1440), int(b * 1440)) for a, b in away]

    def use(start: float, length: float, load_w: float) -> None:
        for minute in range(int(start), int(start + length)):
            if 0 <= minute < minutes and not any(a <= minute < b for a, b in gone):
                watts[minute] += load_w

    for day in range(int(days) + 1):
        dawn = day * 1440 + 6.5 * 60 + r.uniform(-30, 30)
        for hour in (0.2, r.uniform(2, 4), r.uniform(5, 9), r.uniform(9, 12)):
            use(dawn + hour * 60, r.uniform(3, 5), 1800)
        for meal in (5.5, 11):
            use(dawn + meal * 60 + r.uniform(-30, 30), r.uniform(20, 40), 900)
        use(dawn + 12 * 60, r.uniform(120, 200), r.uniform(70, 110))
    for a, b in gone:
        for minute in range(a, min(b, minutes)):
            watts[minute] += left_on_w
    if tank:
        _heat(random.Random(seed), watts, gone)
    if sun_w:
        _shine(random.Random(seed), watts, sun_w)
    rows, energy_wh, every = [], 1_000_000.0, step_ms // MINUTE_MS
    for minute in range(minutes + 1):
        if minute % every == 0:
            rows.append((START_MS + minute * MINUTE_MS, round(energy_wh / 1000, 3)))
        if minute < minutes:
            energy_wh += watts[minute] / 60
    return rows


def _shine(r: random.Random, watts: list[float], sun_w: float) -> None:
    """Panels on the roof, from eight to five; the meter never counts backwards."""
    for day in range(len(watts) // 1440 + 1):
        sky = r.uniform(0.3, 1.0)
        for minute in range(9 * 60):
            at = day * 1440 + 8 * 60 + minute
            if at < len(watts):
                given_w = sun_w * sky * math.sin(math.pi * minute / 540)
                watts[at] = max(0.0, watts[at] - given_w)


def _heat(r: random.Random, watts: list[float], gone) -> None:
    """A tank of 1.5 kW: heated after four hours or so, and at once where hot water is drawn."""
    draws = sorted(
        day * 1440 + hour * 60 + r.uniform(-40, 40)
        for day in range(len(watts) // 1440 + 1)
        for hour in (7.5, 12.5, 19)
    )
    draws = [at for at in draws if not any(a <= at < b for a, b in gone)]
    at = 0.0
    while at < len(watts):
        length, cold_at = r.uniform(10, 14), at + r.uniform(200, 280)
        if draws and draws[0] < cold_at:
            cold_at, length = max(at, draws.pop(0)), r.uniform(20, 45)
        for minute in range(int(cold_at), min(int(cold_at + length), len(watts))):
            watts[minute] += 1500.0
        at = cold_at + length


@pytest.fixture(scope="session")
def kit():
    return SimpleNamespace(
        Seen=Seen,
        START_MS=START_MS,
        MINUTE_MS=MINUTE_MS,
        HOUR_MS=HOUR_MS,
        DAY_MS=DAY_MS,
        duration_ms=duration_ms,
        electricity=electricity,
    )
