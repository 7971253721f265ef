"""A sheet of figures: how many rows belong to each. A row says itself which figures it is in, so a
figure and the rows behind it can never differ. Pure.

A figure is `group` and `word`: `("way", "home_visit")`, `("satisfaction", "dissatisfied")`.
"""

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from ledger.forms.services import SERVICE_BY_NUMBER
from ledger.forms.visit_form import QUESTIONS, SATISFACTION
from ledger.visiting.days import date_of

Row = Mapping[str, Any]
Figure = tuple[str, str]
Sheet = Counter[Figure]
Subject = Literal["person", "visit", "alarm", "referral", "care"]

# 高龄: 80 and older (thresholds of the notice's tiers).
HIGH_AGE_YEARS: Final = 80
_SAFETY: Final = tuple(q.field for q in QUESTIONS if q.field.endswith("_safety"))
_SATISFACTIONS: Final = SATISFACTION.words
_WORSE: Final = tuple(q.field for q in QUESTIONS if "worse" in q.words)


def figures_of(subject: Subject, row: Row, day: int) -> list[Figure]:
    """The figures that a row is counted in. `day`: the last of the period, for ages."""
    if subject == "person":
        return _person(row, day)
    if subject == "visit":
        return _visit(row)
    if subject == "alarm":
        return _alarm(row)
    if subject == "referral":
        return _referral(row)
    return _care(row)


def add_up(subject: Subject, rows: Iterable[Row], day: int) -> Sheet:
    sheet: Sheet = Counter()
    for row in rows:
        sheet.update(figures_of(subject, row, day))
    return sheet


def _person(row: Row, day: int) -> list[Figure]:
    """`here`: in the service on the last day; `changes`: what happened to her within the period."""
    changes = [("change", word) for word in row["changes"]]
    if not row["here"]:
        return changes
    found = [*changes, ("people", "all"), ("grade", row["grade"] or "unknown")]
    categories = json.loads(row["categories"])
    found += [("category", category) for category in categories] or [("category", "none")]
    age = age_on(row["born"], day)
    if age is None:
        found.append(("people", "age_unknown"))
    elif age >= HIGH_AGE_YEARS:
        found.append(("people", "high_age"))
    if not row["visitor"]:
        found.append(("people", "no_visitor"))
    return found


# What the dates on file say of the end of a past month; the rest of the register is today's.
_DATED: Final = frozenset({("people", "all"), ("people", "high_age")})


def is_dated(figure: Figure) -> bool:
    """Whether a figure of people is known of past months too: by when they joined, left and were
    born."""
    return figure in _DATED or figure[0] == "change"


def age_on(born: str, day: int) -> int | None:
    try:
        birthday = datetime.date.fromisoformat(born)
    except ValueError:
        return None
    today = date_of(day)
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))


def _visit(row: Row) -> list[Figure]:
    """What was voided or told twice is in no figure but its own."""
    if row["voided_at_ms"] is not None:
        return [("contacts", "voided")]
    if row["duplicate_of"] is not None:
        return [("contacts", "duplicate")]
    found = [("contacts", "all"), ("way", row["way"]), ("visit_kind", row["kind"])]
    if not row["met"]:
        return [*found, ("contacts", "nobody_met")]
    record = json.loads(row["record"])
    services = [n for n in record.get("services") or () if n in SERVICE_BY_NUMBER]
    found += [("service", str(number)) for number in services]
    if row["way"] == "home_visit":
        found.append(("contacts", "met_at_home"))
        if services:
            found.append(("contacts", "with_service"))
    if record.get("satisfaction") in _SATISFACTIONS:
        found.append(("satisfaction", record["satisfaction"]))
    found += [("unsafe", field) for field in _SAFETY if record.get(field) == "unsafe"]
    found += [("worse", field) for field in _WORSE if record.get(field) == "worse"]
    if record.get("illness") == "serious":
        found.append(("worse", "illness"))
    if record.get("needs"):
        found.append(("contacts", "needs"))
    return found


def _alarm(row: Row) -> list[Figure]:
    found = [
        ("alarms", "all"),
        ("severity", row["severity"]),
        ("rule", row["rule"]),
        ("outcome", row["outcome"] or ("open" if row["state"] != "closed" else "none")),
    ]
    if row["outcome"]:
        found.append(("rule_outcome", f"{row['rule']}/{row['outcome']}"))
    return found


def _referral(row: Row) -> list[Figure]:
    """Those that were made in the period, by what has become of them."""
    found = [("referrals", "all"), ("referral_state", row["state"])]
    found.append(("referral_service", row["service"]))
    if row["outcome"]:
        found.append(("referral_outcome", row["outcome"]))
    return found


def _care(row: Row) -> list[Figure]:
    return [("care", "all"), ("care_service", row["service"])]


def as_document(sheet: Sheet) -> dict[str, dict[str, int]]:
    """By group and word, in order, so that two sheets that are alike are alike as text."""
    document: dict[str, dict[str, int]] = {}
    for (group, word), number in sorted(sheet.items()):
        document.setdefault(group, {})[word] = number
    return document
