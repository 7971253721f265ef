"""Who could take a task, with what the book knows of where everybody is."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from alarms.suggestion import Candidate, Place, Whence
from dashboard.permissions import permissions_of
from dashboard.ports import Deps
from dashboard.reads import Row, rows
from ledger.schema import ACCOUNT, HOME, REGION, SERVICE_USER, TASK

# Whose region is wider than a village could be anywhere in it.
_SMALL: Final = ("village", "group")
_GOING: Final = ("accepted", "departed", "arrived")


def candidates(connection: Connection, hub: Deps, task: Row) -> list[Candidate]:
    """The accounts that may take this task and cover its region."""
    region = task["region"]
    mine = select(SERVICE_USER.c.visitor).where(
        SERVICE_USER.c.home == task["home"], SERVICE_USER.c.left_on == ""
    )
    responsible = {row["visitor"] for row in rows(connection, mine)}
    on_duty = frozenset(hub.on_duty(region, hub.clock.now_ms()))
    under_way = _under_way(connection, task["id"])
    homes, villages = _middles(connection)
    found = []
    for account in rows(connection, select(ACCOUNT).where(ACCOUNT.c.disabled.is_(False))):
        covers = region is None or region.startswith(account["region"])
        if not covers or "task.move" not in permissions_of(account["role"]):
            continue
        name = account["username"]
        going = [row for row in under_way if row["assignee"] == name]
        place, whence = _whereabouts(account, going, homes, villages)
        found.append(
            Candidate(
                username=name,
                name=account["name"],
                role=account["role"],
                phone=account["phone"],
                responsible=name in responsible,
                on_duty=name in on_duty,
                busy=any(row["kind"] == "emergency" for row in going),
                tasks=len(going),
                place=place,
                whence=whence,
            )
        )
    return found


def place_of(row: Row | None) -> Place | None:
    if row is None or row["lat"] is None or row["lon"] is None:
        return None
    return row["lat"], row["lon"]


def _whereabouts(
    account: Row, going: Sequence[Row], homes: dict[str, Place], villages: dict[str, Place]
) -> tuple[Place | None, Whence | None]:
    there = next((place_of(row) for row in going if row["state"] == "arrived"), None)
    if there is not None:
        return there, "visit"
    if account["username"] in homes:
        return homes[account["username"]], "homes"
    if account["region"] in villages:
        return villages[account["region"]], "village"
    return None, None


def _under_way(connection: Connection, task: str) -> list[Row]:
    """Tasks besides this one that somebody has accepted, goes to or is at, each with its home's
    place, if it is of a home."""
    columns = (TASK.c.assignee, TASK.c.kind, TASK.c.state, HOME.c.lat, HOME.c.lon)
    going = select(*columns).join(HOME, HOME.c.id == TASK.c.home, isouter=True)
    return rows(connection, going.where(TASK.c.state.in_(_GOING), TASK.c.id != task))


def _middles(connection: Connection) -> tuple[dict[str, Place], dict[str, Place]]:
    """Of the homes of each visitor, and of each village. The mean of both coordinates: within the
    width of a county the earth is flat."""
    place = (func.avg(HOME.c.lat).label("lat"), func.avg(HOME.c.lon).label("lon"))
    of_visitor = select(SERVICE_USER.c.visitor.label("of"), *place)
    of_visitor = of_visitor.join(HOME, HOME.c.id == SERVICE_USER.c.home)
    of_visitor = of_visitor.where(
        SERVICE_USER.c.visitor.is_not(None),
        SERVICE_USER.c.left_on == "",
        HOME.c.lat.is_not(None),
    )
    of_village = select(HOME.c.region.label("of"), *place)
    of_village = of_village.join(REGION, REGION.c.code == HOME.c.region)
    of_village = of_village.where(REGION.c.level.in_(_SMALL), HOME.c.lat.is_not(None))
    return (
        _by(connection, of_visitor.group_by(SERVICE_USER.c.visitor)),
        _by(connection, of_village.group_by(HOME.c.region)),
    )


def _by(connection: Connection, statement: Select[Any]) -> dict[str, Place]:
    found = {row["of"]: place_of(row) for row in rows(connection, statement)}
    return {name: place for name, place in found.items() if place is not None}
