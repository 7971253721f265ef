"""Who can't be reached: attempts that found nobody, nobody to ring, contacts that did not get what
was sent. Read in a fixed number of questions, however many people there are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select

from dashboard.asked import DAY_MS
from dashboard.callers import Caller
from dashboard.plan_facts import made
from dashboard.plan_reads import LOOK_BACK_DAYS
from dashboard.ports import RuleViews
from dashboard.reads import Row, rows
from dashboard.register_reads import LIFE_KIND, dark_regions, homes_heard, life_state
from dashboard.told_reads import CONTACT, names_in_register
from dashboard.unseen_reads import stays_now
from ledger.schema import ACCOUNT, HOME, OUTBOX, REGION, SERVICE_USER, TASK, VISIT
from ledger.views import (
    Document,
    RosterIndex,
    account_reference,
    age_years,
    document_list,
    instant,
    roster_index,
)

# One closed door is a walk to the shop; two in a row are a question.
ATTEMPTS_MIN: Final = 2
# What was sent longer ago says little of a telephone today.
FAILED_WITHIN_MS: Final = 30 * DAY_MS
REASONS: Final = ("attempts", "no_phone", "contact_failed")
_LIVE_TASKS: Final = ("open", "accepted", "departed", "arrived")
_ENDED: Final = ("delivered", "refused", "dead")
_PEOPLE: Final = (
    SERVICE_USER.c.id,
    SERVICE_USER.c.name,
    SERVICE_USER.c.born,
    SERVICE_USER.c.phone,
    SERVICE_USER.c.contacts,
    SERVICE_USER.c.visitor,
    SERVICE_USER.c.home,
    HOME.c.region,
    HOME.c.address,
)
# Of a home and person; None: everybody of the home.
_Whose = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    row: Row
    met_ms: int | None
    attempts: Sequence[Row]
    failed: Sequence[tuple[str, Row]]
    no_phone: bool

    @property
    def reasons(self) -> list[str]:
        found = {
            "attempts": len(self.attempts) >= ATTEMPTS_MIN,
            "no_phone": self.no_phone,
            "contact_failed": bool(self.failed),
        }
        return [reason for reason in REASONS if found[reason]]

    @property
    def order(self) -> tuple[Any, ...]:
        """Whom somebody looked for in vain first, of them who was met least lately."""
        in_vain = len(self.attempts) >= ATTEMPTS_MIN
        return not in_vain, -1 if self.met_ms is None else self.met_ms, self.row["id"]


@dataclass(slots=True, kw_only=True)
class UnreachableList:
    people: int
    found: list[Unreachable]
    stays: Mapping[_Whose, Row] = field(default_factory=dict)
    tasks: Mapping[str, Row] = field(default_factory=dict)
    lives: Mapping[str, str] = field(default_factory=dict)
    heard: Mapping[str, bool] = field(default_factory=dict)
    dark: Collection[str] = ()
    roster: RosterIndex = field(default_factory=RosterIndex)


def read_unreachable(
    connection: Connection, rules: RuleViews, caller: Caller, region: str | None, now_ms: int
) -> UnreachableList:
    """Of the caller's regions, or of those below `region`; visits of half a year are looked at."""
    inside = [caller.known(HOME.c.region, HOME.c.id)]
    if region:
        inside.append(HOME.c.region.startswith(region, autoescape=True))
    wanted = select(*_PEOPLE).join(HOME, HOME.c.id == SERVICE_USER.c.home)
    wanted = wanted.where(*inside, SERVICE_USER.c.left_on == "")
    people = rows(connection, wanted.where(SERVICE_USER.c.erased_at_ms.is_(None)))
    since_ms = now_ms - LOOK_BACK_DAYS * DAY_MS
    met = _met(connection, inside, since_ms, now_ms)
    in_vain = _in_vain(connection, inside, since_ms, now_ms)
    failed = _failed(connection, now_ms)
    found = [one for row in people if (one := _unreachable(row, met, in_vain, failed)).reasons]
    homes = {one.row["home"] for one in found}
    views = rules.of_kind(LIFE_KIND, sorted(homes))
    tasks = _tasks(connection, inside)
    named = {one.row["visitor"] for one in found} | {t["assignee"] for t in tasks.values()}
    named |= {attempt["visitor"] for one in found for attempt in one.attempts[-1:]}
    accounts = rows(connection, select(ACCOUNT.c.username, ACCOUNT.c.name))
    return UnreachableList(
        people=len(people),
        found=sorted(found, key=lambda one: one.order),
        stays=stays_now(connection, now_ms),
        tasks=tasks,
        lives={home: life_state(views.get(home)) for home in homes},
        heard=homes_heard(connection, inside),
        dark=dark_regions(connection),
        roster=roster_index(
            regions=rows(connection, select(REGION)),
            accounts=[row for row in accounts if row["username"] in named],
        ),
    )


def _unreachable(
    row: Row,
    met: Mapping[_Whose, int],
    in_vain: Mapping[_Whose, Sequence[Row]],
    failed: Mapping[str, Sequence[tuple[str, Row]]],
) -> Unreachable:
    whose: tuple[_Whose, _Whose] = (row["home"], row["id"]), (row["home"], None)
    met_ms = max((met[one] for one in whose if one in met), default=None)
    attempts = [a for one in whose for a in in_vain.get(one, ())]
    since = [a for a in attempts if met_ms is None or a["visited_at_ms"] > met_ms]
    contacts = document_list(row["contacts"])
    phones = [row["phone"], *(c.get("phone") for c in contacts if isinstance(c, dict))]
    return Unreachable(
        row=row,
        met_ms=met_ms,
        attempts=sorted(since, key=lambda a: int(a["visited_at_ms"])),
        failed=failed.get(row["id"], ()),
        no_phone=not any(phones),
    )


def _span(inside: Sequence[Any], since_ms: int, now_ms: int) -> tuple[Any, ...]:
    return (
        VISIT.c.visited_at_ms >= since_ms,
        VISIT.c.visited_at_ms <= now_ms,
        VISIT.c.kind != "repair",
        *made(),
        *inside,
    )


def _met(
    connection: Connection, inside: Sequence[Any], since_ms: int, now_ms: int
) -> dict[_Whose, int]:
    """When somebody was met or spoken to last."""
    last = func.max(VISIT.c.visited_at_ms).label("at_ms")
    wanted = (
        select(VISIT.c.home, VISIT.c.service_user, last)
        .join(HOME, HOME.c.id == VISIT.c.home)
        .where(VISIT.c.met.is_(True), *_span(inside, since_ms, now_ms))
        .group_by(VISIT.c.home, VISIT.c.service_user)
    )
    return {(r["home"], r["service_user"]): int(r["at_ms"]) for r in rows(connection, wanted)}


def _in_vain(
    connection: Connection, inside: Sequence[Any], since_ms: int, now_ms: int
) -> dict[_Whose, list[Row]]:
    columns = ("id", "home", "service_user", "way", "visitor", "visited_at_ms")
    wanted = (
        select(*(VISIT.c[name] for name in columns))
        .join(HOME, HOME.c.id == VISIT.c.home)
        .where(VISIT.c.met.is_(False), *_span(inside, since_ms, now_ms))
        .order_by(VISIT.c.visited_at_ms, VISIT.c.id)
    )
    found: dict[_Whose, list[Row]] = {}
    for row in rows(connection, wanted):
        found.setdefault((row["home"], row["service_user"]), []).append(row)
    return found


def _failed(connection: Connection, now_ms: int) -> dict[str, list[tuple[str, Row]]]:
    """By person, contacts of the register of whom the last thing sent did not arrive."""
    wanted = (
        select(OUTBOX.c.recipient, OUTBOX.c.state, OUTBOX.c.channel, OUTBOX.c.created_at_ms)
        .where(
            OUTBOX.c.recipient.startswith(CONTACT, autoescape=True),
            OUTBOX.c.state.in_(_ENDED),
            OUTBOX.c.created_at_ms >= now_ms - FAILED_WITHIN_MS,
        )
        .order_by(OUTBOX.c.created_at_ms, OUTBOX.c.id)
    )
    last = {row["recipient"]: row for row in rows(connection, wanted)}
    bad = {key: row for key, row in last.items() if row["state"] != "delivered"}
    names = names_in_register(connection, set(bad))
    found: dict[str, list[tuple[str, Row]]] = {}
    for key, row in bad.items():
        person = key.removeprefix(CONTACT).rpartition("/")[0]
        # A contact that is not in the register any more is nobody's trouble.
        if key in names:
            found.setdefault(person, []).append((names[key], row))
    return found


def _tasks(connection: Connection, inside: Sequence[Any]) -> dict[str, Row]:
    """By home the next live task that takes somebody there."""
    columns = ("id", "home", "kind", "due_at_ms", "assignee")
    wanted = (
        select(*(TASK.c[name] for name in columns))
        .join(HOME, HOME.c.id == TASK.c.home)
        .where(TASK.c.state.in_(_LIVE_TASKS), TASK.c.kind != "repair", *inside)
        .order_by(TASK.c.due_at_ms.desc(), TASK.c.number.desc())
    )
    return {row["home"]: row for row in rows(connection, wanted)}


def reason_counts(found: Iterable[Unreachable]) -> dict[str, int]:
    counts = dict.fromkeys(REASONS, 0)
    for one in found:
        for reason in one.reasons:
            counts[reason] += 1
    return counts


def unreachable_object(one: Unreachable, of: UnreachableList, now_ms: int) -> Document:
    row = one.row
    last = one.attempts[-1] if one.attempts else None
    task = of.tasks.get(row["home"])
    stay = of.stays.get((row["home"], row["id"])) or of.stays.get((row["home"], None))
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
        "reasons": one.reasons,
        "met_at": instant(one.met_ms),
        "attempts": len(one.attempts),
        "last_attempt": None
        if last is None
        else {
            "visit": last["id"],
            "way": last["way"],
            "at": instant(last["visited_at_ms"]),
            "by": account_reference(last["visitor"], of.roster),
        },
        "contacts_failed": [
            {"name": name, "channel": sent["channel"], "at": instant(sent["created_at_ms"])}
            for name, sent in one.failed
        ],
        "life": of.lives.get(row["home"], "unknown"),
        # As in all lists: what the rule thinks may be of before.
        "heard": of.heard.get(row["home"]),
        "dark": row["region"] in of.dark,
        "stay": None
        if stay is None
        else {"kind": stay["kind"], "until": instant(stay["until_ms"])},
        "task": None
        if task is None
        else {
            "id": task["id"],
            "kind": task["kind"],
            "due_at": instant(task["due_at_ms"]),
            "assignee": account_reference(task["assignee"], of.roster),
        },
    }
