"""Invented elders who measure themselves: norms, rhythm, noise, illness, and devices that lie.

Own numbers, apart from `device_sims` and from the rules. Everything follows from the seed.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
# 2026-09-01 00:00 in China.
BEGIN_MS: Final = 1_788_192_000_000

# Share of persons that own each device.
OWNS: Final = {
    "blood_pressure": 1.0,
    "oximetry": 0.4,
    "temperature": 0.5,
    "glucose": 0.25,
    "weight": 0.3,
    "heart_rate": 0.1,
}
# What an illness adds at its height, how long it lasts, how often it comes in a person-year.
ILLNESSES: Final[dict[str, tuple[dict[str, float], float, float]]] = {
    "pneumonia": ({"temp": 2.4, "spo2": -8.0, "pulse": 28.0}, 6.0, 0.25),
    "hypertensive": ({"systolic": 48.0, "diastolic": 22.0}, 0.6, 0.3),
    "collapse": ({"systolic": -48.0, "diastolic": -18.0, "pulse": 15.0}, 1.0, 0.15),
    "fast": ({"pulse": 72.0}, 0.8, 0.2),
    "slow": ({"pulse": -34.0}, 2.0, 0.1),
    "hypoglycaemia": ({"glucose": -5.0}, 0.15, 0.5),
    "derailed": ({"glucose": 12.0}, 4.0, 0.2),
    "water": ({"weight": 3.4, "spo2": -2.0}, 6.0, 0.2),
}
# How the measurers of the wide world are: days between measurements, and the chance of each.
HABITS: Final = ((1.0, 0.45), (2.0, 0.2), (3.5, 0.15), (7.0, 0.1), (20.0, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: dict[str, float]
    attrs: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Body:
    """Norms of one person, and the illnesses of the time: (name, began, ended) in days."""

    norms: dict[str, float]
    copd: bool
    diabetic: bool
    illnesses: list[tuple[str, float, float]] = field(default_factory=list)

    def now(self, r: random.Random, name: str, day: float) -> float:
        """The true value at a time of the day."""
        value = self.norms[name]
        hour = day % 1 * 24
        if name in ("systolic", "diastolic"):
            value += (6 if name == "systolic" else 3) * (1 if 6 < hour < 11 else -0.5)
        if name == "temp":
            value += 0.2 if 15 < hour < 21 else 0.0
        if name == "glucose":
            value += abs(r.gauss(0, 1.6 if self.diabetic else 0.8)) * (hour > 9)
        for illness, began, ended in self.illnesses:
            if began <= day <= ended:
                height = min(1.0, (day - began) / (0.25 * (ended - began)) + 0.3)
                value += ILLNESSES[illness][0].get(name, 0.0) * height
        return value


def body(r: random.Random, days: float) -> Body:
    copd, diabetic = r.random() < 0.08, r.random() < 0.25
    made = Body(
        norms={
            "systolic": r.gauss(132, 12),
            "diastolic": r.gauss(77, 7),
            "pulse": r.gauss(71, 8),
            "spo2": min(99.0, r.gauss(91, 1.2) if copd else r.gauss(96.8, 0.9)),
            "temp": r.gauss(36.4, 0.2),
            "glucose": r.gauss(7.6, 1.1) if diabetic else r.gauss(5.5, 0.4),
            "weight": r.gauss(61, 9),
        },
        copd=copd,
        diabetic=diabetic,
    )
    for name, (_, lasts, per_year) in ILLNESSES.items():
        if "glucose" in ILLNESSES[name][0] and not diabetic:
            continue
        at = r.expovariate(per_year / 365)
        while at < days:
            made.illnesses.append((name, at, at + lasts * r.uniform(0.7, 1.5)))
            at += lasts + r.expovariate(per_year / 365)
    return made


class Household:
    """One home: who lives there, what they own, and the readings that come of it, in order."""

    def __init__(self, seed: int, number: int, days: int) -> None:
        self.home = f"home-{number:04d}"
        self._r = r = random.Random(f"{seed}/{number}")
        self._days = days
        self.person = body(r, days)
        self.owns = {kind for kind, share in OWNS.items() if r.random() < share}
        if self.person.diabetic:
            self.owns.add("glucose")
        else:
            self.owns.discard("glucose")
        # Of every ten homes one shares the cuff unnamed, one by user numbers.
        sharing = r.random()
        self.second = body(r, days) if sharing < 0.2 else None
        self.named = sharing >= 0.1
        self._every = r.choices([h[0] for h in HABITS], [h[1] for h in HABITS])[0]
        self._number = 0

    def readings(self) -> Iterator[Seen]:
        rows: list[tuple[float, Seen]] = []
        for kind in sorted(self.owns):
            rows += self._measured(kind, self.person, "1" if self.second and self.named else "")
        if self.second is not None:
            rows += self._measured("blood_pressure", self.second, "2" if self.named else "")
        rows.sort(key=lambda row: (row[0], row[1].id))
        for _, seen in rows:
            yield seen

    def _measured(self, kind: str, person: Body, user: str) -> list[tuple[float, Seen]]:
        r, rows, at = self._r, [], self._r.uniform(0, self._every)
        # A journey of five to twelve days now and then, without devices.
        away = r.uniform(0, 200)
        while at < self._days:
            hour = r.choice([r.gauss(8, 0.7), r.gauss(19.5, 1)])
            ill = any(began <= at <= ended for _, began, ended in person.illnesses)
            if not away <= at <= away + 8:
                rows += self._sitting(kind, person, user, int(at) + max(0.0, hour) / 24)
            gap = self._every * (0.35 if ill else r.uniform(0.7, 1.3))
            at += 0.45 if ill and self._every <= 3.5 else max(0.45, gap)
        return rows

    def _sitting(self, kind: str, person: Body, user: str, day: float) -> list[tuple[float, Seen]]:
        """One occasion: a reading, and its repeats by who minds."""
        r = self._r
        if kind in ("oximetry", "heart_rate") and r.random() < 0.1:
            return self._stream(kind, person, user, day)
        rows, again = [], 1 + (r.random() < 0.5) + (r.random() < 0.15)
        late_ms = int(r.uniform(3, 40) * HOUR_MS) if r.random() < 0.03 else 0
        at_ms = BEGIN_MS + int(day * DAY_MS)
        for number in range(again):
            values = MADE[kind](r, person, day, number)
            attrs: dict[str, Any] = {"user": user} if user else {}
            if kind in ("oximetry", "blood_pressure"):
                attrs["mode"] = "spot"
            rows.append(self._seen(kind, at_ms, at_ms + late_ms, values, attrs))
            if r.random() < 0.02:
                rows.append(rows[-1])  # sent twice
            at_ms += int(r.uniform(35, 110) * 1000)
        return rows

    def _stream(self, kind: str, person: Body, user: str, day: float) -> list[tuple[float, Seen]]:
        """A quarter of an hour with the device on, a reading every two seconds; it slips."""
        r, rows, slip = self._r, [], 0
        attrs: dict[str, Any] = {"user": user} if user else {}
        values = MADE[kind](r, person, day, 1)
        for second in range(0, 900, 2):
            slip = max(0, slip - 2) or (r.choice([2, 3, 4]) if r.random() < 0.004 else 0)
            moved = {name: round(v + r.gauss(0, 0.6)) for name, v in values.items()}
            if slip and "spo2_pct" in moved:
                moved["spo2_pct"] = round(moved["spo2_pct"] - r.uniform(6, 14))
            elif slip:
                moved["pulse_bpm"] = round(moved["pulse_bpm"] * 1.9)
            if "spo2_pct" in moved:
                moved["spo2_pct"] = min(100, moved["spo2_pct"])
            at_ms = BEGIN_MS + int(day * DAY_MS) + second * 1000
            floats = {name: float(v) for name, v in moved.items()}
            rows.append(self._seen(kind, at_ms, at_ms, floats, attrs))
        return rows

    def _seen(
        self, kind: str, at_ms: int, now_ms: int, values: dict[str, float], attrs: dict[str, Any]
    ) -> tuple[float, Seen]:
        self._number += 1
        return now_ms, Seen(
            id=f"{self.home}-{self._number:06d}",
            device=f"{kind}-1",
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=now_ms,
            values=values,
            attrs=attrs,
        )


def _cuff(r: random.Random, person: Body, day: float, number: int) -> dict[str, float]:
    white_coat = (r.gauss(9, 5), r.gauss(3, 2), 0.0)[min(number, 2)]
    systolic = person.now(r, "systolic", day) + white_coat + r.gauss(0, 6)
    diastolic = person.now(r, "diastolic", day) + white_coat / 2 + r.gauss(0, 4)
    pulse = person.now(r, "pulse", day) + r.gauss(0, 4)
    lie = r.random()
    if lie < 0.02:  # the arm moved
        systolic, diastolic = systolic + r.gauss(0, 25), diastolic + r.gauss(0, 12)
    elif lie < 0.025:  # every second beat was missed
        pulse /= 2
    elif lie < 0.028:  # kPa sent as mmHg
        systolic, diastolic = systolic / 7.5, diastolic / 7.5
    elif lie < 0.031:
        systolic, diastolic = diastolic, systolic
    return {
        "systolic_mmhg": float(round(systolic)),
        "diastolic_mmhg": float(round(diastolic)),
        "pulse_bpm": float(round(pulse)),
    }


def _oximeter(r: random.Random, person: Body, day: float, number: int) -> dict[str, float]:  # noqa: ARG001
    spo2 = person.now(r, "spo2", day) + r.gauss(0, 0.7)
    pulse = person.now(r, "pulse", day) + r.gauss(0, 4)
    lie = r.random()
    if lie < 0.03:  # a cold finger
        spo2 -= r.uniform(3, 12)
    elif lie < 0.04:  # no finger
        spo2, pulse = r.choice([(0.0, 0.0), (127.0, 255.0)])
    capped = spo2 if spo2 == 127 else min(100.0, spo2)
    return {"spo2_pct": float(round(capped)), "pulse_bpm": float(round(pulse))}


def _thermometer(r: random.Random, person: Body, day: float, number: int) -> dict[str, float]:  # noqa: ARG001
    temp = person.now(r, "temp", day) + r.gauss(0, 0.15)
    lie = r.random()
    if lie < 0.05:  # slipped from the armpit, or in from the cold
        temp -= r.uniform(0.6, 1.8)
    elif lie < 0.055:
        temp = r.choice([0.0, 60.0])
    return {"temperature_c": round(temp, 1)}


def _meter(r: random.Random, person: Body, day: float, number: int) -> dict[str, float]:  # noqa: ARG001
    glucose = max(1.2, person.now(r, "glucose", day) * r.gauss(1, 0.06))
    return {"glucose_mmol_l": round(glucose * (18 if r.random() < 0.005 else 1), 1)}


def _scale(r: random.Random, person: Body, day: float, number: int) -> dict[str, float]:  # noqa: ARG001
    weight = person.now(r, "weight", day) + r.gauss(0, 0.4)
    return {"weight_kg": round(weight + (r.uniform(-12, 12) if r.random() < 0.02 else 0), 1)}


def _belt(r: random.Random, person: Body, day: float, number: int) -> dict[str, float]:  # noqa: ARG001
    return {"pulse_bpm": float(round(person.now(r, "pulse", day) + r.gauss(6, 6)))}


MADE: Final[dict[str, Callable[[random.Random, Body, float, int], dict[str, float]]]] = {
    "blood_pressure": _cuff,
    "oximetry": _oximeter,
    "temperature": _thermometer,
    "glucose": _meter,
    "weight": _scale,
    "heart_rate": _belt,
}
