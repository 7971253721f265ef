"""What the family of a person sees by a link: today in words, visits, alarms and who answered.
Nothing that was measured, no address, no telephone, the name masked: links go astray."""

from typing import Final

from sqlalchemy import Connection, or_, select

from alarms.rota.days import iso_day
from alarms.wording import kind_word
from dashboard.callers import Caller
from dashboard.look_reads import looks_of
from dashboard.masking import masked_name
from dashboard.person_reads import purpose_states
from dashboard.plan_facts import made
from dashboard.plan_reads import next_visit_day
from dashboard.ports import RuleViews
from dashboard.reads import Row, one, roster_for, rows
from dashboard.unseen_reads import Unseen, read_unseen
from ledger.persons.family import PURPOSE
from ledger.schema import ALARM, FAMILY_LINK, SERVICE_USER, VISIT
from ledger.views import Document, instant

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
ALARM_DAYS: Final = 30
ALARMS_MAX: Final = 30
LINKS_MAX: Final = 50
LOOKS_DAYS: Final = 30
# What is told of a home where others live who were not asked: that somebody called, or that the
# house is in danger. What is measured of a body or a bed is one person's, and nobody knows whose.
TOLD_OF_A_HOME: Final = (
    *("sos", "fall", "unreadable", "no_sign_of_life", "not_up_yet"),
    *("smoke", "gas", "carbon_monoxide", "leak", "overload", "load_left_on", "village_dark"),
)
_FAMILY: Final = Caller(username="family", name="", role="", region="", digest="", via="bearer")


def find_link(connection: Connection, digest: str) -> Row | None:
    return one(connection, select(FAMILY_LINK).where(FAMILY_LINK.c.digest == digest))


def links_of(connection: Connection, person: str, now_ms: int) -> list[Document]:
    wanted = select(FAMILY_LINK).where(FAMILY_LINK.c.person == person)
    wanted = wanted.order_by(FAMILY_LINK.c.created_at_ms.desc(), FAMILY_LINK.c.id)
    found = rows(connection, wanted.limit(LINKS_MAX))
    roster = roster_for(connection, usernames={row["created_by"] for row in found})
    return [
        {
            "id": row["id"],
            "relation": row["relation"],
            "created_at": instant(row["created_at_ms"]),
            "created_by": _name(row["created_by"], roster.accounts),
            "expires_at": instant(row["expires_at_ms"]),
            "revoked_at": instant(row["revoked_at_ms"]),
            "open": is_open(row, now_ms),
            "looks": row["looks"],
            "looked_at": instant(row["looked_at_ms"]),
        }
        for row in found
    ]


def is_open(link: Row, now_ms: int) -> bool:
    return link["revoked_at_ms"] is None and now_ms < int(link["expires_at_ms"])


def family_document(
    connection: Connection,
    rules: RuleViews,
    person: Row,
    *,
    now_ms: int,
    today_ms: int,
    today: str,
) -> Document:
    """`alarms_of`: person, or home where others live there who have not agreed to be looked at."""
    shared = _others_unasked(connection, person, now_ms, today)
    looks = looks_of(connection, str(person["id"]), now_ms, LOOKS_DAYS)
    times = sum(look.times for look in looks.looks if look.role != "family")
    return {
        "name": masked_name(person["name"]),
        "today": _today(connection, rules, person, now_ms=now_ms, today_ms=today_ms),
        "last_visit": _last_visit(connection, person, now_ms),
        "next_visit_on": _next_visit(connection, person, now_ms),
        # How often, and not who: that is told to her.
        "looks": {"days": LOOKS_DAYS, "people": looks.people, "times": times},
        "alarms_of": "home" if shared else "person",
        "alarms": _alarms(connection, person["home"], now_ms, shared=shared),
    }


def _today(
    connection: Connection, rules: RuleViews, person: Row, *, now_ms: int, today_ms: int
) -> Document:
    """`state`: away, silent, seen, not_yet or unknown. The hour of the last sign and not its
    minute: it is a word for the family and no reading."""
    found = read_unseen(
        connection, rules, _FAMILY, person["home_region"], now_ms=now_ms, today_ms=today_ms
    )
    mine = next((p for p in found.people if p.row["id"] == person["id"]), None)
    sign = None if mine is None or not mine.seen_today else mine.sign
    return {
        "state": "unknown" if mine is None else _state(mine),
        "hour_at": None if sign is None else instant(sign.at_ms // HOUR_MS * HOUR_MS),
    }


def _state(mine: Unseen) -> str:
    if mine.stay is not None:
        return "away"
    if mine.life == "silent":
        return "silent"
    if mine.seen_today:
        return "seen"
    return "not_yet" if mine.life in ("well", "learning") else "unknown"


def _last_visit(connection: Connection, person: Row, now_ms: int) -> Document | None:
    """The last one that was of this person or of the whole home; repairs are none."""
    wanted = select(VISIT).where(
        VISIT.c.home == person["home"],
        or_(VISIT.c.service_user == person["id"], VISIT.c.service_user.is_(None)),
        VISIT.c.visited_at_ms <= now_ms,
        VISIT.c.kind != "repair",
        *made(),
    )
    found = one(connection, wanted.order_by(VISIT.c.visited_at_ms.desc(), VISIT.c.id).limit(1))
    if found is None:
        return None
    roster = roster_for(connection, usernames=[found["visitor"]])
    return {
        "at": instant(found["visited_at_ms"]),
        "way": found["way"],
        "met": bool(found["met"]),
        "by": _name(found["visitor"], roster.accounts),
    }


def _next_visit(connection: Connection, person: Row, now_ms: int) -> str | None:
    day = next_visit_day(connection, now_ms, person)
    return None if day is None else iso_day(day)


def _others_unasked(connection: Connection, person: Row, now_ms: int, today: str) -> bool:
    """Whether others live there, or did within the days that are told, who have not agreed."""
    since = iso_day((now_ms - ALARM_DAYS * DAY_MS) // DAY_MS)
    others = select(SERVICE_USER.c.id).where(
        SERVICE_USER.c.home == person["home"],
        SERVICE_USER.c.id != person["id"],
        or_(SERVICE_USER.c.left_on == "", SERVICE_USER.c.left_on >= since),
    )
    found = [row["id"] for row in rows(connection, others)]
    states = purpose_states(connection, found, PURPOSE, today)
    return any(states.get(one) != "given" for one in found)


def _alarms(connection: Connection, home: str, now_ms: int, *, shared: bool) -> list[Document]:
    """Those about people, of the home: who of it pressed, devices don't tell. `shared`: only what
    tells nothing of one person alone, and not what came of it, which does."""
    told = [ALARM.c.kind.in_(TOLD_OF_A_HOME)] if shared else []
    wanted = select(ALARM).where(
        ALARM.c.home == home,
        ALARM.c.severity != "technical",
        ALARM.c.merged_into.is_(None),
        ALARM.c.raised_at_ms >= now_ms - ALARM_DAYS * DAY_MS,
        *told,
    )
    ordered = wanted.order_by(ALARM.c.raised_at_ms.desc(), ALARM.c.id).limit(ALARMS_MAX)
    found = rows(connection, ordered)
    roster = roster_for(connection, usernames={row["acknowledged_by"] for row in found})
    return [
        {
            "at": instant(row["raised_at_ms"]),
            "word": kind_word(row["kind"], row["severity"]),
            "state": row["state"],
            "answered_by": _name(row["acknowledged_by"], roster.accounts),
            "answered_at": instant(row["acknowledged_at_ms"]),
            "outcome": None if shared else row["outcome"],
        }
        for row in found
    ]


def _name(username: str | None, accounts: object) -> str | None:
    """A name to be read; never the name that somebody signs in with."""
    if username is None or not isinstance(accounts, dict):
        return None
    row = accounts.get(username)
    return None if row is None else str(row["name"])
