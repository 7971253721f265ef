"""Rows of the book as the JSON objects of docs/http.md. Pure: dictionaries in, dictionaries out.

The HTTP interface and the live feed build their objects here, so that a screen that loaded a list
and one that heard the change see the same thing. Names, addresses and labels come from a
`RosterIndex`: the whole roster (the feed) or just the part that a page of rows needs (a request).
"""

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from contract.moment import EPOCH, to_iso
from ledger.forms import joining
from ledger.forms.joining import is_gone
from ledger.visits import services_of

Row = Mapping[str, Any]
Document = dict[str, Any]

# Levels above a home: county, town, village, group; more is a loop in the data.
REGION_DEPTH_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterIndex:
    """Who lives where and which device is whose, ready to look up.

    persons: by home, in order of id. devices: by (gateway, device). accounts: by username; a
    password hash is not needed here and should be left out.
    """

    regions: Mapping[str, Row] = field(default_factory=dict)
    homes: Mapping[str, Row] = field(default_factory=dict)
    persons: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    gateways: Mapping[str, Row] = field(default_factory=dict)
    devices: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    accounts: Mapping[str, Row] = field(default_factory=dict)

    def residents(self, home: str | None) -> Sequence[Row]:
        """Who lives there and is in the service; `persons` has those who left it as well, for what
        the book says of them."""
        return [row for row in self.persons.get(home or "", ()) if not is_gone(row)]

    def is_vacated(self, home: str | None) -> bool:
        """Everybody whom it was for has left: what hangs there is to be collected."""
        people = self.persons.get(home or "", ())
        return bool(people) and all(is_gone(row) for row in people)

    def region_path(self, code: str | None) -> list[str]:
        """Names from the county down; what is unknown is left out."""
        names: list[str] = []
        while code is not None and len(names) < REGION_DEPTH_MAX:
            row = self.regions.get(code)
            if row is None:
                break
            names.append(row["name"])
            code = row["parent"]
        return names[::-1]

    def region_of(self, home: str | None, gateway: str | None) -> str | None:
        """The region that decides who may see: the home's, else the gateway's."""
        row = self.homes.get(home) if home is not None else None
        if row is None and gateway is not None:
            row = self.gateways.get(gateway)
        return None if row is None else row["region"]

    def device_label(self, gateway: str | None, device: str | None) -> str | None:
        if gateway is None or device is None:
            return None
        row = self.devices.get((gateway, device))
        return device if row is None or not row["label"] else str(row["label"])


def roster_index(
    *,
    regions: Iterable[Row] = (),
    homes: Iterable[Row] = (),
    persons: Iterable[Row] = (),
    gateways: Iterable[Row] = (),
    devices: Iterable[Row] = (),
    accounts: Iterable[Row] = (),
) -> RosterIndex:
    """An index over rows as the tables hold them (JSON columns still text)."""
    by_home: dict[str, list[Row]] = {}
    for row in sorted(persons, key=lambda r: str(r["id"])):
        by_home.setdefault(row["home"], []).append(row)
    return RosterIndex(
        regions={r["code"]: r for r in regions},
        homes={r["id"]: r for r in homes},
        persons=by_home,
        gateways={r["id"]: r for r in gateways},
        devices={(r["gateway"], r["device"]): r for r in devices},
        accounts={r["username"]: r for r in accounts},
    )


def to_json(document: object) -> bytes:
    """A document as compact JSON, the same text for the feed and for answers."""
    return msgspec.json.encode(document)


# Null until it happens; what is as in its row.
_ALARM_INSTANTS: Final = (
    *("cleared_at", "acknowledged_at", "closed_at", "worsened_at", "asked_at", "ask_until"),
    *("answered_at", "held_at", "held_until", "released_at", "ack_until", "handover_until"),
)
_ALARM_PLAIN: Final = (
    *("outcome", "found_out", "note", "task", "answer", "held_for", "held_by"),
    *("round", "merged_into", "reopened", "version"),
)


def alarm_object(row: Row, roster: RosterIndex) -> Document:
    """`Alarm` of docs/http.md. Ages are those of the day the alarm was raised."""
    home = row["home"]
    return {
        "id": row["id"],
        "number": row["number"],
        "state": row["state"],
        "severity": row["severity"],
        "kind": row["kind"],
        "rule": row["rule"],
        "part": row["part"],
        "reason": row["reason"],
        "raised_at": to_iso(row["raised_at_ms"]),
        "ingested_at": to_iso(row["ingested_at_ms"]),
        "last_event_at": to_iso(row["last_event_ms"]),
        "event_count": row["event_count"],
        "acknowledged_by": account_reference(row["acknowledged_by"], roster),
        "assignee": account_reference(row["assignee"], roster),
        "closed_by": account_reference(row["closed_by"], roster),
        **{name: instant(row[f"{name}_ms"]) for name in _ALARM_INSTANTS},
        **{name: row[name] for name in _ALARM_PLAIN},
        "holder": account_reference(row["holder"], roster),
        "handover_to": account_reference(row["handover_to"], roster),
        "calling": bool(row["calling"]),
        "home": home_reference(home, roster),
        "gateway": row["gateway"],
        "device": row["device"],
        "device_label": roster.device_label(row["gateway"], row["device"]),
        "region": row["region"],
        "region_path": roster.region_path(row["region"]),
        "persons": person_references(home, roster, row["raised_at_ms"]),
        "evidence": document_of(row["evidence"]),
    }


def task_object(row: Row, roster: RosterIndex, alarm_kind: str | None = None) -> Document:
    """`Task` of docs/http.md; `alarm_kind` is the kind of the alarm it belongs to."""
    home = row["home"]
    return {
        "id": row["id"],
        "number": row["number"],
        "kind": row["kind"],
        "state": row["state"],
        "alarm": row["alarm"],
        "alarm_kind": alarm_kind,
        "home": home_reference(home, roster),
        "region": row["region"],
        "region_path": roster.region_path(row["region"]),
        "persons": person_references(home, roster, row["created_at_ms"]),
        "assignee": account_reference(row["assignee"], roster),
        "created_at": to_iso(row["created_at_ms"]),
        "due_at": instant(row["due_at_ms"]),
        "accepted_at": instant(row["accepted_at_ms"]),
        "departed_at": instant(row["departed_at_ms"]),
        "arrived_at": instant(row["arrived_at_ms"]),
        "completed_at": instant(row["completed_at_ms"]),
        "finding": row["finding"],
        "note": row["note"],
        "press_until": instant(row["press_until_ms"]),
        "proof": row["proof"],
        "proof_at": instant(row["proof_at_ms"]),
        "version": row["version"],
    }


def stay_object(row: Row, roster: RosterIndex) -> Document:
    """`Stay` of docs/http.md."""
    people = roster.persons.get(row["home"], ())
    names = [p["name"] for p in people if p["id"] == row["person"]]
    return {
        "id": row["id"],
        "home": row["home"],
        "person": row["person"],
        "person_name": names[0] if names else None,
        "kind": row["kind"],
        "from": to_iso(row["from_ms"]),
        "until": to_iso(row["until_ms"]),
        "note": row["note"],
        "created_at": to_iso(row["created_at_ms"]),
        "created_by": account_reference(row["created_by"], roster),
        "ended_at": instant(row["ended_at_ms"]),
        "ended_how": row["ended_how"],
        "ended_by": account_reference(row["ended_by"], roster),
    }


def visit_object(row: Row, roster: RosterIndex) -> Document:
    """`Visit` of docs/http.md."""
    people = roster.persons.get(row["home"], ())
    names = [p["name"] for p in people if p["id"] == row["service_user"]]
    record = document_of(row["record"])
    return {
        "id": row["id"],
        "number": row["number"],
        "home": home_reference(row["home"], roster),
        "service_user": row["service_user"],
        "service_user_name": names[0] if names else None,
        "kind": row["kind"],
        "way": row["way"],
        "visitor": account_reference(row["visitor"], roster),
        "task": row["task"],
        "alarm": row["alarm"],
        "visited_at": to_iso(row["visited_at_ms"]),
        "recorded_at": to_iso(row["recorded_at_ms"]),
        "record": record,
        "met": bool(row["met"]),
        "services": services_of(record),
        "form": row["form"],
        "proof": row["proof"],
        "phone": row["phone"],
        "clock_offset_ms": row["clock_offset_ms"],
        "version": row["version"],
        "counts": row["voided_at_ms"] is None and row["duplicate_of"] is None,
        "voided_at": instant(row["voided_at_ms"]),
        "voided_by": account_reference(row["voided_by"], roster),
        "void_reason": row["void_reason"],
        "duplicate_of": row["duplicate_of"],
    }


def home_reference(home: str | None, roster: RosterIndex) -> Document | None:
    """The `home` inside an alarm, task or visit; null when not bound (or not in the roster)."""
    row = roster.homes.get(home) if home is not None else None
    if row is None:
        return None
    return {
        "id": row["id"],
        "address": row["address"],
        "region": row["region"],
        "region_path": roster.region_path(row["region"]),
        "lat": row["lat"],
        "lon": row["lon"],
        "access_note": row["access_note"],
        "key_place": row["key_place"],
        "lane": row["lane"],
        "dog": row["dog"],
    }


def person_references(home: str | None, roster: RosterIndex, at_ms: int) -> list[Document]:
    """The people of a home as a responder needs them."""
    if home is None:
        return []
    return [person_object(row, at_ms) for row in roster.residents(home)]


def person_object(row: Row, at_ms: int) -> Document:
    return {
        "id": row["id"],
        "name": row["name"],
        "sex": row["sex"],
        "age": age_years(row["born"], at_ms),
        "phone": row["phone"],
        "categories": document_list(row["categories"]),
        "grade": row["grade"],
        "conditions": document_list(row["conditions"]),
        "medication": document_list(row["medication"]),
        "allergies": document_list(row["allergies"]),
        "hearing": row["hearing"],
        "contacts": document_list(row["contacts"]),
        "visitor": row["visitor"],
        "photo": row["photo"],
    }


def service_user_object(row: Row, roster: RosterIndex, now_ms: int) -> Document:
    """A person of the register: as in an alarm, with birthday and home."""
    return {
        **person_object(row, now_ms),
        "born": row["born"] or None,
        "home": home_reference(row["home"], roster),
        **{name: row[name] for name in joining.FIELDS},
        joining.GAPS: document_list(row[joining.GAPS]),
        "erased_at": instant(row["erased_at_ms"]),
    }


def timeline_object(row: Row, roster: RosterIndex) -> Document:
    """An entry of the book in the `timeline` of its alarm or task."""
    account = roster.accounts.get(row["actor"])
    return {
        "seq": row["seq"],
        "at": to_iso(row["at_ms"]),
        "fact": row["fact"],
        "actor": row["actor"],
        "actor_name": row["actor"] if account is None else account["name"],
        "reason": row["reason"],
        "data": document_of(row["data"]),
    }


def event_object(row: Row) -> Document:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "device": row["device"],
        "measured_at": to_iso(row["measured_at_ms"]),
        "received_at": to_iso(row["received_at_ms"]),
        "ingested_at": to_iso(row["ingested_at_ms"]),
        "values": document_of(row["values"]),
        "attrs": document_of(row["attrs"]),
        "arrival": row["arrival"],
    }


def account_reference(username: str | None, roster: RosterIndex) -> Document | None:
    """`{"username","name"}`; somebody whose account is unknown keeps the username."""
    if username is None:
        return None
    row = roster.accounts.get(username)
    return {"username": username, "name": username if row is None else row["name"]}


def age_years(born: str, at_ms: int) -> int | None:
    """Full years on the UTC day of `at_ms`; None when the birthday is unknown."""
    try:
        birthday = datetime.date.fromisoformat(born)
    except ValueError:
        return None
    today = (EPOCH + datetime.timedelta(milliseconds=at_ms)).date()
    had_birthday = (today.month, today.day) >= (birthday.month, birthday.day)
    return today.year - birthday.year - (0 if had_birthday else 1)


def instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_iso(at_ms)


def document_of(text: str) -> Document:
    """A JSON column; one that cannot be read shows as empty rather than hiding its alarm."""
    value = _loaded(text)
    return value if isinstance(value, dict) else {}


def document_list(text: str) -> list[Any]:
    """A JSON column that holds a list."""
    value = _loaded(text)
    return value if isinstance(value, list) else []


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
