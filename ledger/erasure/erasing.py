"""Erasing a person, in one transaction: the key is destroyed, clear columns are blanked, what
figures count by stays. Entries are not touched: what they told is cipher text whose key is gone,
and the chain over them holds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.cursor import Cursor
from ledger.database import upsert_sql
from ledger.documents.sheets import local
from ledger.persons import exchanging, photo
from ledger.schema import PERSON_KEY
from ledger.sealing.at_connection import ring_of
from ledger.sealing.columns import SEALED, Sealed
from ledger.sealing.sealer import HOME, TURN, owner_of
from ledger.sealing.tokens import nothing
from ledger.unit_of_work import Entry, UnitOfWork, compact

TOPIC: Final = "person"
FACT: Final = "erased"
# What stands where the name and the address were; the pages say it in their own language.
ERASED_NAME: Final = "已删除"
# Of who was in the service until then; the reason is in the entry.
LEFT_WHY: Final = "other"

_DESTROY: Final = upsert_sql(PERSON_KEY)
_KEYS_OF: Final = (
    "SELECT owner, kek, made_at_ms FROM person_key"
    " WHERE wrapped IS NOT NULL AND (owner = ? OR owner LIKE ? ESCAPE '!')"
)
# Figures are of months, so that of the birthday the month is enough for every age ever counted.
# From this day on she is in the service no more, for whatever counts or calls who is.
_BLANK: Final = (
    "UPDATE service_user SET name = ?, erased_at_ms = ?,"
    " left_why = CASE WHEN left_on = '' THEN ? ELSE left_why END,"
    " left_on = CASE WHEN left_on = '' THEN ? ELSE left_on END,"
    " born = CASE WHEN born = '' THEN '' ELSE substr(born, 1, 7) || '-01' END WHERE id = ?"
)
_BLANK_HOME: Final = (
    "UPDATE home SET address = ?, lat = NULL, lon = NULL, access_note = '', key_place = '',"
    " lane = '', dog = '', label_print = label_print + 1 WHERE id = ?"
)
_FORGET_ROWS: Final = (
    "DELETE FROM person_term WHERE person = ?",
    "DELETE FROM family_link WHERE person = ?",
    "UPDATE person_file SET id_number = '', counted = '' WHERE person = ?",
)
# What was sent to her contacts, and what told of her alarms.
_FORGET_CONTACTS: Final = (
    "DELETE FROM contact_point WHERE owner LIKE ? ESCAPE '!'",
    "UPDATE outbox SET target = '', body = '', detail = '' WHERE recipient LIKE ? ESCAPE '!'",
)
_FORGET_MESSAGES: Final = (
    "UPDATE outbox SET body = '' WHERE state <> 'pending'"
    " AND alarm IN (SELECT id FROM alarm WHERE home = ?)"
)
_CONTACT_OF: Final = "contact:"
# Files that wait for departments of where she lived: those of a period that is the newest are made
# anew without her (hearthwatch/department_exports.py).
_WITHDRAW: Final = (
    "UPDATE export_file SET state = 'removed', detail = ? WHERE state = 'made' AND order_id IN"
    " (SELECT o.id FROM export_order o WHERE substr(?, 1, length(o.region)) = o.region"
    " OR EXISTS (SELECT 1 FROM entry e WHERE e.topic = ? AND e.subject = ?"
    " AND substr(e.region, 1, length(o.region)) = o.region))"
)
WITHDRAWN: Final = "withdrawn: somebody who may be in it was erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Whom to erase. `home`: with the home, in which nobody else lives."""

    person: str
    home: str
    region: str
    with_home: bool
    actor: str
    reason: str


def erase(unit: UnitOfWork, erasure: Erasure) -> tuple[str, ...]:
    """Returns the owners whose keys are destroyed, for the ring to forget after the commit. Twice
    is as once."""
    person, home = erasure.person, erasure.home
    gaps = _silent_gaps(unit, person)
    owners = _destroy(unit, person, erasure.actor)
    _blank(unit.cursor, person, SEALED)
    today = local(unit.now_ms).date().isoformat()
    unit.execute(_BLANK, (ERASED_NAME, unit.now_ms, LEFT_WHY, today, person))
    unit.execute("UPDATE service_user SET service_gaps = ? WHERE id = ?", (gaps, person))
    for sql in _FORGET_ROWS:
        unit.execute(sql, (person,))
    for sql in _FORGET_CONTACTS:
        unit.execute(sql, (_beginning(f"{_CONTACT_OF}{person}/"),))
    unit.execute(_FORGET_MESSAGES, (home,))
    exchanging.forget(unit, person)
    photo.forget(unit, person)
    unit.execute(_WITHDRAW, (WITHDRAWN, erasure.region, TOPIC, person))
    if erasure.with_home:
        owners += _destroy(unit, owner_of(None, home), erasure.actor)
        _blank(unit.cursor, owner_of(None, home), SEALED)
        unit.execute(_BLANK_HOME, (ERASED_NAME, home))
        unit.execute("DELETE FROM home_term WHERE home = ?", (home,))
    _forget_answers(unit, (person, home))
    unit.entry(
        Entry(
            topic=TOPIC,
            subject=person,
            fact=FACT,
            payload=lambda: b"null",
            actor=erasure.actor,
            region=erasure.region,
            # In clear: who erased her, when and why must be readable for good.
            data={"why": erasure.reason, "with_home": erasure.with_home},
        )
    )
    return owners


def _destroy(unit: UnitOfWork, owner: str, actor: str) -> tuple[str, ...]:
    """The keys of an owner, and of a home all that it had. One that had none is marked too: nothing
    may be written about her any more."""
    of_home = owner.startswith(HOME)
    later = _beginning(f"{owner}{TURN}") if of_home else owner
    found = unit.execute(_KEYS_OF, (owner, later)).fetchall()
    rows = [(str(name), str(kek), int(made)) for name, kek, made in found]
    if not rows and not of_home:
        rows = [(owner, "", unit.now_ms)]
    for name, kek, made_at_ms in rows:
        unit.execute(_DESTROY, (name, kek, None, made_at_ms, unit.now_ms, actor))
    return tuple(name for name, _kek, _made in rows)


def _beginning(text: str) -> str:
    """For LIKE: what begins with this text, whatever signs it has."""
    for sign in ("!", "%", "_"):
        text = text.replace(sign, f"!{sign}")
    return f"{text}%"


def _blank(cursor: Cursor, owner: str, tables: Sequence[Sealed]) -> None:
    """What is sealed in rows that may be changed is taken out as well: so it is gone too where an
    older program had left it unsealed."""
    for table in tables:
        new = [
            f'"{name}" = CASE WHEN "{name}" IS NULL THEN NULL ELSE \'{nothing(form)}\' END'
            for name, form in table.columns.items()
        ]
        keys: tuple[object, ...] = (owner,)
        if table.content:
            new.append(f'"{table.content}" = ?')
            keys = (b"", owner)
        # Names of the list of sealed columns, never of input.
        cursor.execute(
            f'UPDATE "{table.table}" AS t SET {", ".join(new)} WHERE {table.key} IN'  # noqa: S608
            f" (SELECT {table.key} FROM {table.source} WHERE {table.owner} = ?)",
            keys,
        )


def _silent_gaps(unit: UnitOfWork, person: str) -> str:
    """Of times away from the service the days stay, which figures need, and what was noted goes."""
    sql = "SELECT service_gaps FROM service_user WHERE id = ?"
    gaps = json.loads(str(unit.execute(sql, (person,)).fetchone()[0]))
    return compact([{**gap, "note": ""} for gap in gaps])


def _forget_answers(unit: UnitOfWork, ids: Sequence[str]) -> None:
    """Answers that are kept for a telephone's second try may hold all of her file."""
    marks = [one.encode() for one in ids]
    ring = ring_of(unit.cursor)
    found = unit.execute("SELECT key, route, body FROM idempotency").fetchall()
    for key, route, body in found:
        content = bytes(body) if ring is None else ring.content(bytes(body))
        if any(mark in content or mark in str(route).encode() for mark in marks):
            unit.execute("DELETE FROM idempotency WHERE key = ?", (key,))
