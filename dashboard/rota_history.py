"""What was said of a rota: who changed what, when and why, and what had been said before."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from alarms.rota.days import Calendar, DayKind, day_number, iso_day
from alarms.rota.model import clock_text
from contract.moment import to_iso
from dashboard.reads import Row, rows
from dashboard.rota_reads import Names, day_object, person
from ledger.schema import ROTA_FACT
from ledger.views import Document

# What a swap writes as the reason of the shifts that it changes (alarms/rota/book.py).
_BY_SWAP: Final = re.compile(r"swap [0-9a-f-]{36}\Z")


def facts_before(
    connection: Connection, of: ColumnElement[bool], before: int | None, limit: int
) -> list[Row]:
    """The newest facts, each with the number of the one that it took the place of."""
    former = ROTA_FACT.alias()
    number = (
        select(func.max(former.c.seq))
        .where(
            former.c.kind == ROTA_FACT.c.kind,
            former.c.key == ROTA_FACT.c.key,
            former.c.seq < ROTA_FACT.c.seq,
        )
        .scalar_subquery()
        .label("former")
    )
    wanted = select(ROTA_FACT, number).where(of)
    if before is not None:
        wanted = wanted.where(ROTA_FACT.c.seq < before)
    return rows(connection, wanted.order_by(ROTA_FACT.c.seq.desc()).limit(limit))


def fact_objects(connection: Connection, found: Sequence[Row], names: Names) -> list[Document]:
    numbers = {row["former"] for row in found if row["former"] is not None}
    wanted = select(ROTA_FACT.c.seq, ROTA_FACT.c.kind, ROTA_FACT.c.body)
    former = {
        row["seq"]: row for row in rows(connection, wanted.where(ROTA_FACT.c.seq.in_(numbers)))
    }
    return [fact_object(row, former.get(row["former"]), names) for row in found]


def fact_object(row: Row, former: Row | None, names: Names) -> Document:
    """`said` is what counts since, `before` what was said of the same thing until then."""
    return {
        "seq": row["seq"],
        "at": to_iso(row["at_ms"]),
        "kind": row["kind"],
        "key": row["key"],
        "desk": row["desk"],
        "actor": person(row["actor"], names),
        "reason": row["reason"],
        "by_swap": row["kind"] == "shift" and bool(_BY_SWAP.match(row["reason"])),
        "said": _said(row, names),
        "before": None if former is None else _said(former, names),
    }


def days_entered(connection: Connection, year: int) -> dict[str, Row]:
    """By date the fact that holds of it."""
    wanted = select(ROTA_FACT).where(
        ROTA_FACT.c.kind == "day", ROTA_FACT.c.key.between(f"{year}-01-01", f"{year}-12-31")
    )
    return {row["key"]: row for row in rows(connection, wanted.order_by(ROTA_FACT.c.seq))}


def year_object(
    year: int, calendar: Calendar, entered: Mapping[str, Row], names: Names
) -> Document:
    """The days of a year that are not as any other: rest days with a name, working weekends, and
    whatever the county has entered."""
    first, last = day_number(f"{year}-01-01"), day_number(f"{year}-12-31")
    return {
        "year": year,
        "known": calendar.known(first),
        "announced_until": iso_day(calendar.announced_until()),
        "items": [
            {
                **day_object(day, calendar.kind(day)),
                **_own(calendar.without_own(day), entered[iso_day(day)], names),
            }
            if day in calendar.own
            else {**day_object(day, calendar.kind(day)), "entered": None, "otherwise": None}
            for day in range(first, last + 1)
            if day in calendar.own or calendar.kind(day).name
        ],
    }


def _own(plain: DayKind, row: Row, names: Names) -> Document:
    """Who entered a day, and how it would be otherwise."""
    return {
        "entered": {
            "by": person(row["actor"], names),
            "at": to_iso(row["at_ms"]),
            "reason": row["reason"],
        },
        "otherwise": {"working": plain.working, "name": plain.name},
    }


def _said(row: Row, names: Names) -> Document:
    body: dict[str, Any] = json.loads(row["body"])
    match row["kind"]:
        case "shift":
            return _shift(body, names)
        case "swap":
            who = {key: person(body[key], names) for key in ("asker", "other")}
            # What the one wrote to the other is for those two and who decides (`GET rota/swaps`).
            return {**who, **{key: body[key] for key in ("given", "taken", "state")}}
        case "day":
            return {"working": body.get("working"), "name": body.get("name", "")}
        case "pattern":
            hours = [
                {"name": name, "start": clock_text(start), "end": clock_text(start + length)}
                for name, start, length in body["hours"]
            ]
            return {"from": body["from"], "until": body["until"], "shifts": hours}
        case "desk":
            return {key: body[key] for key in ("name", "seats", "always", "closed")}
    # Why and until when somebody is away is not for everybody who sees a desk.
    return {}


def _shift(body: dict[str, Any], names: Names) -> Document:
    """`people` null: there is no such shift; `as_planned`: it is as its pattern has it."""
    people, start = body.get("people"), body.get("start_min")
    return {
        "as_planned": bool(body.get("unchanged")),
        "people": None if people is None else [person(one, names) for one in people],
        "start": None if start is None else clock_text(start),
        "end": None if start is None else clock_text(start + body["length_min"]),
    }
