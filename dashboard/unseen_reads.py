"""Who was not seen yet today: of everybody the last sign of life, what the rule thinks, and how
long until it would call. Read in a fixed number of questions, however many people there are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from dashboard.callers import Caller
from dashboard.plan_facts import made
from dashboard.ports import RuleView, RuleViews
from dashboard.reads import Row, rows
from dashboard.register_reads import LIFE_KIND, dark_regions, homes_heard, life_state
from ledger.schema import ACCOUNT, ALARM, DEVICE, HOME, REGION, SERVICE_USER, STAY, VISIT
from ledger.views import (
    Document,
    RosterIndex,
    account_reference,
    age_years,
    document_of,
    instant,
    roster_index,
)
from ledger.visits import says_well

# So that a movement can be said to be one of a door.
_SENSORS: Final = ("contact", "motion", "bed", "presence")
_AWAY: Final = ("away", "hospital")
# Found silent by electricity, not by sensors alone.
_BY_POWER: Final = ("no_activity", "meter_quiet")
_PEOPLE: Final = (
    SERVICE_USER.c.id,
    SERVICE_USER.c.name,
    SERVICE_USER.c.born,
    SERVICE_USER.c.phone,
    SERVICE_USER.c.visitor,
    SERVICE_USER.c.home,
    HOME.c.region,
    HOME.c.address,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Of what, and when."""

    at_ms: int
    of: str
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """One person as the list has her. `left_h`: quiet hours still to be seen before the rule could
    call, None: it can't be said."""

    row: Row
    life: str
    heard: bool | None
    dark: bool
    view: RuleView | None
    sign: Sign | None
    seen_today: bool
    left_h: float | None
    contact: Row | None
    stay: Row | None
    alarm: str | None

    @property
    def judged(self) -> bool:
        """Whether an alarm would come by itself: behind a gateway that is away none does, whatever
        the rule thought last."""
        return self.life not in ("cannot_judge", "unknown", "learning") and self.heard is not False

    @property
    def by_alarm(self) -> tuple[Any, ...]:
        """Found silent first, then whom the rule would find next, then whom it can't judge, so that
        somebody has to ask, and at last who is away. Of equals who was seen least."""
        seen_ms = -1 if self.sign is None else self.sign.at_ms
        if self.life == "silent":
            return 0, 0.0, seen_ms, self.row["id"]
        if self.stay is not None:
            return 3, 0.0, seen_ms, self.row["id"]
        if self.left_h is not None and self.heard is not False:
            return 1, self.left_h, seen_ms, self.row["id"]
        return 2, 0.0, seen_ms, self.row["id"]

    @property
    def by_sign(self) -> tuple[Any, ...]:
        return -1 if self.sign is None else self.sign.at_ms, self.row["id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenList:
    people: Sequence[Unseen]
    roster: RosterIndex
    sensors: Mapping[tuple[str, str], str]


def read_unseen(
    connection: Connection,
    rules: RuleViews,
    caller: Caller,
    region: str | None,
    *,
    now_ms: int,
    today_ms: int,
) -> UnseenList:
    """Everybody of the caller's regions, or of those below `region`."""
    inside = [caller.known(HOME.c.region, HOME.c.id)]
    if region:
        inside.append(HOME.c.region.startswith(region, autoescape=True))
    people = select(*_PEOPLE).join(HOME, HOME.c.id == SERVICE_USER.c.home)
    people = people.where(*inside, SERVICE_USER.c.left_on == "")
    people = people.where(SERVICE_USER.c.erased_at_ms.is_(None))
    found = rows(connection, people)
    homes = {row["home"] for row in found}
    views = rules.of_kind(LIFE_KIND, sorted(homes))
    known = _Known(
        today_ms=today_ms,
        contacts=_contacts(connection, inside, today_ms, now_ms),
        stays=stays_now(connection, now_ms),
        alarms=_alarms(connection),
        heard=homes_heard(connection, inside),
        dark=dark_regions(connection),
    )
    listed = [_unseen(row, views.get(row["home"]), known) for row in found]
    usernames = {c["visitor"] for c in known.contacts.values()}
    usernames |= {row["visitor"] for row in found}
    accounts = select(ACCOUNT.c.username, ACCOUNT.c.name)
    return UnseenList(
        people=listed,
        roster=roster_index(
            regions=rows(connection, select(REGION)),
            accounts=[r for r in rows(connection, accounts) if r["username"] in usernames],
        ),
        sensors=_sensors(connection, inside),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Of all homes; contacts and stays by home and person, None for everybody of the home."""

    today_ms: int
    contacts: Mapping[tuple[str, str | None], Row]
    stays: Mapping[tuple[str, str | None], Row]
    alarms: Mapping[str, str]
    heard: Mapping[str, bool]
    dark: Collection[str]


def _unseen(row: Row, view: RuleView | None, known: _Known) -> Unseen:
    contacts, stays = known.contacts, known.stays
    mine = (contacts.get((row["home"], row["id"])), contacts.get((row["home"], None)))
    contact = max((c for c in mine if c), key=lambda c: int(c["visited_at_ms"]), default=None)
    signs = list(_signs(view, contact))
    sign = max((*signs, *_before_silence(view)), key=lambda sign: sign.at_ms, default=None)
    life = life_state(view)
    explained = {} if view is None else view.explanation
    left = explained.get("quiet_hours_left") if life == "well" else None
    return Unseen(
        row=row,
        life=life,
        heard=known.heard.get(row["home"]),
        dark=row["region"] in known.dark,
        view=view,
        sign=sign,
        seen_today=any(sign.at_ms >= known.today_ms for sign in signs),
        left_h=float(left) if isinstance(left, int | float) else None,
        contact=contact,
        stay=stays.get((row["home"], row["id"])) or stays.get((row["home"], None)),
        alarm=known.alarms.get(row["home"]),
    )


def _signs(view: RuleView | None, contact: Row | None) -> Iterable[Sign]:
    if contact is not None and contact["met"]:
        yield Sign(at_ms=contact["visited_at_ms"], of=contact["way"])
    explained: Mapping[str, Any] = {} if view is None else view.explanation
    power_ms = explained.get("power_sign_ms")
    if isinstance(power_ms, int):
        yield Sign(at_ms=power_ms, of="power")
    sign_ms = explained.get("last_sign_ms")
    if isinstance(sign_ms, int):
        device = str(explained.get("last_sign_device") or "")
        yield Sign(at_ms=sign_ms, of=str(explained.get("last_sign") or "moved"), device=device)


def _before_silence(view: RuleView | None) -> Iterable[Sign]:
    """What electricity showed last has left the window of a home that is found silent: its silence
    began there."""
    if view is None or view.state != "silent" or view.since_ms is None:
        return
    if view.explanation.get("reason") in _BY_POWER:
        yield Sign(at_ms=view.since_ms, of="power")


def stays_now(connection: Connection, now_ms: int) -> dict[tuple[str, str | None], Row]:
    """Who is away or in hospital, by home and person; None: everybody of the home."""
    wanted = select(STAY.c.home, STAY.c.person, STAY.c.kind, STAY.c.until_ms).where(
        STAY.c.kind.in_(_AWAY),
        STAY.c.ended_at_ms.is_(None),
        STAY.c.from_ms <= now_ms,
        STAY.c.until_ms > now_ms,
    )
    ordered = wanted.order_by(STAY.c.until_ms)
    return {(row["home"], row["person"]): row for row in rows(connection, ordered)}


def _contacts(
    connection: Connection, inside: Sequence[Any], today_ms: int, now_ms: int
) -> dict[tuple[str, str | None], Row]:
    """Of today, by home and person the one that counts most: somebody was met, and the newest."""
    columns = ("id", "home", "service_user", "way", "visitor", "visited_at_ms", "met", "record")
    wanted = (
        select(*(VISIT.c[name] for name in columns))
        .join(HOME, HOME.c.id == VISIT.c.home)
        .where(
            VISIT.c.visited_at_ms >= today_ms,
            VISIT.c.visited_at_ms <= now_ms,
            VISIT.c.kind != "repair",
            *made(),
            *inside,
        )
        .order_by(VISIT.c.met, VISIT.c.visited_at_ms, VISIT.c.id)
    )
    return {(row["home"], row["service_user"]): row for row in rows(connection, wanted)}


def _alarms(connection: Connection) -> dict[str, str]:
    """By home the open alarm that nobody was seen there."""
    wanted = select(ALARM.c.home, ALARM.c.id).where(
        ALARM.c.state.in_(("open", "acknowledged", "in_response")), ALARM.c.kind == LIFE_KIND
    )
    found = rows(connection, wanted.order_by(ALARM.c.number))
    return {row["home"]: row["id"] for row in found if row["home"] is not None}


def _sensors(connection: Connection, inside: Sequence[Any]) -> dict[tuple[str, str], str]:
    wanted = (
        select(DEVICE.c.home, DEVICE.c.device, DEVICE.c.kind)
        .join(HOME, HOME.c.id == DEVICE.c.home)
        .where(DEVICE.c.kind.in_(_SENSORS), *inside)
    )
    return {(row["home"], row["device"]): row["kind"] for row in rows(connection, wanted)}


def unseen_object(one: Unseen, of: UnseenList, now_ms: int) -> Document:
    row, contact, stay = one.row, one.contact, one.stay
    explained: Mapping[str, Any] = {} if one.view is None else one.view.explanation
    return {
        "service_user": row["id"],
        "person": {
            "id": row["id"],
            "name": row["name"],
            "age": age_years(row["born"], now_ms),
            "phone": row["phone"],
        },
        "home": {
            "id": row["home"],
            "address": row["address"],
            "region": row["region"],
            "region_path": of.roster.region_path(row["region"]),
        },
        "visitor": account_reference(row["visitor"], of.roster),
        "life": one.life,
        # False: its gateways are away, what the rule thinks is of the time before.
        "heard": one.heard,
        "dark": one.dark,
        "reason": explained.get("reason"),
        "since": None if one.view is None else instant(one.view.since_ms),
        "window_h": explained.get("window_h"),
        "refuted_in_year": explained.get("refuted_in_year"),
        "quiet_hours_left": one.left_h,
        "sign_at": None if one.sign is None else instant(one.sign.at_ms),
        "sign_of": None if one.sign is None else _named(one, of),
        "seen_today": one.seen_today,
        "contact": None
        if contact is None
        else {
            "visit": contact["id"],
            "way": contact["way"],
            "at": instant(contact["visited_at_ms"]),
            "by": account_reference(contact["visitor"], of.roster),
            "met": bool(contact["met"]),
            "said_well": says_well(
                contact["way"], bool(contact["met"]), document_of(contact["record"])
            ),
        },
        "stay": None
        if stay is None
        else {"kind": stay["kind"], "until": instant(stay["until_ms"])},
        "alarm": one.alarm,
    }


def _named(one: Unseen, of: UnseenList) -> str:
    sign = one.sign
    if sign is None or sign.of != "moved":
        return "" if sign is None else sign.of
    # Of a sensor that the register doesn't know only that something moved.
    return of.sensors.get((one.row["home"], sign.device.rpartition("/")[2]), "moved")
