"""Who an alarm's timeline is about, by name, and what became of each notification."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from dashboard.masking import Document
from dashboard.reads import rows
from ledger.schema import ACCOUNT, OUTBOX, SERVICE_USER

# As `alarms.register_responders` names them: contact:<person>/<n>.
CONTACT: Final = "contact:"
# An alarm that was told for days on end; the newest say what works.
NOTICES_MAX: Final = 1_000


def names_in(connection: Connection, timeline: Sequence[Document]) -> dict[str, str]:
    """Accounts and contacts that the entries speak of; an account that is gone has no name."""
    said = {word for entry in timeline for word in _words(entry["data"])}
    said |= {entry["actor"] for entry in timeline}
    accounts = select(ACCOUNT.c.username, ACCOUNT.c.name).where(ACCOUNT.c.username.in_(said))
    names = {row["username"]: row["name"] for row in rows(connection, accounts)}
    contacts = {word for word in said if word.startswith(CONTACT)}
    return names | names_in_register(connection, contacts)


def notices_of(connection: Connection, alarm_id: str) -> list[Document]:
    """Notifications of the steps of its escalation, oldest first: whom, by what, and whether they
    arrived. What was said and where it went is not told here."""
    wanted = select(OUTBOX.c.recipient, OUTBOX.c.channel, OUTBOX.c.step, OUTBOX.c.state)
    wanted = wanted.where(OUTBOX.c.alarm == alarm_id, OUTBOX.c.recipient != "")
    wanted = wanted.order_by(OUTBOX.c.created_at_ms.desc(), OUTBOX.c.id).limit(NOTICES_MAX)
    found = []
    for row in reversed(rows(connection, wanted)):
        round_, dot, step = str(row["step"]).partition(".")
        # Codes and tests belong to no step.
        if dot and round_.isdecimal() and step.isdecimal():
            place = {"round": int(round_), "step": int(step)}
            found.append({"to": row["recipient"], "channel": row["channel"], **place})
            found[-1]["state"] = row["state"]
    return found


def names_in_register(connection: Connection, keys: set[str]) -> dict[str, str]:
    """Of contacts, by their keys; one that the register has no more is left out."""
    persons = {key.removeprefix(CONTACT).rpartition("/")[0] for key in keys}
    if not persons:
        return {}
    wanted = select(SERVICE_USER.c.id, SERVICE_USER.c.contacts)
    wanted = wanted.where(SERVICE_USER.c.id.in_(persons))
    names = {
        f"{CONTACT}{row['id']}/{number}": str(contact.get("name", ""))
        for row in rows(connection, wanted)
        for number, contact in enumerate(json.loads(row["contacts"]), start=1)
    }
    return {key: names[key] for key in keys if names.get(key)}


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)
