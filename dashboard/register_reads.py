"""The register as documents: homes, persons, devices and gateways."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, select

from dashboard.callers import Caller
from dashboard.ports import RuleView, RuleViews
from dashboard.reads import Row, one, roster_for, rows
from dashboard.trouble_reads import troubles_of_devices
from ledger.device_views import device_object, gateway_object
from ledger.gateway_certificates import newest_by_gateway
from ledger.schema import ALARM, DEVICE, GATEWAY, HOME, REGION, SERVICE_USER, STAY, TASK
from ledger.views import (
    Document,
    RosterIndex,
    age_years,
    home_reference,
    instant,
    service_user_object,
)

# The rule kind whose state is a home's `life`, and the states that the interface knows.
LIFE_KIND = "no_sign_of_life"
LIFE_STATES = frozenset({"well", "silent", "cannot_judge", "learning"})
# That of an alarm about a village without electricity.
DARK_KIND: Final = "village_dark"
# A home has a device for these or it hasn't; what others listen to comes from devices of any kind.
_OF_ONE_KIND: Final = frozenset({"environment", "fall", "gas", "leak", "power", "smoke", "sos"})
# What the feed of the electricity makes of a meter's readings.
_METERED: Final = {"power_gap": "power", "power_meter": "power", "power_slot": "power"}
# The worst first, as a smallest number finds it.
_SEVERITIES: Final = ("urgent", "watch", "technical")


def home_documents(
    connection: Connection, homes: Sequence[Row], rules: RuleViews, now_ms: int
) -> list[Document]:
    """`Home in a list` of docs/http.md."""
    ids = [row["id"] for row in homes]
    roster = roster_for(connection, homes=ids)
    devices = _by_home(
        connection,
        select(
            DEVICE.c.home,
            func.count().label("devices"),
            func.max(DEVICE.c.last_seen_ms).label("last_seen_ms"),
        )
        .where(DEVICE.c.home.in_(ids))
        .group_by(DEVICE.c.home),
    )
    alarms = _by_home(
        connection,
        select(ALARM.c.home, func.count().label("open"), _worst().label("worst"))
        .where(ALARM.c.home.in_(ids), ALARM.c.state != "closed")
        .group_by(ALARM.c.home),
    )
    staying = _staying(connection, ids, now_ms)
    lives = rules.of_kind(LIFE_KIND, ids)
    heard = homes_heard(connection, [HOME.c.id.in_(ids)])
    dark = dark_regions(connection)
    return [
        {
            **(home_reference(home, roster) or {}),
            "persons": _persons(home, roster, now_ms),
            "devices": devices.get(home, {}).get("devices", 0),
            "last_seen_at": instant(devices.get(home, {}).get("last_seen_ms")),
            "open_alarms": alarms.get(home, {}).get("open", 0),
            "worst_alarm": _SEVERITIES[alarms[home]["worst"]] if home in alarms else None,
            "life": life_state(lives.get(home)),
            "heard": heard.get(home),
            "dark": roster.homes[home]["region"] in dark,
            "staying": staying.get(home, []),
        }
        for home in ids
    ]


def live_homes(connection: Connection, homes: Collection[str]) -> frozenset[str]:
    """Those where an alarm or a task is open."""
    found: set[str] = set()
    for table, over in ((ALARM, ("closed",)), (TASK, ("completed", "cancelled"))):
        live = select(table.c.home).where(table.c.home.in_(homes), table.c.state.not_in(over))
        found |= set(connection.scalars(live))
    return frozenset(found)


def homes_heard(connection: Connection, inside: Sequence[Any]) -> dict[str, bool]:
    """Whether any gateway of a home's devices is there; a home without devices is not named. What
    its rule last thought is of the time before its gateways went."""
    wanted = (
        select(DEVICE.c.home, func.max(case((GATEWAY.c.online, 1), else_=0)).label("online"))
        .join(HOME, HOME.c.id == DEVICE.c.home)
        .join(GATEWAY, GATEWAY.c.id == DEVICE.c.gateway)
        .where(*inside)
        .group_by(DEVICE.c.home)
    )
    return {row["home"]: row["online"] > 0 for row in rows(connection, wanted)}


def dark_regions(connection: Connection) -> frozenset[str]:
    """Villages without electricity and their groups, as an open alarm says: a meter that is still
    there shows nobody, and what a rule thought before is of before."""
    wanted = select(ALARM.c.region).where(ALARM.c.kind == DARK_KIND, ALARM.c.state != "closed")
    villages = frozenset(connection.scalars(wanted))
    if not villages:
        return villages
    groups = select(REGION.c.code).where(REGION.c.parent.in_(villages), REGION.c.level == "group")
    return villages | frozenset(connection.scalars(groups))


def _worst() -> Any:
    """The index of the worst severity among a home's alarms."""
    ranks = {severity: rank for rank, severity in enumerate(_SEVERITIES)}
    return func.min(case(ranks, value=ALARM.c.severity, else_=len(_SEVERITIES) - 1))


def home_names(
    connection: Connection, caller: Caller, homes: Collection[str], now_ms: int
) -> dict[str, Document]:
    """By home who lives there and where, of those that the caller sees."""
    seen = select(HOME.c.id).where(HOME.c.id.in_(homes), caller.known(HOME.c.region, HOME.c.id))
    ids = [row["id"] for row in rows(connection, seen)]
    roster = roster_for(connection, homes=ids)
    found: dict[str, Document] = {}
    for home in ids:
        place = home_reference(home, roster) or {}
        found[home] = {
            "address": place.get("address", ""),
            "region_path": place.get("region_path", []),
            "persons": _persons(home, roster, now_ms),
        }
    return found


def _persons(home: str, roster: RosterIndex, now_ms: int) -> list[Document]:
    return [
        {"id": p["id"], "name": p["name"], "age": age_years(p["born"], now_ms)}
        for p in roster.residents(home)
    ]


def _staying(connection: Connection, homes: Sequence[str], now_ms: int) -> dict[str, list[str]]:
    """By home what holds now: away, hospital, visitors."""
    now = select(STAY.c.home, STAY.c.kind).where(
        STAY.c.home.in_(homes),
        STAY.c.ended_at_ms.is_(None),
        STAY.c.from_ms <= now_ms,
        STAY.c.until_ms > now_ms,
    )
    found: dict[str, set[str]] = {}
    for row in rows(connection, now):
        found.setdefault(row["home"], set()).add(row["kind"])
    return {home: sorted(kinds) for home, kinds in found.items()}


def life_state(view: RuleView | None) -> str:
    return view.state if view is not None and view.state in LIFE_STATES else "unknown"


def rule_documents(home: str, rules: RuleViews, has: Collection[str]) -> list[Document]:
    """What the rules think of a home; one in shadow thinks for itself and disturbs nobody. `has`:
    the kinds of its devices."""
    modes = {str(rule["name"]): rule["mode"] for rule in rules.describe()}
    return [
        {
            "rule": view.rule,
            "kind": view.kind,
            "mode": modes.get(view.rule, "live"),
            "state": view.state,
            "since": instant(view.since_ms),
            "explanation": dict(view.explanation),
            "watched": _is_watched(view, has),
        }
        for view in rules.view(home)
    ]


def _is_watched(view: RuleView, has: Collection[str]) -> bool:
    """False: the rule is quiet for want of a device, not because all is well. A rule that has said
    more than that nothing happened has heard something, whatever the device is registered as."""
    if view.state != "quiet" or set(view.explanation) - {"reason", "limits_unconfirmed"}:
        return True
    wanted = {_METERED.get(kind, kind) for kind in view.listens}
    return not wanted or not wanted <= _OF_ONE_KIND or not wanted.isdisjoint(has)


def person_documents(connection: Connection, persons: Sequence[Row], now_ms: int) -> list[Document]:
    roster = roster_for(connection, homes=(row["home"] for row in persons))
    return [service_user_object(row, roster, now_ms) for row in persons]


def device_documents(connection: Connection, devices: Sequence[Row], now_ms: int) -> list[Document]:
    troubles = troubles_of_devices(connection, devices, now_ms)
    wanted = vacated_homes().where(SERVICE_USER.c.home.in_({row["home"] for row in devices}))
    vacated = {row["home"] for row in rows(connection, wanted)}
    return [
        {
            **device_object(row, now_ms),
            "collect": row["home"] in vacated,
            "troubles": troubles.get((row["gateway"], row["device"]), []),
        }
        for row in devices
    ]


def gateway_documents(connection: Connection, gateways: Sequence[Row]) -> list[Document]:
    roster = roster_for(connection)
    counted = rows(
        connection,
        select(
            DEVICE.c.gateway,
            func.count().label("devices"),
            func.count(DEVICE.c.home.distinct()).label("homes"),
        )
        .where(DEVICE.c.gateway.in_([row["id"] for row in gateways]))
        .group_by(DEVICE.c.gateway),
    )
    counts: dict[str, Row] = {row["gateway"]: row for row in counted}
    held = newest_by_gateway(connection)
    return [
        {
            **gateway_object(
                row,
                roster,
                homes=counts.get(row["id"], {}).get("homes", 0),
                devices=counts.get(row["id"], {}).get("devices", 0),
            ),
            "certificate": _certificate(held.get(row["id"])),
        }
        for row in gateways
    ]


def _certificate(row: Mapping[str, Any] | None) -> Document | None:
    """The one that was issued last: until when it holds, and whether it was ended."""
    if row is None:
        return None
    return {"not_after": instant(row["not_after_ms"]), "revoked_at": instant(row["revoked_at_ms"])}


def vacated_homes() -> Select[Any]:
    """Homes whose people have all left the service; not those of which nobody is known."""
    still = func.sum(case((SERVICE_USER.c.left_on == "", 1), else_=0))
    return select(SERVICE_USER.c.home).group_by(SERVICE_USER.c.home).having(still == 0)


def find_home(connection: Connection, home: str) -> Row | None:
    return one(connection, select(HOME).where(HOME.c.id == home))


def find_region(connection: Connection, code: str) -> Row | None:
    return one(connection, select(REGION).where(REGION.c.code == code))


def find_gateway(connection: Connection, gateway: str) -> Row | None:
    return one(connection, select(GATEWAY).where(GATEWAY.c.id == gateway))


def find_person(connection: Connection, person: str) -> Row | None:
    """A person's row, with the region of the home as `home_region`."""
    joined = select(SERVICE_USER, HOME.c.region.label("home_region"))
    joined = joined.join(HOME, HOME.c.id == SERVICE_USER.c.home)
    return one(connection, joined.where(SERVICE_USER.c.id == person))


def find_device(connection: Connection, gateway: str, device: str) -> Row | None:
    """A device's row, with the region that decides who may see it as `seen_region`."""
    return one(
        connection,
        devices_with_region().where(DEVICE.c.gateway == gateway, DEVICE.c.device == device),
    )


def seen_region() -> Any:
    """The region of a device: its home's, or its gateway's while it is not bound."""
    return func.coalesce(HOME.c.region, GATEWAY.c.region)


def devices_with_region() -> Any:
    return (
        select(DEVICE, seen_region().label("seen_region"))
        .join(HOME, HOME.c.id == DEVICE.c.home, isouter=True)
        .join(GATEWAY, GATEWAY.c.id == DEVICE.c.gateway, isouter=True)
    )


def _by_home(connection: Connection, statement: Any) -> Mapping[str, Row]:
    return {row["home"]: row for row in rows(connection, statement)}
