"""Of whom a figure of visits owed and made consists: people, each with what is counted of her."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from dashboard.plan_reads import Situation
from dashboard.plan_summary import tallies_of, tiers_of
from dashboard.plan_views import person_reference, tally_object
from dashboard.reads import roster_for
from dashboard.report_reads import Asked, Months
from ledger.views import Document, account_reference
from ledger.visiting.states import Tally, total

_NOTHING: Final = Tally()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One person in a span; `tier` is that of its last month."""

    person: str
    tier: str
    tally: Tally
    situation: Situation


def people_behind(
    connection: Connection, now_ms: int, asked: Asked, figure: str, tier: str | None = None
) -> list[Counted]:
    """Those of whom something is in the figure, the most first. `figure`: a name of `Tally`."""
    every = counted(asked, Months(connection, now_ms, asked))
    found = [one for one in every if getattr(one.tally, figure) > 0]
    if tier:
        found = [one for one in found if one.tier == tier]
    return sorted(found, key=lambda one: (-getattr(one.tally, figure), one.person))


def counted(asked: Asked, months_read: Months) -> list[Counted]:
    """Everybody of a region, in the order of their ids; months are added up."""
    parts = [months_read.part(month) for month in asked.span.months]
    months = [tallies_of(p, m) for p, m in zip(parts, asked.span.months, strict=True)]
    last, tiers = parts[-1], tiers_of(parts[-1], asked.span.months[-1])
    return [
        Counted(
            person=name,
            tier=tiers[name].value,
            tally=_one(total(month.get(name, _NOTHING) for month in months)),
            situation=last.situation,
        )
        for name in last.names
    ]


def _one(several: Tally) -> Tally:
    """Of several months: nobody is two people."""
    short = min(1, several.people_short)
    return replace(several, people=min(1, several.people), people_short=short)


def people_documents(
    connection: Connection, found: Sequence[Counted], can: frozenset[str]
) -> list[Document]:
    if not found:
        return []
    lines = found[0].situation.rows
    roster = roster_for(
        connection,
        homes=(lines[one.person]["home"] for one in found),
        usernames={lines[one.person]["visitor"] for one in found},
    )
    return [
        {
            **person_reference(one.situation, roster, one.person, can),
            "tier": one.tier,
            "visitor": account_reference(lines[one.person]["visitor"], roster),
            **tally_object(one.tally),
        }
        for one in found
    ]
