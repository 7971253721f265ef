"""Homes with sensors: by electricity alone, by sensors alone, and by both."""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from typing import Final

from bench.absence.going import CALENDARS
from bench.absence.houses import House, Span
from bench.absence.judging import Score, alarms_of, judge
from bench.absence.meters import BEGIN_MS, METERS, MINUTE_MS, Seen, Tape, observations, record
from bench.absence.sensing import ARRANGEMENTS, Sensors, life_of, sensor_observations, watch
from bench.absence.trial import FAMILIES
from rules.rule import DeviceFacts

WAYS: Final = ("electricity", "sensors", "both")
# Electricity of one tells much, of the other nearly nothing.
SENSED: Final = ("rural", "hard")
# By arrangement and way.
SensorScores = dict[tuple[str, str], Score]


def one_home_sensed(
    family: str, seed: int, days: int, arrangements: Sequence[Sensors] = ARRANGEMENTS
) -> SensorScores:
    """Every arrangement of sensors in one home, with a fine meter and without any."""
    house: House = FAMILIES[family].build(seed, days, CALENDARS["travels"])
    life = life_of(family, seed, days, "travels")
    if list(life.absences) != list(house.absences):
        raise ValueError(f"{family} lives another life than its house")
    tape = record(house, METERS[0], seed)
    power = _timed(tape)
    alone = judge(alarms_of(house, (seen for _at, seen in power), ()), house, tape)
    scores: SensorScores = {}
    for sensors in arrangements:
        seen = list(sensor_observations(watch(house, life, sensors, seed)))
        facts = sensors.facts
        scores[sensors.name, "electricity"] = alone
        for way, rows in (("sensors", seen), ("both", list(merge(power, seen, key=_minute)))):
            scores[sensors.name, way] = judge(_alarms(house, rows, facts), house, tape)
    return scores


def _alarms(
    house: House, rows: Sequence[tuple[float, Seen]], facts: tuple[DeviceFacts, ...]
) -> list[Span]:
    return alarms_of(house, (seen for _at, seen in rows), facts)


def _timed(tape: Tape) -> list[tuple[float, Seen]]:
    return [((seen.measured_at_ms - BEGIN_MS) / MINUTE_MS, seen) for seen in observations(tape)]


def _minute(row: tuple[float, Seen]) -> float:
    return row[0]


def sensor_table(sums: dict[str, SensorScores], cell: Callable[[Score], str]) -> Iterator[str]:
    yield "| homes | sensors | " + " | ".join(WAYS) + " |"
    yield "|---" * (2 + len(WAYS)) + "|"
    for family, scores in sums.items():
        for name in dict.fromkeys(name for name, _way in scores):
            cells = " | ".join(cell(scores[name, way]) for way in WAYS)
            yield f"| {family} | {name} | {cells} |"
