"""How a region stands: visits owed and made in a week or month, by tier, village and visitor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from alarms.rota.days import iso_day
from dashboard.callers import Caller
from dashboard.plan_reads import Situation, read_situation
from dashboard.plan_views import closed_objects, frequency_object, tally_object
from dashboard.reads import Row, roster_for
from ledger.schema import HOME, SERVICE_USER
from ledger.views import Document
from ledger.visiting.periods import Period, tier_of
from ledger.visiting.said import CLOSED_DAYS_MAX
from ledger.visiting.states import Tally, needs_of, tally, total
from ledger.visiting.tiers import FREQUENCIES, Tier, judge_tier

G = TypeVar("G")
_TIERS: Final = tuple(FREQUENCIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The people of a region that somebody may see, by `names`; the situation has also the others
    of their visitors, without whom no plan is whole."""

    region: str
    names: Sequence[str]
    situation: Situation
    # What was added up already, by period: a report and the rows behind it ask for the same.
    added_up: dict[str, dict[str, Tally]] = field(default_factory=dict, compare=False)


def read_part(
    connection: Connection,
    now_ms: int,
    caller: Caller,
    region: str | None,
    window: Period,
    *,
    window_only: bool = False,
) -> Part:
    """`region` None: all that the caller may see. `window_only`: visits of the window alone are
    read, so nothing can be said of how people stand."""
    base = region or caller.region
    inside: ColumnElement[bool] = caller.visible(HOME.c.region)
    wanted = inside
    if base:
        inside = and_(inside, HOME.c.region.startswith(base, autoescape=True))
        visitors = select(SERVICE_USER.c.visitor).join(HOME, HOME.c.id == SERVICE_USER.c.home)
        visitors = visitors.where(inside, SERVICE_USER.c.visitor.is_not(None)).correlate(None)
        wanted = or_(inside, SERVICE_USER.c.visitor.in_(visitors))
    situation = read_situation(
        connection, now_ms, wanted, window.first, window.last, window_only=window_only
    )
    names = sorted(
        name
        for name, row in situation.rows.items()
        if caller.knows(row["region"], row["home"]) and row["region"].startswith(base)
    )
    return Part(region=base, names=names, situation=situation)


def summary(
    connection: Connection, part: Part, regions: Mapping[str, Row], wanted: Period
) -> Document:
    situation = part.situation
    under = below(regions, part.region)
    cells = _cells(part, wanted, under)
    by_region = _groups(cells, lambda cell: cell.region)
    by_visitor = _groups(cells, lambda cell: cell.visitor)
    roster = roster_for(connection, usernames=by_visitor)
    today = situation.today
    return {
        "period": wanted.key,
        "from": iso_day(wanted.first),
        "to": iso_day(wanted.last),
        "today": iso_day(today),
        "region": part.region,
        "look_from": iso_day(situation.book_began),
        **_figures(cells),
        "regions": [
            {
                "region": code,
                "name": regions[code]["name"] if code in regions else "",
                "level": regions[code]["level"] if code in regions else "",
                **_figures(its),
            }
            for code, its in by_region.items()
        ],
        "visitors": [
            {
                "username": username or None,
                "name": roster.accounts.get(username, {}).get("name", username),
                **_figures(its),
            }
            for username, its in by_visitor.items()
        ],
        "closed": closed_objects(situation.words, today, today + 2 * CLOSED_DAYS_MAX),
        "frequencies": {tier.value: frequency_object(tier) for tier in _TIERS},
    }


def tallies_of(part: Part, wanted: Period) -> dict[str, Tally]:
    """By person what was owed and made in a week or month."""
    if wanted.key not in part.added_up:
        part.added_up[wanted.key] = _added_up(part, wanted)
    return part.added_up[wanted.key]


def _added_up(part: Part, wanted: Period) -> dict[str, Tally]:
    situation = part.situation
    # Of what is over nothing is behind: it was made or missed.
    over = needs_of(wanted)[-1].last < situation.today > wanted.last
    base = {} if over else situation.base(wanted.first, wanted.last)
    return {
        name: tally(
            situation.people[name],
            situation.contacts.get(name, ()),
            wanted,
            situation.today,
            look_from=situation.book_began,
            base=base,
        )
        for name in part.names
    }


def tiers_of(part: Part, wanted: Period) -> dict[str, Tier]:
    """By person how often she is visited; of a past month the tier at its end."""
    situation = part.situation
    day = min(situation.today, wanted.last)
    return {
        name: tier_of(situation.people[name].spans, day) or judge_tier(situation.facts[name], day)
        for name in part.names
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """People of one region below, one visitor and one tier, together: every group of the summary
    is some cells."""

    region: str
    visitor: str
    tier: Tier
    sums: Tally


def _cells(part: Part, wanted: Period, under: Callable[[str], str]) -> list[_Cell]:
    tiers, tallies = tiers_of(part, wanted), tallies_of(part, wanted)
    found: dict[tuple[str, str, Tier], list[Tally]] = {}
    for name in part.names:
        row = part.situation.rows[name]
        cell = (under(row["region"]), row["visitor"] or "", tiers[name])
        found.setdefault(cell, []).append(tallies[name])
    return [
        _Cell(region=region, visitor=visitor, tier=tier, sums=total(figures))
        for (region, visitor, tier), figures in found.items()
    ]


def _figures(cells: Sequence[_Cell]) -> Document:
    by_tier = _groups(cells, lambda cell: cell.tier)
    return {
        "total": _sum(cells),
        "tiers": {tier.value: _sum(by_tier[tier]) for tier in _TIERS if tier in by_tier},
    }


def _sum(cells: Sequence[_Cell]) -> Document:
    return tally_object(total(cell.sums for cell in cells))


def _groups(cells: Sequence[_Cell], key: Callable[[_Cell], G]) -> dict[G, list[_Cell]]:
    found: dict[G, list[_Cell]] = {}
    for cell in cells:
        found.setdefault(key(cell), []).append(cell)
    return dict(sorted(found.items(), key=lambda pair: str(pair[0])))


def below(regions: Mapping[str, Row], base: str) -> Callable[[str], str]:
    """For a region the one just below `base` that it lies in, or itself. Nothing said: below the
    only region at the top, where there is one."""
    tops = [code for code, row in regions.items() if row["parent"] is None]
    top = base or (tops[0] if len(tops) == 1 else "")

    def below(code: str) -> str:
        found, above = code, regions.get(code)
        while above is not None and above["code"] != top:
            found = above["code"]
            above = regions.get(above["parent"] or "")
        return found

    return below
