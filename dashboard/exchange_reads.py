"""What changed, for another platform: persons, visits, closed alarms, in the order of the book.

The cursor is the number of an entry. One writer writes the book, in order, and nothing is ever
put before what is there: who reads on from a cursor misses nothing.

Who was erased is no more: every account that could read her hears so, wherever she lived last.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from contract.moment import to_iso
from dashboard.callers import Caller
from dashboard.counted_reads import VISIT_RECORD, with_records
from dashboard.person_reads import purpose_states
from dashboard.reads import Row, rows
from ledger.forms.file_document import masked_number
from ledger.schema import (
    ALARM,
    ENTRY,
    EXCHANGE_PERSON,
    HOME,
    PERSON_FILE,
    SERVICE_USER,
    VISIT,
)
from ledger.views import Document, document_list, document_of, instant
from ledger.visits import services_of

# Facts that a platform hears of; of alarms their ends, and that one is open again.
_FACTS: Final[Mapping[str, frozenset[str] | None]] = {
    "person": None,
    "visit": None,
    "alarm": frozenset({"closed", "reopened"}),
}
_VISIT: Final = (
    *("id", "service_user", "number", "kind", "way", "met", "visited_at_ms", "visitor"),
)
# Told of everybody: that there is somebody, and where; not of who said no to sharing.
_NO: Final = frozenset({"refused", "withdrawn", "expired"})


def changes(connection: Connection, caller: Caller, after: int, limit: int, today: str) -> Document:
    """`limit` entries are looked at; a subject is told once, with its newest entry among them."""
    wanted = select(ENTRY).where(ENTRY.c.seq > after, ENTRY.c.topic.in_(sorted(_FACTS)))
    found = rows(connection, wanted.order_by(ENTRY.c.seq).limit(limit + 1))
    looked_at = found[:limit]
    newest: dict[tuple[str, str], Row] = {}
    for entry in looked_at:
        facts = _FACTS[entry["topic"]]
        if facts is None or entry["fact"] in facts:
            newest.pop((entry["topic"], entry["subject"]), None)
            newest[entry["topic"], entry["subject"]] = entry
    regions = _regions(connection, caller, looked_at)
    seen = [
        entry
        for entry in newest.values()
        if any(caller.sees(region) for region in regions[entry["topic"], entry["subject"]])
    ]
    ids = {topic: [e["subject"] for e in seen if e["topic"] == topic] for topic in _FACTS}
    objects = {
        "person": _persons(connection, caller, ids["person"], today),
        "visit": _visits(connection, caller, ids["visit"]),
        "alarm": _alarms(connection, caller, ids["alarm"]),
    }
    return {
        "items": [_item(entry, objects[entry["topic"]].get(entry["subject"])) for entry in seen],
        "next": str(looked_at[-1]["seq"]) if looked_at else str(after),
        "more": len(found) > limit,
    }


def _item(entry: Row, document: Document | None) -> Document:
    """Without an object: it is no more, or no longer in this account's region."""
    return {
        "cursor": str(entry["seq"]),
        "at": to_iso(entry["at_ms"]),
        "kind": entry["topic"],
        "id": entry["subject"],
        "fact": entry["fact"],
        "deleted": document is None,
        "object": document,
    }


def _regions(
    connection: Connection, caller: Caller, entries: Sequence[Row]
) -> dict[tuple[str, str], set[str]]:
    """By topic and subject, the regions whose accounts hear of it: where it was in any of these
    entries, and what was left. From where somebody who was erased had moved is said by no entry
    any more; then all count in which something was written of her, and who brought her hears it.
    """
    found: dict[tuple[str, str], set[str]] = {}
    moved = _left_homes(connection, entries)
    for entry in entries:
        own = found.setdefault((entry["topic"], entry["subject"]), set())
        own |= {entry["region"] or "", *({moved[entry["seq"]]} if entry["seq"] in moved else ())}
    gone = [e["subject"] for e in entries if (e["topic"], e["fact"]) == ("person", "erased")]
    if not gone:
        return found
    wanted = select(ENTRY.c.subject, ENTRY.c.region).distinct()
    for row in rows(connection, wanted.where(ENTRY.c.topic == "person", ENTRY.c.subject.in_(gone))):
        found["person", row["subject"]].add(row["region"] or "")
    brought = select(EXCHANGE_PERSON.c.person).where(
        EXCHANGE_PERSON.c.source == caller.username, EXCHANGE_PERSON.c.person.in_(gone)
    )
    for row in rows(connection, brought):
        found["person", row["person"]].add(caller.region)
    return found


def _left_homes(connection: Connection, entries: Iterable[Row]) -> dict[int, str]:
    """Of entries that say that somebody moved, the region of the home that was left."""
    homes: dict[int, str] = {}
    for entry in entries:
        if entry["topic"] == "person" and '"home"' in entry["data"]:
            for change in msgspec.json.decode(entry["data"]).get("changes", ()):
                if change.get("field") == "home" and change.get("old"):
                    homes[entry["seq"]] = change["old"]
    wanted = select(HOME.c.id, HOME.c.region).where(HOME.c.id.in_(set(homes.values())))
    regions = {row["id"]: row["region"] for row in rows(connection, wanted)}
    return {seq: regions[home] for seq, home in homes.items() if home in regions}


def _persons(
    connection: Connection, caller: Caller, ids: Sequence[str], today: str
) -> dict[str, Document]:
    external = select(EXCHANGE_PERSON.c.external_id).where(
        EXCHANGE_PERSON.c.person == SERVICE_USER.c.id, EXCHANGE_PERSON.c.source == caller.username
    )
    wanted = (
        select(
            SERVICE_USER,
            HOME.c.region,
            HOME.c.address,
            PERSON_FILE.c.document,
            external.limit(1).scalar_subquery().label("external_id"),
        )
        .join(HOME, HOME.c.id == SERVICE_USER.c.home)
        .join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
        .where(SERVICE_USER.c.id.in_(ids), caller.visible(HOME.c.region))
        .where(SERVICE_USER.c.erased_at_ms.is_(None))
    )
    said = purpose_states(connection, ids, "sharing", today)
    return {
        row["id"]: _person(row, said.get(row["id"], "unasked")) for row in rows(connection, wanted)
    }


def _person(row: Row, sharing: str) -> Document:
    document = {
        "external_id": row["external_id"],
        "region": row["region"],
        "joined_on": row["joined_on"],
        "left_on": row["left_on"],
        "left_why": row["left_why"],
        "withheld": sharing if sharing in _NO else None,
    }
    if sharing in _NO:
        return document
    return {
        **document,
        **{name: row[name] for name in ("name", "sex", "born", "phone", "grade", "visitor")},
        "address": row["address"],
        "id_number": masked_number(str(document_of(row["document"] or "{}").get("id_number", ""))),
        "categories": document_list(row["categories"]),
    }


def _visits(connection: Connection, caller: Caller, ids: Sequence[str]) -> dict[str, Document]:
    """One that was voided, or is the second report of another, is no more."""
    wanted = (
        select(*(VISIT.c[name] for name in _VISIT), *VISIT_RECORD, HOME.c.region)
        .join(HOME, HOME.c.id == VISIT.c.home)
        .where(VISIT.c.id.in_(ids), caller.visible(HOME.c.region))
        .where(VISIT.c.voided_at_ms.is_(None), VISIT.c.duplicate_of.is_(None))
    )
    found = with_records(connection, rows(connection, wanted))
    return {row["id"]: _visit(row) for row in found}


def _visit(row: Row) -> Document:
    record = document_of(row["record"])
    return {
        "person": row["service_user"],
        "region": row["region"],
        "number": row["number"],
        "kind": row["kind"],
        "way": row["way"],
        "met": bool(row["met"]),
        "visited_at": to_iso(row["visited_at_ms"]),
        "visitor": row["visitor"],
        "services": services_of(record),
        "satisfaction": record.get("satisfaction"),
    }


def _alarms(connection: Connection, caller: Caller, ids: Sequence[str]) -> dict[str, Document]:
    """Closed ones; one that was opened again is told as no more until it is closed."""
    wanted = select(ALARM).where(
        ALARM.c.id.in_(ids), ALARM.c.state == "closed", caller.visible(ALARM.c.region)
    )
    return {
        row["id"]: {
            **{name: row[name] for name in ("number", "region", "kind", "rule", "severity")},
            "home": row["home"],
            "outcome": row["outcome"],
            "raised_at": to_iso(row["raised_at_ms"]),
            "acknowledged_at": instant(row["acknowledged_at_ms"]),
            "closed_at": instant(row["closed_at_ms"]),
        }
        for row in rows(connection, wanted)
    }
