"""The past as a hub has it: readings of the store, activations and closed alarms of the book."""

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Engine, Select, or_, select

from alarms.found_out import TAUGHT_KINDS, Said, said_of
from contract.errors import ContractError
from hearthwatch.backtest.burden import Outcome
from hearthwatch.backtest.changes import Area
from hearthwatch.backtest.past_readings import PastReading, PastReadings
from hearthwatch.backtest.past_words import observations
from hearthwatch.backtest.rows import ATTRIBUTES, BadRow, RowParts, number_of
from hearthwatch.person_facts import conditions_of, copd_of
from ingest.readings.port import ReadingsReader, Series
from ledger.schema import ALARM, DEVICE, EVENT, HOME, SERVICE_USER, TASK, VISIT
from rules.in_force import Dwelling
from rules.rule import HomeFacts

# A span that has more points than one answer is halved; below this it is left out.
_SPAN_MIN_MS: Final = 60_000
# Presses and alarms of one home: a button that jams says no more after these.
EVENTS_MAX: Final = 20_000


class StoredPast:
    """Read home by home, so that memory is that of one home."""

    def __init__(self, engine: Engine, readings: ReadingsReader) -> None:
        self._engine = engine
        self._readings = readings

    def area(self, region: str) -> Area:
        """The homes of a region, with their persons and these persons' categories."""
        with self._engine.connect() as connection:
            return area_of(connection, region)

    def readings_of(self, home: str, from_ms: int, to_ms: int) -> PastReadings:
        past = PastReadings()
        with self._engine.connect() as connection:
            devices = connection.execute(
                select(DEVICE.c.gateway, DEVICE.c.device).where(DEVICE.c.home == home)
            ).all()
            wanted = select(EVENT).where(
                EVENT.c.home == home,
                EVENT.c.measured_at_ms >= from_ms,
                EVENT.c.measured_at_ms < to_ms,
            )
            newest = wanted.order_by(EVENT.c.seq.desc()).limit(EVENTS_MAX)
            events = connection.execute(newest).mappings().all()
        for gateway, device in devices:
            for series in self._series(gateway, device, from_ms, to_ms):
                _add_series(past, home, series)
        for event in reversed(events):
            _add_event(past, home, event)
        return past

    def outcomes_of(self, home: str, from_ms: int, to_ms: int) -> dict[str, list[Outcome]]:
        """Rule → its closed alarms by time."""
        wanted = select(ALARM.c.rule, ALARM.c.raised_at_ms, ALARM.c.outcome).where(
            ALARM.c.home == home,
            ALARM.c.outcome.is_not(None),
            ALARM.c.raised_at_ms >= from_ms,
            ALARM.c.raised_at_ms < to_ms,
        )
        found: dict[str, list[Outcome]] = {}
        with self._engine.connect() as connection:
            for rule, at_ms, outcome in connection.execute(wanted.order_by(ALARM.c.raised_at_ms)):
                found.setdefault(rule, []).append(Outcome(home, rule, at_ms, outcome))
        return found

    def words_of(self, home: str, from_ms: int, to_ms: int) -> list[PastReading]:
        """What humans found out about its silences, as far as it had been said by then."""
        wanted = select(ALARM).where(
            ALARM.c.home == home,
            ALARM.c.kind.in_(TAUGHT_KINDS),
            ALARM.c.raised_at_ms >= from_ms,
            ALARM.c.raised_at_ms < to_ms,
        )
        words = []
        with self._engine.connect() as connection:
            for alarm in connection.execute(wanted.order_by(ALARM.c.number)).mappings().all():
                said = _said(connection, dict(alarm))
                told = said.told()
                if told is not None and said.said_ms < to_ms:
                    words.append((said.said_ms, told))
        return observations(words)

    def _series(self, gateway: str, device: str, from_ms: int, to_ms: int) -> list[Series]:
        try:
            return self._readings.series(gateway, device, None, None, from_ms, to_ms, "raw")
        except ContractError:
            if to_ms - from_ms < 2 * _SPAN_MIN_MS:
                return []
        middle_ms = (from_ms + to_ms) // 2
        return [
            *self._series(gateway, device, from_ms, middle_ms),
            *self._series(gateway, device, middle_ms, to_ms),
        ]


def _said(connection: Connection, alarm: dict[str, Any]) -> Said:
    def rows(wanted: Select[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(wanted).mappings()]

    parents = rows(select(ALARM).where(ALARM.c.id == alarm["merged_into"]))
    alarms = [alarm, *parents]
    visits = select(VISIT).where(
        or_(
            VISIT.c.alarm.in_([each["id"] for each in alarms]),
            VISIT.c.task.in_([each["task"] for each in alarms if each["task"]]),
        )
    )
    arrived = rows(select(TASK.c.arrived_at_ms).where(TASK.c.id == alarm["task"]))
    arrived_ms = arrived[0]["arrived_at_ms"] if arrived else None
    return said_of(alarm, parents[0] if parents else None, rows(visits), arrived_ms)


def area_of(connection: Connection, region: str) -> Area:
    visible = HOME.c.region.startswith(region, autoescape=True)
    homes = connection.execute(select(HOME.c.id, HOME.c.region).where(visible)).all()
    persons: dict[str, list[tuple[str, list[str]]]] = {}
    known = {home for home, _region in homes}
    conditions: dict[str, list[list[str]]] = {}
    c = SERVICE_USER.c
    people = select(c.id, c.home, c.categories, c.conditions).order_by(c.id)
    for person, home, names, ails in connection.execute(people):
        if home in known:
            its = [str(name) for name in json.loads(names)]
            persons.setdefault(home, []).append((person, its))
            conditions.setdefault(home, []).append(conditions_of(ails))
    dwellings = [Dwelling(home=home, persons=persons.get(home, ())) for home, _ in sorted(homes)]
    facts = [
        HomeFacts(
            home=home,
            region=its_region,
            persons=tuple(person for person, _ in persons.get(home, ())),
            copd=copd_of(conditions.get(home, ())),
        )
        for home, its_region in sorted(homes)
    ]
    return Area(facts, dwellings)


def _add_series(past: PastReadings, home: str, series: Series) -> None:
    try:
        number = past.series_number(series.device, series.kind, series.field)
    except BadRow:
        return  # a field of another version: no rule knows it
    points = np.array([point[:2] for point in series.points], dtype=np.float64).reshape(-1, 2)
    size = points.shape[0]
    past.add_columns(
        np.full(size, past.home_number(home), np.int32),
        np.full(size, number, np.int32),
        points[:, 0].astype(np.int64),
        points[:, 1].copy(),
    )


def _add_event(past: PastReadings, home: str, event: Any) -> None:
    at_ms, device, kind = event["measured_at_ms"], event["device"], event["kind"]
    attrs = {"action": "press", **json.loads(event["attrs"])}
    rows: Sequence[tuple[str, float, str | None]] = [
        *((name, 0.0, _text(attr)) for name, attr in attrs.items() if name in ATTRIBUTES),
        *((name, float(value), None) for name, value in json.loads(event["values"]).items()),
    ]
    for name, value, text in rows:
        try:
            if text is None:
                number_of(str(value))
            past.add(RowParts(home, (device, kind, name), at_ms, value, text))
        except BadRow:
            past.bad += 1


def _text(attr: object) -> str:
    return str(attr).lower() if isinstance(attr, bool) else str(attr)
