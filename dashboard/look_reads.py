"""Who saw a person's file, in words that she understands: what the trail says, told by the day.

One line for each day, each who looked and each thing that was looked at: who looked ten times on a
morning did one thing. Boards that stand open are not told apart from what is looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from dashboard.audit_reads import Asked, trail
from dashboard.audit_words import kind_of
from dashboard.reads import Row, roster_for
from ledger.documents.looks import Look
from ledger.documents.sheets import local
from ledger.views import Document
from rules.local_time import DAY_MS

# The trail is kept for good; who asks wants to know of the last half year, the law's own measure
# for logs (Cybersecurity Law, article 21).
DAYS_DEFAULT: Final = 183
DAYS_MAX: Final = 3660
# Rows of the trail that are read for one sheet; a person's file has some twenty a week.
ROWS_READ_MAX: Final = 20_000
# What was looked at, by what the trail calls it: the words are in `ledger/documents/looks.py`.
_THING: Final[Mapping[str, str]] = {
    **dict.fromkeys(("person", "tier", "family_links"), "file"),
    **dict.fromkeys(("home", "label", "stays"), "home"),
    **dict.fromkeys(("visit", "visits"), "visit"),
    **dict.fromkeys(("alarm", "sheet"), "alarm"),
    **dict.fromkeys(("task", "card"), "task"),
    **dict.fromkeys(("month", "vitals", "readings"), "life"),
    **dict.fromkeys(("care", "money", "referral", "referrals"), "care"),
    "family": "family",
}
_HISTORY: Final = frozenset({"look", "out", "change"})
# Reasons that somebody typed, and whether a photo was looked at, are hers to know.
_BY_NAME: Final = frozenset({"revealed", "opened_contact", "printed", "exported"})
_SAID: Final = frozenset({"revealed", "opened_contact"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The newest day first. `rows`: how many rows of the trail they are made of; `cut`: there are
    older ones within these days that were not read."""

    looks: Sequence[Look]
    rows: int
    people: int
    cut: bool


def looks_of(connection: Connection, person: str, now_ms: int, days: int) -> Looks:
    asked = Asked(person=person, from_ms=now_ms - days * DAY_MS)
    found = trail(connection, asked, ROWS_READ_MAX)
    cut = len(found) > ROWS_READ_MAX
    told = [
        row for row in found[:ROWS_READ_MAX] if kind_of(row["action"], row["object"]) in _HISTORY
    ]
    accounts = roster_for(connection, usernames={row["actor"] for row in told}).accounts
    grouped: dict[tuple[str, ...], list[Row]] = {}
    for row in told:
        kind = kind_of(row["action"], row["object"])
        thing = _THING.get(row["object"].partition(":")[0], "file")
        said = row["detail"] if row["action"] in _SAID else ""
        act = row["action"] if row["action"] in _BY_NAME else kind
        day = f"{local(row['at_ms']):%Y-%m-%d}"
        grouped.setdefault((day, row["actor"], act, thing, said), []).append(row)
    looks = [
        Look(
            day=day,
            last_ms=max(row["at_ms"] for row in rows),
            who=_who(actor, thing, rows, accounts),
            role="family" if thing == "family" else _role(actor, accounts),
            act=act,
            thing=thing,
            times=len(rows),
            said=said,
        )
        for (day, actor, act, thing, said), rows in grouped.items()
    ]
    # Who looked last first, with all that she did on that day together.
    latest: dict[tuple[str, str], int] = {}
    for look in looks:
        key = (look.day, look.who)
        latest[key] = max(latest.get(key, 0), look.last_ms)
    looks.sort(
        key=lambda look: (look.day, latest[look.day, look.who], look.who, look.last_ms),
        reverse=True,
    )
    staff = {look.who for look in looks if look.role != "family"}
    return Looks(looks=looks, rows=len(told), people=len(staff), cut=cut)


def _who(actor: str, thing: str, rows: Sequence[Row], accounts: Mapping[str, Row]) -> str:
    """A name to be read; of the family the relation, which the link was made for."""
    if thing == "family":
        return str(rows[0]["detail"])
    account = accounts.get(actor)
    return actor if account is None else str(account["name"])


def _role(actor: str, accounts: Mapping[str, Row]) -> str:
    account = accounts.get(actor)
    return "" if account is None else str(account["role"])


def document_of(found: Looks, days: int) -> Document:
    return {
        "days": days,
        "times": sum(look.times for look in found.looks),
        "people": found.people,
        "more": found.cut,
        "items": [
            {
                "day": look.day,
                "who": look.who,
                "role": look.role,
                "act": look.act,
                "thing": look.thing,
                "times": look.times,
                "said": look.said,
            }
            for look in found.looks
        ],
    }
