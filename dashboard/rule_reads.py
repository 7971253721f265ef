"""Rules as documents: what was set by whom, how often they were right, what they find in shadow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, case, func, select

from alarms.lifecycle import SELF_CLOSING, Outcome
from contract.moment import to_iso
from dashboard.asked import DAY_MS
from dashboard.callers import Caller
from dashboard.reads import Row, rows
from dashboard.setting_reads import named
from ledger.rule_settings import setting_object
from ledger.schema import ALARM, DEVICE, HOME, RULE_SETTING, SERVICE_USER, SHADOW_FINDING
from ledger.views import Document

# How far back a rule's alarms are counted: a quarter of a year has its seasons' habits.
PRECISION_DAYS: Final = 90
# And of them how many lately.
RECENT_DAYS: Final = 30
# Devices named beside a rule: those that it was wrong about most often; on its own page also those
# that it was right about.
WORST_DEVICES: Final = 5
DEVICES_MAX: Final = 50

# What a closed alarm says of its rule. Somebody needed something, or nobody opened and somebody
# had to go: it was right to tell.
_REAL: Final = frozenset(
    {
        Outcome.REAL_EMERGENCY,
        Outcome.MEDICAL_ADVICE,
        Outcome.SOCIAL,
        Outcome.NO_ANSWER_VISITED,
    }
)
# The elder's own "I'm well" contradicts the doubt, though nobody was sent for nothing.
_FALSE: Final = frozenset({Outcome.ACCIDENTAL, Outcome.ANSWERED_WELL})
# About a person these are mistakes of the rule; about a thing they are what it was to find.
_OF_THINGS: Final = frozenset({Outcome.DEVICE_FAULT, Outcome.OUTAGE})

_COUNTS: Final = ("alarms", "real", "false", "other", "open")


def verdict(outcome: str | None, kind: str, severity: str) -> str:
    """`real`, `false`, `other` or `open`. `test` and `recovered` (it ended before anybody looked)
    say nothing about the rule."""
    if outcome is None:
        return "open"
    if outcome in _OF_THINGS:
        return "real" if kind in SELF_CLOSING or severity == "technical" else "false"
    if outcome in _REAL:
        return "real"
    return "false" if outcome in _FALSE else "other"


def rule_object(rule: Mapping[str, Any]) -> Document:
    """A rule of the county as everybody may see it."""
    return {key: value for key, value in rule.items() if key != "settings"}


def rule_documents(
    connection: Connection,
    rules: Sequence[Mapping[str, Any]],
    caller: Caller,
    now_ms: int,
    *,
    every_device: bool = False,
) -> list[Document]:
    """`GET rules` of docs/http.md for this caller."""
    numbers = {s["seq"] for rule in rules for s in rule["settings"]}
    said = select(RULE_SETTING).where(RULE_SETTING.c.seq.in_(numbers))
    written = {row["seq"]: row for row in rows(connection, said)} if numbers else {}
    shown = visible_scopes(connection, caller, {row["scope"] for row in written.values()})
    names = {rule["name"] for rule in rules}
    precision = _precision(connection, caller, names, now_ms, every_device=every_device)
    return [
        {
            **rule_object(rule),
            "settings": named(
                connection,
                [
                    {**setting_object(written[s["seq"]]), **s}
                    for s in rule["settings"]
                    if s["seq"] in written and s["scope"] in shown
                ],
            )
            if rule["settings"]
            else [],
            "precision": precision.get(rule["name"], _uncounted()),
            "shadow": _shadow(connection, caller, rule, written),
        }
        for rule in rules
    ]


# A region and a home of it.
Place = tuple[str, str]


def visible_scopes(connection: Connection, caller: Caller, scopes: Iterable[str]) -> set[str]:
    """Those of the scopes that the caller may know of. What is set for a home or person lies in
    its region and says something about people."""
    wide: set[str] = set()
    narrow: set[str] = set()
    for scope in scopes:
        (narrow if scope.startswith(("home:", "person:")) else wide).add(scope)
    if not narrow or "person.read" not in caller.can:
        return wide
    places = scope_places(connection, narrow)
    return wide | {s for s in narrow if _knows(caller, places.get(s))}


def _knows(caller: Caller, place: Place | None) -> bool:
    # Of a home that is gone nobody knows where it was.
    return caller.knows(*place) if place is not None else not caller.region


def scope_places(connection: Connection, scopes: Iterable[str]) -> dict[str, Place]:
    """By scope the region of its home, and the home; without those that don't exist."""
    ids: dict[str, set[str]] = {"home": set(), "person": set()}
    for scope in scopes:
        kind, _, about = scope.partition(":")
        if kind in ids:
            ids[kind].add(about)
    homes = select(HOME.c.id, HOME.c.region).where(HOME.c.id.in_(ids["home"]))
    persons = select(SERVICE_USER.c.id, HOME.c.region, SERVICE_USER.c.home).join(
        HOME, HOME.c.id == SERVICE_USER.c.home
    )
    persons = persons.where(SERVICE_USER.c.id.in_(ids["person"]))
    found = {f"home:{row['id']}": (row["region"], row["id"]) for row in rows(connection, homes)}
    return found | {
        f"person:{row['id']}": (row["region"], row["home"]) for row in rows(connection, persons)
    }


def _uncounted() -> Document:
    return {
        "days": PRECISION_DAYS,
        **dict.fromkeys(_COUNTS, 0),
        "recent": {"days": RECENT_DAYS, "alarms": 0},
        "by_outcome": {},
        "by_device": [],
    }


def _precision(
    connection: Connection, caller: Caller, names: set[str], now_ms: int, *, every_device: bool
) -> dict[str, Document]:
    columns = (ALARM.c.rule, ALARM.c.kind, ALARM.c.severity, ALARM.c.outcome)
    place = (ALARM.c.gateway, ALARM.c.device, DEVICE.c.label, DEVICE.c.home)
    recent = func.sum(case((ALARM.c.raised_at_ms >= now_ms - RECENT_DAYS * DAY_MS, 1), else_=0))
    counted = (
        select(*columns, *place, func.count().label("number"), recent.label("recent"))
        .select_from(ALARM)
        .join(
            DEVICE,
            and_(DEVICE.c.gateway == ALARM.c.gateway, DEVICE.c.device == ALARM.c.device),
            isouter=True,
        )
        .where(
            caller.visible(ALARM.c.region),
            ALARM.c.rule.in_(names),
            ALARM.c.raised_at_ms >= now_ms - PRECISION_DAYS * DAY_MS,
        )
        .group_by(*columns, *place)
    )
    found: dict[str, Document] = {}
    devices: dict[str, dict[tuple[str, str], Document]] = {}
    for row in rows(connection, counted):
        total = found.setdefault(row["rule"], _uncounted())
        word = verdict(row["outcome"], row["kind"], row["severity"])
        _add(total, word, row["number"])
        total["recent"]["alarms"] += row["recent"]
        if row["outcome"] is not None:
            outcomes = total["by_outcome"]
            outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + row["number"]
        if row["gateway"] is None or row["device"] is None:
            continue
        of_rule = devices.setdefault(row["rule"], {})
        key = (row["gateway"], row["device"])
        of_device = of_rule.setdefault(key, _of_device(row, caller))
        _add(of_device, word, row["number"])
    for rule, of_rule in devices.items():
        found[rule]["by_device"] = _worst(of_rule.values(), every_device)
    return found


def _of_device(row: Row, caller: Caller) -> Document:
    # What it is called tells who lives there.
    named = "address.read" in caller.can_at(row["home"])
    return {
        "gateway": row["gateway"],
        "device": row["device"],
        "label": (row["label"] if named else "") or row["device"],
        "alarms": 0,
        "real": 0,
        "false": 0,
    }


def _add(counts: Document, word: str, number: int) -> None:
    counts["alarms"] += number
    if word in counts:
        counts[word] += number


def _worst(devices: Iterable[Document], every_device: bool) -> list[Document]:
    shown = [device for device in devices if device["false"] or every_device]
    shown.sort(key=lambda d: (-d["false"], d["real"], -d["alarms"], d["gateway"], d["device"]))
    return shown[: DEVICES_MAX if every_device else WORST_DEVICES]


def _shadow(
    connection: Connection, caller: Caller, rule: Mapping[str, Any], written: Mapping[int, Row]
) -> Document:
    """What a rule has found since it is in shadow, within the caller's region."""
    since = [s["seq"] for s in rule["settings"] if s["mode"] == "shadow" and s["seq"] in written]
    if not since:
        return {"raised": 0, "since": None}
    since_ms = written[since[-1]]["at_ms"]
    raised = select(func.count()).where(
        SHADOW_FINDING.c.rule == rule["name"],
        SHADOW_FINDING.c.phase == "raised",
        SHADOW_FINDING.c.at_ms >= since_ms,
        caller.visible(SHADOW_FINDING.c.region),
    )
    return {"raised": connection.scalar(raised) or 0, "since": to_iso(since_ms)}


def shadow_object(row: Row, evidence: Any) -> Document:
    return {
        "seq": row["seq"],
        "at": to_iso(row["at_ms"]),
        "home": row["home"],
        "gateway": row["gateway"],
        "device": row["device"],
        "part": row["part"],
        "kind": row["kind"],
        "severity": row["severity"],
        "phase": row["phase"],
        "reason": row["reason"],
        "raised_at": to_iso(row["raised_at_ms"]),
        "episode": row["episode"],
        "evidence": evidence,
    }
