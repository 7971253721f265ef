"""The tree of regions with what lies in each: persons, homes, who visits there, who answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, func, select

from dashboard.callers import Caller
from dashboard.reads import Row, roster_for, rows
from ledger.regions import TOPIC, closed_codes
from ledger.schema import ACCOUNT, ENTRY, HOME, REGION, SERVICE_USER
from ledger.views import REGION_DEPTH_MAX, Document, timeline_object

# Of those who visit in a town the ones with most people; the rest is a number.
VISITORS_SHOWN: Final = 5
HISTORY_MAX: Final = 100
_ANSWER: Final = ("manager", "duty", "visitor", "admin")


def overview(connection: Connection, caller: Caller) -> list[Document]:
    """Each region that one sees and what it lies in; figures are of all that lies below it."""
    regions = rows(connection, select(REGION).order_by(REGION.c.code))
    parents = {row["code"]: row["parent"] for row in regions}
    closed = closed_codes(connection)
    persons, visitors = _persons(connection, caller, parents)
    homes = _homes(connection, caller, parents)
    accounts = _accounts(connection, caller)
    names = roster_for(
        connection, usernames={name for counts in visitors.values() for name in counts}
    ).accounts
    return [
        {
            **{name: row[name] for name in ("code", "name", "level", "parent")},
            "closed": row["code"] in closed,
            # What one's own region lies in is shown for its name alone.
            "mine": caller.sees(row["code"]),
            "persons": persons.get(row["code"], 0),
            "homes": homes.get(row["code"], 0),
            "unvisited": visitors.get(row["code"], {}).get("", 0),
            **_visiting(visitors.get(row["code"], {}), names),
            "accounts": accounts.get(row["code"], []),
        }
        for row in regions
        if caller.sees(row["code"]) or caller.region.startswith(row["code"])
    ]


def region_history(connection: Connection, code: str) -> list[Document]:
    """What was done to it and why, newest first."""
    wanted = select(ENTRY).where(ENTRY.c.topic == TOPIC, ENTRY.c.subject == code)
    found = rows(connection, wanted.order_by(ENTRY.c.seq.desc()).limit(HISTORY_MAX))
    roster = roster_for(connection, usernames=[row["actor"] for row in found])
    return [timeline_object(row, roster) for row in found]


def _persons(
    connection: Connection, caller: Caller, parents: Mapping[str, str | None]
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Persons of each region, and of each the persons of each visitor ("": of nobody)."""
    asked = (
        select(HOME.c.region, SERVICE_USER.c.visitor, func.count().label("persons"))
        .join(SERVICE_USER, SERVICE_USER.c.home == HOME.c.id)
        .where(SERVICE_USER.c.left_on == "", caller.visible(HOME.c.region))
        .group_by(HOME.c.region, SERVICE_USER.c.visitor)
    )
    persons: dict[str, int] = defaultdict(int)
    visitors: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows(connection, asked):
        for code in _up(row["region"], parents):
            persons[code] += row["persons"]
            visitors[code][row["visitor"] or ""] += row["persons"]
    return persons, visitors


def _homes(
    connection: Connection, caller: Caller, parents: Mapping[str, str | None]
) -> dict[str, int]:
    asked = select(HOME.c.region, func.count().label("homes")).where(caller.visible(HOME.c.region))
    homes: dict[str, int] = defaultdict(int)
    for row in rows(connection, asked.group_by(HOME.c.region)):
        for code in _up(row["region"], parents):
            homes[code] += row["homes"]
    return homes


def _accounts(connection: Connection, caller: Caller) -> dict[str, list[Document]]:
    """Who answers for a region: accounts of exactly it."""
    asked = select(
        ACCOUNT.c.username, ACCOUNT.c.name, ACCOUNT.c.role, ACCOUNT.c.region, ACCOUNT.c.phone
    ).where(ACCOUNT.c.disabled.is_(False), ACCOUNT.c.role.in_(_ANSWER))
    found: dict[str, list[Document]] = defaultdict(list)
    for row in rows(connection, asked.order_by(ACCOUNT.c.role, ACCOUNT.c.username)):
        if row["region"] and caller.sees(row["region"]):
            found[row["region"]].append(_account(row, caller))
    return found


def _account(row: Row, caller: Caller) -> Document:
    """Colleagues' telephones are for who works with them, as `GET assignees` has it."""
    known = bool({"user.read", "task.assign"} & caller.can)
    return {
        **{name: row[name] for name in ("username", "name", "role")},
        "phone": row["phone"] if known else "",
    }


def _visiting(counts: Mapping[str, int], names: Mapping[str, Any]) -> Document:
    theirs = sorted((-count, name) for name, count in counts.items() if name)
    return {
        "visitors": len(theirs),
        "visiting": [
            {
                "username": name,
                "name": names.get(name, {}).get("name", name),
                "persons": -count,
            }
            for count, name in theirs[:VISITORS_SHOWN]
        ],
    }


def _up(code: str, parents: Mapping[str, str | None]) -> Iterable[str]:
    """It, and all that it lies in."""
    found: list[str] = []
    at: str | None = code
    while at is not None and len(found) <= REGION_DEPTH_MAX:
        found.append(at)
        at = parents.get(at)
    return found
