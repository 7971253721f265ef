"""Providers, referrals, log lines and money as JSON objects; documents of a page of rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from dashboard.person_reads import purpose_states
from dashboard.reads import Row, roster_for, rows
from ledger.care.agreement import PURPOSE
from ledger.care.money import MoneyState, add_up
from ledger.care.referral import MOVES, ReferralState
from ledger.schema import CARE_LINE, HOME, MONEY_LINE, PROVIDER, REFERRAL, SERVICE_USER
from ledger.views import Document, RosterIndex, account_reference, instant
from ledger.visiting.days import date_of
from rules.local_time import day_of


def provider_object(row: Row) -> Document:
    return {
        "id": row["id"],
        "name": row["name"],
        "kind": row["kind"],
        "services": json.loads(row["services"]),
        "regions": json.loads(row["regions"]),
        "contact": row["contact"],
        "phone": row["phone"],
        "licence": row["licence"],
        "licence_until": row["licence_until"] or None,
        "note": row["note"],
        "active": bool(row["active"]),
    }


def referral_documents(connection: Connection, found: Sequence[Row], now_ms: int) -> list[Document]:
    """With how the person's consent to referrals stands today: before anybody tries to send one."""
    people = _people(connection, (row["person"] for row in found))
    providers = _providers(connection, (row["provider"] for row in found))
    roster = roster_for(connection, usernames=(row["created_by"] for row in found))
    today = date_of(day_of(now_ms)).isoformat()
    said = purpose_states(connection, sorted({row["person"] for row in found}), PURPOSE, today)
    return [
        {
            **_referral(row, people, providers, roster, now_ms),
            "consent": said.get(row["person"], "unasked"),
        }
        for row in found
    ]


def _referral(
    row: Row,
    people: Mapping[str, Row],
    providers: Mapping[str, str],
    roster: RosterIndex,
    now_ms: int,
) -> Document:
    person = people.get(row["person"])
    return {
        "id": row["id"],
        "number": row["number"],
        "person": row["person"],
        "person_name": None if person is None else person["name"],
        "home": None if person is None else person["home"],
        "region": row["region"],
        "service": row["service"],
        "need": row["need"],
        "state": row["state"],
        "version": row["version"],
        "provider": row["provider"],
        "provider_name": providers.get(row["provider"] or ""),
        "visit": row["visit"],
        "created_at": instant(row["created_at_ms"]),
        "created_by": account_reference(row["created_by"], roster),
        "agreed_by": row["agreed_by"],
        "agreed_name": row["agreed_name"],
        "agreed_at": instant(row["agreed_at_ms"]),
        "sent_at": instant(row["sent_at_ms"]),
        "accepted_at": instant(row["accepted_at_ms"]),
        "began_at": instant(row["began_at_ms"]),
        "ended_at": instant(row["ended_at_ms"]),
        "outcome": row["outcome"],
        "note": row["note"],
        "look_at": instant(row["look_at_ms"]),
        "overdue": row["look_at_ms"] is not None and row["look_at_ms"] <= now_ms,
        "moves": [move.value for move in MOVES[ReferralState(row["state"])]],
    }


def line_documents(connection: Connection, found: Sequence[Row]) -> list[Document]:
    people = _people(connection, (row["person"] for row in found))
    providers = _providers(connection, (row["provider"] for row in found))
    newer = _replaced(connection, CARE_LINE, [row["id"] for row in found])
    roster = roster_for(connection, usernames=(row["recorded_by"] for row in found))
    return [
        {
            "id": row["id"],
            "person": row["person"],
            "person_name": people[row["person"]]["name"] if row["person"] in people else None,
            "service": row["service"],
            "items": json.loads(row["items"]),
            "provider": row["provider"],
            "provider_name": providers.get(row["provider"] or ""),
            "referral": row["referral"],
            "who": row["who"],
            "served_at": instant(row["served_at_ms"]),
            "minutes": row["minutes"],
            "cost_fen": row["cost_fen"],
            "note": row["note"],
            "recorded_at": instant(row["recorded_at_ms"]),
            "recorded_by": account_reference(row["recorded_by"], roster),
            "replaces": row["replaces"],
            "replaced_by": newer.get(row["id"]),
            "why": row["why"],
            "void": bool(row["void"]),
        }
        for row in found
    ]


def money_documents(connection: Connection, found: Sequence[Row]) -> list[Document]:
    newer = _replaced(connection, MONEY_LINE, [row["id"] for row in found])
    roster = roster_for(connection, usernames=(row["by"] for row in found))
    return [
        {
            "id": row["id"],
            "year": row["year"],
            "region": row["region"],
            "kind": row["kind"],
            "amount_fen": row["amount_fen"],
            "what": row["what"],
            "at": instant(row["at_ms"]),
            "by": account_reference(row["by"], roster),
            "replaces": row["replaces"],
            "replaced_by": newer.get(row["id"]),
            "why": row["why"],
        }
        for row in found
    ]


def money_state(
    connection: Connection, region: str, year: int, span_ms: tuple[int, int]
) -> MoneyState:
    """Of everything below `region`; `span_ms` is the year in the county's time. Persons are those
    of the register now. What care lines cost was spent."""
    below = MONEY_LINE.c.region.startswith(region, autoescape=True)
    lines = rows(
        connection,
        select(MONEY_LINE.c.kind, MONEY_LINE.c.amount_fen).where(
            MONEY_LINE.c.year == year, below, counts(MONEY_LINE)
        ),
    )
    served = select(func.coalesce(func.sum(CARE_LINE.c.cost_fen), 0)).where(
        CARE_LINE.c.served_at_ms >= span_ms[0],
        CARE_LINE.c.served_at_ms < span_ms[1],
        CARE_LINE.c.region.startswith(region, autoescape=True),
        *served_lines(),
    )
    persons = (
        select(func.count())
        .select_from(SERVICE_USER.join(HOME, HOME.c.id == SERVICE_USER.c.home))
        .where(HOME.c.region.startswith(region, autoescape=True), SERVICE_USER.c.left_on == "")
    )
    spent = [row["amount_fen"] for row in lines if row["kind"] == "spent"]
    return add_up(
        connection.scalar(persons) or 0,
        (row["amount_fen"] for row in lines if row["kind"] == "granted"),
        [*spent, int(connection.scalar(served) or 0)],
    )


def counts(table: Any) -> ColumnElement[bool]:
    """Lines that nothing has replaced."""
    newer = table.alias()
    return ~exists(select(newer.c.id).where(and_(newer.c.replaces == table.c.id)))


def served_lines() -> tuple[ColumnElement[bool], ...]:
    """Conditions of a care line that counts: neither replaced nor taken back."""
    return counts(CARE_LINE), CARE_LINE.c.void.is_(False)


def _replaced(connection: Connection, table: Any, lines: Sequence[str]) -> dict[str, str]:
    if not lines:
        return {}
    wanted = select(table.c.replaces, table.c.id).where(table.c.replaces.in_(lines))
    return {row[0]: row[1] for row in connection.execute(wanted)}


def _people(connection: Connection, persons: Iterable[str]) -> dict[str, Row]:
    wanted = select(SERVICE_USER.c.id, SERVICE_USER.c.name, SERVICE_USER.c.home)
    found = rows(connection, wanted.where(SERVICE_USER.c.id.in_(set(persons))))
    return {row["id"]: row for row in found}


def _providers(connection: Connection, providers: Iterable[str | None]) -> dict[str, str]:
    wanted = select(PROVIDER.c.id, PROVIDER.c.name)
    named = {provider for provider in providers if provider}
    return {r["id"]: r["name"] for r in rows(connection, wanted.where(PROVIDER.c.id.in_(named)))}


def find_referral(connection: Connection, referral: str) -> Row | None:
    found = rows(connection, select(REFERRAL).where(REFERRAL.c.id == referral))
    return found[0] if found else None
