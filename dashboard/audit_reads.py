"""The trail of who looked at what and changed what, found by who, whose, what and when."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, literal, not_, or_, select

from contract.moment import to_iso
from dashboard.audit_words import BOARD, CAME, LOOKED, TAKEN_OUT, kind_of
from dashboard.callers import Caller
from dashboard.contact_masks import masked_change
from dashboard.masking import masked_name
from dashboard.reads import Row, one, roster_for, rows
from dashboard.sessions import ABSOLUTE_MS
from ledger.forms.file_fields import named
from ledger.schema import (
    ALARM,
    AUDIT,
    DEVICE,
    ENTRY,
    HOME,
    REFERRAL,
    SERVICE_USER,
    TASK,
    VISIT,
    WALL_SCREEN,
)
from ledger.views import Document, document_of

# Objects that are called by a person's or a home's own id.
_OF_PERSON: Final = (
    *("person", "tier", "care", "money", "referrals", "month", "vitals"),
    *("family", "family_links"),
)
_OF_HOME: Final = ("home", "stays", "visits", "label")
_OF_ALARM: Final = ("alarm", "sheet")
# Screens on walls, as what somebody let in and as who listens.
_SCREEN: Final = "screen:"
# Topics of the book whose entries say what was there before.
_WITH_CHANGES: Final = frozenset({"person", "region"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of the trail is wanted; None and empty: everything."""

    actor: str | None = None
    kinds: Sequence[str] = ()
    object: str | None = None
    person: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    before: int | None = None


def trail(connection: Connection, asked: Asked, limit: int) -> list[Row]:
    """Newest first, one more than the limit where there is more."""
    wanted: Select[Any] = select(AUDIT)
    if asked.actor:
        wanted = wanted.where(AUDIT.c.actor == asked.actor)
    if asked.object:
        wanted = wanted.where(AUDIT.c.object == asked.object)
    if asked.kinds:
        wanted = wanted.where(or_(*(_of_kind(kind) for kind in asked.kinds)))
    if asked.person:
        wanted = wanted.where(_about(connection, asked.person))
    if asked.from_ms is not None:
        wanted = wanted.where(AUDIT.c.at_ms >= asked.from_ms)
    if asked.to_ms is not None:
        wanted = wanted.where(AUDIT.c.at_ms < asked.to_ms)
    if asked.before is not None:
        wanted = wanted.where(AUDIT.c.seq < asked.before)
    return rows(connection, wanted.order_by(AUDIT.c.seq.desc()).limit(limit + 1))


def _of_kind(kind: str) -> ColumnElement[bool]:
    """As `kind_of` has it, which a test holds beside this."""
    action, object_ = AUDIT.c.action, AUDIT.c.object
    board = or_(action == "listened", and_(action == "listed", object_.in_(sorted(BOARD))))
    match kind:
        case "board":
            return board
        case "look":
            return and_(action.in_(sorted(LOOKED)), not_(board))
        case "out":
            return action.in_(sorted(TAKEN_OUT))
        case "access":
            return action.in_(sorted(CAME))
        case _:
            return action.not_in(sorted(LOOKED | TAKEN_OUT | CAME))


def _about(connection: Connection, person: str) -> ColumnElement[bool]:
    """What names the person, the home where she lives, and what happened there."""
    home = connection.scalar(select(SERVICE_USER.c.home).where(SERVICE_USER.c.id == person))
    exact = [f"{kind}:{person}" for kind in _OF_PERSON]
    exact += [f"{kind}:{home}" for kind in _OF_HOME if home is not None]
    part = literal("readings:") + DEVICE.c.gateway + literal("/") + DEVICE.c.device
    below = [
        select(literal("visit:") + VISIT.c.id).where(VISIT.c.service_user == person),
        select(literal("referral:") + REFERRAL.c.id).where(REFERRAL.c.person == person),
        *(
            select(literal(f"{kind}:") + ALARM.c.id).where(ALARM.c.home == home)
            for kind in _OF_ALARM
        ),
        *(
            select(literal(f"{kind}:") + TASK.c.id).where(TASK.c.home == home)
            for kind in ("task", "card")
        ),
        select(part).where(DEVICE.c.home == home),
    ]
    return or_(AUDIT.c.object.in_(exact), *(AUDIT.c.object.in_(one) for one in below))


def documents(connection: Connection, found: Sequence[Row], caller: Caller) -> list[Document]:
    accounts = roster_for(
        connection,
        usernames=[*(row["actor"] for row in found), *_ids(found, ("account",))],
    ).accounts
    names = _names(connection, found, caller)
    came_from = _addresses(connection, found)
    return [
        {
            "seq": row["seq"],
            "at": to_iso(row["at_ms"]),
            "actor": row["actor"],
            # Beside the account, which the trail is about; one that is gone has none.
            "actor_name": accounts.get(row["actor"], {}).get("name") or names.get(row["actor"], ""),
            "action": row["action"],
            "kind": kind_of(row["action"], row["object"]),
            "object": row["object"],
            "name": _object_name(row, names, accounts),
            "detail": row["detail"],
            "from": came_from.get(row["seq"], []),
        }
        for row in found
    ]


def changes_of(connection: Connection, row: Row, caller: Caller) -> list[Document]:
    """What this change of the trail did, as the book says it: each field before and after.
    Of a person's file only who may read it sees what it was."""
    topic, _, subject = row["object"].partition(":")
    if topic not in _WITH_CHANGES:
        return []
    wanted = select(ENTRY).where(
        ENTRY.c.topic == topic,
        ENTRY.c.subject == subject,
        ENTRY.c.actor == row["actor"],
        # Both were written by one transaction.
        ENTRY.c.at_ms == row["at_ms"],
    )
    open_ = topic != "person" or {"person.read", "address.read"} <= caller.can
    found: list[Document] = []
    for entry in rows(connection, wanted.order_by(ENTRY.c.seq)):
        found += _changes(document_of(entry["data"]), open_=open_)
    return found if "contact.read" in caller.can else [masked_change(one) for one in found]


def _changes(data: Document, *, open_: bool) -> list[Document]:
    said = data.get("changes")
    if said is None and "old" in data:
        said = [{"field": "name", "old": data["old"], "new": data["new"]}]
    found = []
    for change in said or ():
        zh, en = named(str(change.get("field", "")))
        old, new = (change.get("old"), change.get("new")) if open_ else (None, None)
        found.append(
            {"field": change.get("field"), "zh": zh, "en": en, "old": old, "new": new}
            | {"hidden": not open_}
        )
    return found


def find_row(connection: Connection, seq: int) -> Row | None:
    return one(connection, select(AUDIT).where(AUDIT.c.seq == seq))


def _ids(found: Iterable[Row], kinds: Sequence[str]) -> set[str]:
    parts = (row["object"].partition(":") for row in found)
    return {name for kind, _, name in parts if kind in kinds and name}


def _names(connection: Connection, found: Sequence[Row], caller: Caller) -> dict[str, str]:
    """Of persons, of visits those who were visited, of homes and regions, of alarms their numbers;
    by object."""
    people = {
        row["id"]: row["name"]
        for row in _among(connection, SERVICE_USER, _ids(found, _OF_PERSON), "name")
    }
    visited = {
        row["id"]: row["service_user"]
        for row in _among(connection, VISIT, _ids(found, ("visit",)), "service_user")
    }
    people |= {
        row["id"]: row["name"]
        for row in _among(connection, SERVICE_USER, {v for v in visited.values() if v}, "name")
    }
    if "person.read" not in caller.can:
        people = {key: masked_name(name) for key, name in people.items()}
    names = {f"{kind}:{key}": name for kind in _OF_PERSON for key, name in people.items()}
    names |= {f"visit:{key}": people.get(person or "", "") for key, person in visited.items()}
    alarms = _among(connection, ALARM, _ids(found, _OF_ALARM), "number")
    names |= {f"{kind}:{row['id']}": str(row["number"]) for kind in _OF_ALARM for row in alarms}
    hung = _ids(found, ("screen",)) | {
        row["actor"].removeprefix(_SCREEN) for row in found if row["actor"].startswith(_SCREEN)
    }
    names |= {
        f"{_SCREEN}{row['id']}": row["name"]
        for row in _among(connection, WALL_SCREEN, hung, "name")
    }
    roster = roster_for(connection)
    names |= {f"region:{code}": row["name"] for code, row in roster.regions.items()}
    if "address.read" in caller.can:
        homes = _among(connection, HOME, _ids(found, _OF_HOME), "address")
        names |= {f"{kind}:{row['id']}": row["address"] for kind in _OF_HOME for row in homes}
    return names


def _among(connection: Connection, table: Any, ids: set[str], column: str) -> list[Row]:
    if not ids:
        return []
    return rows(connection, select(table.c.id, table.c[column]).where(table.c.id.in_(ids)))


def _object_name(row: Row, names: dict[str, str], accounts: Any) -> str:
    kind, _, key = row["object"].partition(":")
    if kind == "account":
        return str(accounts.get(key, {}).get("name", ""))
    return names.get(row["object"], "")


def _addresses(connection: Connection, found: Sequence[Row]) -> dict[int, list[str]]:
    """From where each account had signed in by then; several, where it came from several places
    within the life of a session. The trail keeps an address only with the sign-in."""
    if not found:
        return {}
    newest, oldest = found[0], found[-1]
    wanted = select(AUDIT.c.seq, AUDIT.c.at_ms, AUDIT.c.actor, AUDIT.c.detail).where(
        AUDIT.c.action == "logged_in",
        AUDIT.c.actor.in_({row["actor"] for row in found}),
        AUDIT.c.seq <= newest["seq"],
        AUDIT.c.at_ms >= oldest["at_ms"] - ABSOLUTE_MS,
    )
    came: dict[str, list[Row]] = defaultdict(list)
    for row in rows(connection, wanted.order_by(AUDIT.c.seq)):
        came[row["actor"]].append(row)
    addresses: dict[int, list[str]] = {}
    for row in found:
        before = [
            sign["detail"]
            for sign in came.get(row["actor"], ())
            if sign["seq"] <= row["seq"] and sign["at_ms"] >= row["at_ms"] - ABSOLUTE_MS
        ]
        # The newest first, each once.
        addresses[row["seq"]] = list(dict.fromkeys(reversed(before)))
    return addresses
