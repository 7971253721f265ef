"""What care adds up to: the log of services by item, service and provider; a year's money by region
and by person."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select

from dashboard.callers import Caller
from dashboard.care_reads import counts, served_lines
from dashboard.plan_summary import below
from dashboard.reads import Row, rows
from ledger.care.money import YEAR_FEN, MoneyState, add_up
from ledger.schema import CARE_LINE, HOME, MONEY_LINE, PROVIDER, REGION, SERVICE_USER
from ledger.views import Document, age_years, roster_index

_SUMS: Final = ("count", "minutes", "cost_fen")


def sum_of_lines(connection: Connection, conditions: Sequence[Any]) -> Document:
    """Of lines that count: by item of annex 2, by service, by provider. A line with several items
    is one line of each of them; its minutes and cost are told once, by service and provider."""
    wanted = select(
        CARE_LINE.c.service,
        CARE_LINE.c["items"],
        CARE_LINE.c.provider,
        CARE_LINE.c.minutes,
        CARE_LINE.c.cost_fen,
    ).where(*conditions, *served_lines())
    items: Counter[int] = Counter()
    services: dict[str, Counter[str]] = {}
    providers: dict[str, Counter[str]] = {}
    whole: Counter[str] = Counter()
    for row in rows(connection, wanted):
        items.update(json.loads(row["items"]))
        line = {"count": 1, "minutes": row["minutes"] or 0, "cost_fen": row["cost_fen"]}
        whole.update(line)
        services.setdefault(row["service"], Counter()).update(line)
        providers.setdefault(row["provider"] or "", Counter()).update(line)
    named = select(PROVIDER.c.id, PROVIDER.c.name).where(PROVIDER.c.id.in_(providers))
    names = {row["id"]: row["name"] for row in rows(connection, named)}
    return {
        **_sums(whole),
        "items": [{"item": item, "count": count} for item, count in sorted(items.items())],
        "services": [{"service": word, **_sums(sums)} for word, sums in sorted(services.items())],
        "providers": [
            {"provider": key or None, "provider_name": names.get(key), **_sums(sums)}
            for key, sums in sorted(
                providers.items(), key=lambda pair: (-pair[1]["cost_fen"], pair[0])
            )
        ],
    }


def _sums(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: sums.get(name, 0) for name in _SUMS}


def money_by_region(
    connection: Connection, base: str, year: int, span_ms: tuple[int, int]
) -> list[Document]:
    """A year of each region right below `base`; what is said for `base` itself is its own row."""
    regions = {row["code"]: row for row in rows(connection, select(REGION))}
    under = below(regions, base)
    persons: Counter[str] = Counter()
    granted: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for row in _counted_persons(connection, base):
        persons[under(row["region"])] += row["persons"]
    for row in _money_lines(connection, base, year):
        (granted if row["kind"] == "granted" else spent)[under(row["region"])] += row["fen"]
    for row in _served(connection, base, span_ms):
        spent[under(row["region"])] += row["fen"]
    return [
        {
            "region": code,
            "name": regions[code]["name"] if code in regions else "",
            "level": regions[code]["level"] if code in regions else "",
            **money_object(add_up(persons[code], [granted[code]], [spent[code]])),
        }
        for code in sorted({*persons, *granted, *spent})
    ]


def money_object(state: MoneyState) -> Document:
    return {
        "persons": state.persons,
        "needed_fen": state.needed_fen,
        "granted_fen": state.granted_fen,
        "spent_fen": state.spent_fen,
        "left_fen": state.left_fen,
        "short_fen": state.short_fen,
    }


def _counted_persons(connection: Connection, base: str) -> list[Row]:
    wanted = (
        select(HOME.c.region, func.count().label("persons"))
        .join(SERVICE_USER, SERVICE_USER.c.home == HOME.c.id)
        .where(HOME.c.region.startswith(base, autoescape=True), SERVICE_USER.c.left_on == "")
    )
    return rows(connection, wanted.group_by(HOME.c.region))


def _money_lines(connection: Connection, base: str, year: int) -> list[Row]:
    wanted = select(
        MONEY_LINE.c.region, MONEY_LINE.c.kind, func.sum(MONEY_LINE.c.amount_fen).label("fen")
    ).where(
        MONEY_LINE.c.year == year,
        MONEY_LINE.c.region.startswith(base, autoescape=True),
        counts(MONEY_LINE),
    )
    found = rows(connection, wanted.group_by(MONEY_LINE.c.region, MONEY_LINE.c.kind))
    return [{**row, "fen": int(row["fen"])} for row in found]


def _served(connection: Connection, base: str, span_ms: tuple[int, int]) -> list[Row]:
    wanted = select(CARE_LINE.c.region, func.sum(CARE_LINE.c.cost_fen).label("fen")).where(
        *_in_year(span_ms), CARE_LINE.c.region.startswith(base, autoescape=True)
    )
    found = rows(connection, wanted.group_by(CARE_LINE.c.region))
    return [{**row, "fen": int(row["fen"])} for row in found]


def _in_year(span_ms: tuple[int, int]) -> tuple[Any, ...]:
    at = CARE_LINE.c.served_at_ms
    return at >= span_ms[0], at < span_ms[1], *served_lines()


def money_by_person(
    connection: Connection, caller: Caller, base: str, span_ms: tuple[int, int], now_ms: int
) -> list[Document]:
    """What a year's services cost for each person, the dearest first, beside 800 yuan. Who got
    nothing is among them, for the money is meant for everybody; who has left, if something was
    used."""
    spent = (
        select(CARE_LINE.c.person, func.sum(CARE_LINE.c.cost_fen).label("fen"))
        .where(*_in_year(span_ms))
        .group_by(CARE_LINE.c.person)
    )
    used = {row["person"]: int(row["fen"]) for row in rows(connection, spent)}
    people = (
        select(SERVICE_USER.c.id, SERVICE_USER.c.name, SERVICE_USER.c.born, SERVICE_USER.c.left_on)
        .add_columns(HOME.c.region)
        .join(HOME, HOME.c.id == SERVICE_USER.c.home)
        .where(
            caller.known(HOME.c.region, HOME.c.id), HOME.c.region.startswith(base, autoescape=True)
        )
    )
    roster = roster_index(regions=rows(connection, select(REGION)))
    found = [
        {
            "service_user": row["id"],
            "person": {
                "id": row["id"],
                "name": row["name"],
                "age": age_years(row["born"], now_ms),
            },
            "region": row["region"],
            "region_path": roster.region_path(row["region"]),
            "planned_fen": YEAR_FEN,
            "used_fen": used.get(row["id"], 0),
            "left_fen": YEAR_FEN - used.get(row["id"], 0),
        }
        for row in rows(connection, people)
        if not row["left_on"] or row["id"] in used
    ]
    return sorted(found, key=lambda one: (-one["used_fen"], one["service_user"]))
