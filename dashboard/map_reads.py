"""Every home as a point of the map: where, its worst open alarm, whether it is heard and seen."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from dashboard.callers import Caller
from dashboard.ports import RuleViews
from dashboard.reads import Row, rows
from dashboard.register_reads import dark_regions, homes_heard
from dashboard.unseen_reads import UnseenList, read_unseen, stays_now
from ledger.schema import ALARM, GATEWAY, HOME, REGION, SERVICE_USER
from ledger.views import Document, roster_index

_WORST: Final = {"urgent": 0, "watch": 1, "technical": 2}
_ALARM_FIELDS: Final = ("id", "severity", "kind", "state")
_LIVE: Final = ("open", "acknowledged", "in_response")


def map_document(
    connection: Connection,
    rules: RuleViews,
    caller: Caller,
    region: str | None,
    *,
    now_ms: int,
    today_ms: int,
    limit: int,
) -> Document:
    """Names only for who may read people, places only for who may read addresses."""
    inside = [caller.known(HOME.c.region, HOME.c.id)]
    if region:
        inside.append(HOME.c.region.startswith(region, autoescape=True))
    columns = (HOME.c.id, HOME.c.region, HOME.c.lat, HOME.c.lon)
    homes = rows(connection, select(*columns).where(*inside).order_by(HOME.c.id).limit(limit + 1))
    regions = roster_index(regions=rows(connection, select(REGION)))
    facts = _Facts(connection, inside, now_ms)
    unseen = None
    if "visit.read" in caller.can:
        unseen = read_unseen(connection, rules, caller, region, now_ms=now_ms, today_ms=today_ms)
    seen_by_home = _seen(unseen)
    dark = dark_regions(connection) if "alarm.read" in caller.can else ()
    shown = homes[:limit]
    return {
        "homes": [
            {
                **facts.home(row, seen_by_home.get(row["id"]), caller.can),
                "dark": row["region"] in dark,
            }
            for row in shown
            if row["id"] in facts.names
        ],
        "regions": [
            {"code": code, "path": regions.region_path(code)}
            for code in sorted({row["region"] for row in shown})
        ],
        "gateways": _silent_gateways(connection, caller, region),
        "more": len(homes) > limit,
    }


class _Facts:
    """By home, of all homes that are asked about, in a fixed number of questions."""

    def __init__(self, connection: Connection, inside: Sequence[Any], now_ms: int) -> None:
        self.names = _names(connection, inside)
        self._alarms = _alarms(connection, inside)
        self._heard = homes_heard(connection, inside)
        self._away = {home for home, person in stays_now(connection, now_ms) if person is None}

    def home(self, row: Row, seen: tuple[bool, str] | None, can: frozenset[str]) -> Document:
        home = row["id"]
        placed = "address.read" in can
        return {
            "id": home,
            "region": row["region"],
            "lat": row["lat"] if placed else None,
            "lon": row["lon"] if placed else None,
            "names": self.names[home] if "person.read" in can else [],
            "alarm": self._alarms.get(home) if "alarm.read" in can else None,
            # None: there is nothing that could be heard.
            "heard": self._heard.get(home),
            "unseen": seen is not None and not seen[0] and home not in self._away,
            "life": None if seen is None else seen[1],
            "away": home in self._away,
        }


def _names(connection: Connection, inside: Sequence[Any]) -> dict[str, list[str]]:
    """Homes in which somebody of the service lives."""
    wanted = (
        select(SERVICE_USER.c.home, SERVICE_USER.c.name)
        .join(HOME, HOME.c.id == SERVICE_USER.c.home)
        .where(*inside, SERVICE_USER.c.left_on == "")
        .order_by(SERVICE_USER.c.id)
    )
    found: dict[str, list[str]] = {}
    for row in rows(connection, wanted):
        found.setdefault(row["home"], []).append(row["name"])
    return found


def _alarms(connection: Connection, inside: Sequence[Any]) -> dict[str, Document]:
    """The worst one that is open; of equals one that nobody has taken, then the oldest."""
    wanted = (
        select(ALARM.c.home, ALARM.c.id, ALARM.c.severity, ALARM.c.kind, ALARM.c.state)
        .join(HOME, HOME.c.id == ALARM.c.home)
        .where(*inside, ALARM.c.state.in_(_LIVE))
    )
    ordered = sorted(
        rows(connection, wanted.order_by(ALARM.c.number)),
        key=lambda row: (_WORST.get(row["severity"], 2), row["state"] != "open"),
    )
    found: dict[str, Document] = {}
    for row in ordered:
        found.setdefault(row["home"], {name: row[name] for name in _ALARM_FIELDS})
    return found


def _seen(unseen: UnseenList | None) -> Mapping[str, tuple[bool, str]]:
    """By home whether anybody of it was seen today, and what the rule says. Who of two was met is
    no matter here: a point of the map is a home."""
    found: dict[str, tuple[bool, str]] = {}
    for one in () if unseen is None else unseen.people:
        home = one.row["home"]
        before = found.get(home, (False, ""))[0]
        found[home] = (before or one.seen_today, one.life)
    return found


def _silent_gateways(connection: Connection, caller: Caller, region: str | None) -> list[Document]:
    wanted = select(GATEWAY.c.id, GATEWAY.c.name, GATEWAY.c.region).where(
        GATEWAY.c.online.is_(False), caller.visible(GATEWAY.c.region)
    )
    if region:
        wanted = wanted.where(GATEWAY.c.region.startswith(region, autoescape=True))
    return [dict(row) for row in rows(connection, wanted.order_by(GATEWAY.c.id))]
