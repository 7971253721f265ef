"""Other platforms: when each last brought and fetched, and what was refused to it and why.

What was refused stands on the trail with its code and its fields, never with what was in them.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, func, select

from dashboard.callers import Caller
from dashboard.problems import Problem
from dashboard.reads import Row, rows
from ledger.persons.columns import COLUMN
from ledger.persons.exchanging import ids_of
from ledger.persons.files import Refused
from ledger.schema import ACCOUNT, AUDIT, EXCHANGE_PERSON
from ledger.sealing.at_connection import ring_at
from ledger.views import Document, instant

REFUSED: Final = "exchange_refused"
# Of all platforms, the newest.
SHOWN_MAX: Final = 200
_FIELDS_MAX: Final = 20


def refusal_note(error: Refused | Problem) -> str:
    """`refused born:no_date village:no_such_choice`, or the code of a problem."""
    if isinstance(error, Problem):
        return error.code if error.field is None else f"{error.code} {error.field}:{error.code}"
    parts = [f"{one.field}:{one.code}" for one in error.refusals[:_FIELDS_MAX]]
    return " ".join(["refused", *parts])


def platforms(connection: Connection, caller: Caller) -> list[Document]:
    """Those whose area lies in the caller's, as accounts are told."""
    found = select(ACCOUNT).where(ACCOUNT.c.role == "exchange").order_by(ACCOUNT.c.username)
    accounts = [row for row in rows(connection, found) if caller.sees(row["region"])]
    brought = _by_source(connection)
    fetched = _fetched(connection)
    refused = _refused(connection)
    return [
        {
            **{name: row[name] for name in ("username", "name", "region")},
            "disabled": bool(row["disabled"]),
            "persons": brought.get(row["username"], {}).get("persons", 0),
            "last_in_at": instant(brought.get(row["username"], {}).get("at_ms")),
            "last_out_at": instant(fetched.get(row["username"])),
            "refused": refused.get(row["username"], []),
        }
        for row in accounts
    ]


def _by_source(connection: Connection) -> dict[str, Row]:
    table = EXCHANGE_PERSON
    counted = select(
        table.c.source, func.count().label("persons"), func.max(table.c.at_ms).label("at_ms")
    )
    return {row["source"]: row for row in rows(connection, counted.group_by(table.c.source))}


def _fetched(connection: Connection) -> dict[str, int]:
    newest = select(AUDIT.c.actor, func.max(AUDIT.c.at_ms).label("at_ms"))
    newest = newest.where(AUDIT.c.action == "exchanged").group_by(AUDIT.c.actor)
    return {row["actor"]: row["at_ms"] for row in rows(connection, newest)}


def _refused(connection: Connection) -> dict[str, list[Document]]:
    """Newest first, each person once; what was taken since is no longer open, also of who was
    erased since."""
    wanted = select(AUDIT).where(AUDIT.c.action == REFUSED)
    found = rows(connection, wanted.order_by(AUDIT.c.seq.desc()).limit(SHOWN_MAX))
    ring = ring_at(connection)
    known_as = {
        (row["actor"], name): ids_of(ring, row["actor"], name)
        for row in found
        for name in (row["object"].partition(":")[2],)
    }
    ids = {one for both in known_as.values() for one in both}
    taken = select(EXCHANGE_PERSON.c.source, EXCHANGE_PERSON.c.external_id, EXCHANGE_PERSON.c.at_ms)
    at_ms = {
        (row["source"], row["external_id"]): row["at_ms"]
        for row in rows(connection, taken.where(EXCHANGE_PERSON.c.external_id.in_(ids)))
    }
    told: set[tuple[str, str]] = set()
    by_source: dict[str, list[Document]] = {}
    for row in found:
        key = (row["actor"], row["object"].partition(":")[2])
        if key in told:
            continue
        told.add(key)
        settled = any(at_ms.get((key[0], one), -1) >= row["at_ms"] for one in known_as[key])
        by_source.setdefault(row["actor"], []).append(_refusal(row, key[1], settled=settled))
    return by_source


def _refusal(row: Row, external_id: str, *, settled: bool) -> Document:
    code, *parts = row["detail"].split(" ")
    return {
        "at": instant(row["at_ms"]),
        "external_id": external_id,
        "code": code,
        "fields": [_field(part) for part in parts],
        "settled": settled,
    }


def _field(part: str) -> Mapping[str, Any]:
    field, _, code = part.partition(":")
    column = COLUMN.get(field)
    return {
        "field": field,
        "zh": field if column is None else column.zh,
        "en": field if column is None else column.en,
        "code": code,
    }
