"""The dispatch card and the hand-off sheet: all that who goes, or the ambulance, has to know."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from contract.moment import to_iso
from dashboard.ports import Deps, ReadingsAway, ReadingsReader
from dashboard.reads import (
    EVENTS_MAX,
    Row,
    alarm_documents,
    find_alarm,
    one,
    roster_for,
    rows,
    task_documents,
    timeline,
)
from dashboard.register_reads import homes_heard
from ledger.device_views import device_object
from ledger.schema import ALARM, DEVICE, EVENT, HOME, STAY, TASK
from ledger.views import (
    Document,
    account_reference,
    event_object,
    home_reference,
    person_object,
    stay_object,
)

DAY_MS: Final = 86_400_000
# What a person measures of herself; the last value may be from long before.
VITAL_KINDS: Final = frozenset(
    {"blood_pressure", "oximetry", "heart_rate", "temperature", "glucose", "weight"}
)
VITALS_BACK_MS: Final = 30 * DAY_MS
# Of the electricity the last days say whether anybody was up.
POWER_BACK_MS: Final = 2 * DAY_MS
# Other open alarms of a home; more would hide the one that matters.
ALARMS_MAX: Final = 10


def card(connection: Connection, hub: Deps, task: Row, now_ms: int) -> Document:
    """`Card` of docs/http.md, for the task of a visitor."""
    document = task_documents(connection, [task], now_ms)[0]
    alarm = None if task["alarm"] is None else find_alarm(connection, task["alarm"])
    calling = alarm is not None and alarm["state"] != "closed" and alarm["severity"] == "urgent"
    proofs = {"button": calling, "gps": hub.gps_proof}
    return {
        "task": document,
        "alarm": None if alarm is None else alarm_documents(connection, [alarm])[0],
        "proofs": {**proofs, "label": _has_label(connection, task["home"])},
        **_of_home(connection, hub.readings, task["home"], now_ms),
        "checks": document["checks"],
    }


def sheet(connection: Connection, hub: Deps, alarm: Row, now_ms: int) -> Document:
    """`Sheet` of docs/http.md, for 120 or 110: what happened since when, and to whom."""
    document = alarm_documents(connection, [alarm])[0]
    events = select(EVENT).where(EVENT.c.alarm == alarm["id"]).order_by(EVENT.c.seq.desc())
    task = one(connection, select(TASK).where(TASK.c.id == alarm["task"]))
    return {
        "alarm": document,
        "task": None if task is None else task_documents(connection, [task], now_ms)[0],
        "timeline": timeline(connection, "alarm", alarm["id"]),
        "events": [event_object(e) for e in rows(connection, events.limit(EVENTS_MAX))[::-1]],
        **_of_home(connection, hub.readings, alarm["home"], now_ms),
    }


def _of_home(
    connection: Connection, readings: ReadingsReader, home: str | None, now_ms: int
) -> Document:
    if home is None:
        # About a gateway or a village: no home is not every home that is none.
        lists = ("persons", "readings", "devices", "stays", "open_alarms")
        nothing = {"home": None, "heard": None, "readings_away": False}
        return {"at": to_iso(now_ms), **nothing, **{name: [] for name in lists}}
    roster = roster_for(connection, homes=[home])
    persons = roster.residents(home)
    devices = rows(
        connection, select(DEVICE).where(DEVICE.c.home == home).order_by(DEVICE.c.device)
    )
    visitors = roster_for(connection, usernames=[person["visitor"] for person in persons])
    now = select(STAY).where(
        STAY.c.home == home,
        STAY.c.ended_at_ms.is_(None),
        STAY.c.from_ms <= now_ms,
        STAY.c.until_ms > now_ms,
    )
    others = select(ALARM).where(ALARM.c.home == home, ALARM.c.state != "closed")
    others = others.order_by(ALARM.c.number.desc()).limit(ALARMS_MAX)
    return {
        "at": to_iso(now_ms),
        "home": home_reference(home, roster),
        "heard": homes_heard(connection, [HOME.c.id == home]).get(home),
        "persons": [
            {
                **person_object(person, now_ms),
                "born": person["born"] or None,
                "responsible": account_reference(person["visitor"], visitors),
            }
            for person in persons
        ],
        **_readings(readings, devices, now_ms),
        "devices": [device_object(device, now_ms) for device in devices],
        "stays": [stay_object(row, roster) for row in rows(connection, now)],
        "open_alarms": alarm_documents(connection, rows(connection, others)),
    }


def _readings(readings: ReadingsReader, devices: Sequence[Row], now_ms: int) -> Document:
    """Who is on the way needs the rest of the card, whatever has become of the readings."""
    try:
        return {"readings": latest_readings(readings, devices, now_ms), "readings_away": False}
    except ReadingsAway:
        return {"readings": [], "readings_away": True}


def latest_readings(
    readings: ReadingsReader, devices: Sequence[Row], now_ms: int
) -> list[Document]:
    """The last value of each field with its time, the newest first."""
    found: list[Document] = []
    for device in devices:
        vital = device["kind"] in VITAL_KINDS
        if not vital and device["kind"] != "power":
            continue
        back_ms = VITALS_BACK_MS if vital else POWER_BACK_MS
        series = readings.series(
            device["gateway"],
            device["device"],
            device["kind"],
            None if vital else "power_w",
            now_ms - back_ms,
            now_ms + 1,
            "raw" if vital else "hour",
        )
        for one_series in series:
            if one_series.points:
                found.append(_reading(device, one_series.kind, one_series.field, one_series.points))
    return sorted(found, key=lambda reading: str(reading["at"]), reverse=True)


def _reading(
    device: Row, kind: str, field: str, points: Sequence[Sequence[float]]
) -> dict[str, Any]:
    last = max(points, key=lambda point: point[0])
    # Of a roll-up the mean.
    value = last[1] if len(last) == 2 else last[2]
    return {
        "gateway": device["gateway"],
        "device": device["device"],
        "label": device["label"] or device["device"],
        "kind": kind,
        "field": field,
        "value": value,
        "at": to_iso(int(last[0])),
    }


def _has_label(connection: Connection, home: str | None) -> bool:
    found = one(connection, select(HOME.c.label_print).where(HOME.c.id == home))
    return found is not None and found["label_print"] > 0
