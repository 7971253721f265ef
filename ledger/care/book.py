"""Providers, referrals, care lines and money in the book. In the writer's thread.

Everything said is an entry (topics `provider`, `referral`, `care`, `money`); rows are what they add
up to. Lines are never changed: a correction is a line that replaces one, once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean

from ledger.care.referral import (
    ANSWER_WITHIN_DAYS,
    LOOK_AGAIN_DAYS,
    AgreedBy,
    IllegalReferral,
    ReferralMove,
    ReferralOutcome,
    ReferralState,
    after,
)
from ledger.database import insert_sql
from ledger.schema import CARE_LINE, MONEY_LINE, PROVIDER, REFERRAL
from ledger.unit_of_work import Entry, UnitOfWork, compact

Row = dict[str, Any]

DAY_MS: Final = 86_400_000
# Facts that a move is told by.
_FACTS: Final[Mapping[ReferralMove, str]] = {
    ReferralMove.SEND: "sent",
    ReferralMove.ACCEPT: "accepted",
    ReferralMove.DECLINE: "declined",
    ReferralMove.BEGIN: "began",
    ReferralMove.END: "ended",
    ReferralMove.WITHDRAW: "withdrawn",
}
_INSERT: Final = {table: insert_sql(table) for table in (PROVIDER, REFERRAL, CARE_LINE, MONEY_LINE)}
_COLUMNS: Final = {
    table: [column.name for column in table.columns]
    for table in (PROVIDER, REFERRAL, CARE_LINE, MONEY_LINE)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A move of a referral and what belongs to it; what a move doesn't need is left out."""

    move: ReferralMove
    provider: str | None = None
    agreed_by: AgreedBy | None = None
    agreed_name: str = ""
    agreed_at_ms: int | None = None
    outcome: ReferralOutcome | None = None
    reason: str = ""
    look_in_days: int | None = None


def _row(table: Any, given: Mapping[str, Any]) -> Row:
    row: Row = dict.fromkeys(_COLUMNS[table])
    row.update(given)
    return row


def _insert(unit: UnitOfWork, table: Any, row: Row) -> None:
    stored = unit.seal.row(table, row.get("person"), row)
    unit.execute(_INSERT[table], tuple(stored[name] for name in _COLUMNS[table]))


def _find(unit: UnitOfWork, table: Any, row_id: str) -> Row:
    """KeyError when there is none."""
    unit.execute(f'SELECT * FROM "{table.name}" WHERE id = ?', (row_id,))  # noqa: S608 - the schema's
    found = unit.cursor.fetchone()
    if found is None:
        raise KeyError(row_id[:64])
    names = [column[0] for column in unit.cursor.description]
    # Entries say the same in either database: SQLite has whole numbers for true and false.
    return {
        name: bool(value) if isinstance(table.c[name].type, Boolean) else value
        for name, value in zip(names, found, strict=True)
    }


def _there(unit: UnitOfWork, table: Any, row_id: str) -> bool:
    unit.execute(f'SELECT 1 FROM "{table.name}" WHERE id = ?', (row_id,))  # noqa: S608 - the schema's
    return unit.cursor.fetchone() is not None


class CareBook:
    """The four tables. The feed has the entries alone: who wants the object asks for it."""

    def write_provider(self, unit: UnitOfWork, given: Mapping[str, Any], actor: str) -> None:
        """A new provider; the same id again changes nothing."""
        if _there(unit, PROVIDER, given["id"]):
            return
        row = _row(PROVIDER, {**given, "created_at_ms": unit.now_ms})
        _insert(unit, PROVIDER, row)
        self._entry(unit, "provider", row, "written", actor, region=None)

    def change_provider(
        self, unit: UnitOfWork, provider: str, changes: Mapping[str, Any], actor: str
    ) -> None:
        """The entry says what was and what is."""
        row = _find(unit, PROVIDER, provider)
        changed = {name: value for name, value in changes.items() if row[name] != value}
        if not changed:
            return
        was = {name: row[name] for name in changed}
        row.update(changed)
        unit.update(PROVIDER, {"id": provider}, changed)
        self._entry(
            unit, "provider", row, "changed", actor, region=None, data={"was": was, "is": changed}
        )

    def propose(self, unit: UnitOfWork, given: Mapping[str, Any], actor: str) -> None:
        """A need that somebody saw; the same id again changes nothing."""
        if _there(unit, REFERRAL, given["id"]):
            return
        unit.execute("SELECT coalesce(max(number), 0) + 1 FROM referral")
        row = _row(
            REFERRAL,
            {
                "note": "",
                **given,
                "number": unit.cursor.fetchone()[0],
                "state": ReferralState.PROPOSED.value,
                "version": 1,
                "created_at_ms": unit.now_ms,
                "created_by": actor,
                "look_at_ms": unit.now_ms + ANSWER_WITHIN_DAYS * DAY_MS,
            },
        )
        _insert(unit, REFERRAL, row)
        self._entry(unit, "referral", row, "proposed", actor, data={"service": row["service"]})

    def move(self, unit: UnitOfWork, referral: str, step: Step, actor: str) -> Row:
        """KeyError: no such referral. IllegalReferral: not from here, or something is missing."""
        row = _find(unit, REFERRAL, referral)
        state = after(ReferralState(row["state"]), step.move)
        changes = {
            "state": state.value,
            "version": row["version"] + 1,
            **_CHANGES[step.move](step, unit.now_ms),
        }
        if step.move is ReferralMove.SEND:
            _must_be_active(unit, step.provider or "")
        row.update(changes)
        stored = unit.seal.row(REFERRAL, row["person"], changes)
        unit.update(REFERRAL, {"id": referral}, stored)
        data = {
            "provider": row["provider"] or step.provider,
            "agreed_by": row["agreed_by"],
            "outcome": row["outcome"],
        }
        said = {key: value for key, value in data.items() if value}
        self._entry(unit, "referral", row, _FACTS[step.move], actor, reason=step.reason, data=said)
        return row

    def write_line(self, unit: UnitOfWork, given: Mapping[str, Any], actor: str) -> None:
        """What was done for somebody; the same id again changes nothing. IllegalReferral when what
        it replaces is not there or has been replaced."""
        self._line(
            unit, CARE_LINE, given, actor, topic="care", by="recorded_by", at="recorded_at_ms"
        )

    def write_money(self, unit: UnitOfWork, given: Mapping[str, Any], actor: str) -> None:
        """Money granted or spent; as `write_line`."""
        self._line(unit, MONEY_LINE, given, actor, topic="money", by="by", at="at_ms")

    def _line(
        self,
        unit: UnitOfWork,
        table: Any,
        given: Mapping[str, Any],
        actor: str,
        *,
        topic: str,
        by: str,
        at: str,
    ) -> None:
        if _there(unit, table, given["id"]):
            return
        replaced = given.get("replaces")
        if replaced is not None:
            _must_be_newest(unit, table, replaced)
        row = _row(table, {**given, by: actor, at: unit.now_ms})
        _insert(unit, table, row)
        data = {"replaces": replaced} if replaced else {}
        fact = "corrected" if replaced else "written"
        self._entry(unit, topic, row, fact, actor, reason=row["why"], data=data)

    def _entry(
        self,
        unit: UnitOfWork,
        topic: str,
        row: Row,
        fact: str,
        actor: str,
        *,
        region: str | None = "",
        reason: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        unit.entry(
            Entry(
                topic=topic,
                subject=row["id"],
                fact=fact,
                actor=actor,
                # The column is short; the whole text is in the row and in `data`.
                reason=reason[:REASON_LENGTH],
                region=row["region"] if region == "" else region,
                data={**(data or {}), **({"reason": reason} if reason else {})},
                payload=lambda: b"null",
                owner=row.get("person"),
                written=True,
            )
        )


REASON_LENGTH: Final = 64


def _must_be_active(unit: UnitOfWork, provider: str) -> None:
    try:
        row = _find(unit, PROVIDER, provider)
    except KeyError:
        raise IllegalReferral("no_provider", "there is no such provider") from None
    if not row["active"]:
        raise IllegalReferral("not_active", "this provider no longer takes anybody")


def _must_be_newest(unit: UnitOfWork, table: Any, line: str) -> None:
    if not _there(unit, table, line):
        raise IllegalReferral("no_line", "there is no such line to correct")
    unit.execute(f'SELECT 1 FROM "{table.name}" WHERE replaces = ?', (line,))  # noqa: S608 - the schema's
    if unit.cursor.fetchone() is not None:
        raise IllegalReferral("replaced", "this line has been corrected already: correct the newer")


def _send(step: Step, now_ms: int) -> Row:
    if step.agreed_by is None or not step.agreed_name.strip() or step.agreed_at_ms is None:
        detail = "who agreed and when: the person, the family or a guardian is asked first"
        raise IllegalReferral("nobody_agreed", detail)
    if step.agreed_at_ms > now_ms:
        raise IllegalReferral("agreed_later", "somebody agrees before the referral is sent")
    return {
        "provider": step.provider,
        "agreed_by": step.agreed_by.value,
        "agreed_name": step.agreed_name.strip(),
        "agreed_at_ms": step.agreed_at_ms,
        "sent_at_ms": now_ms,
        "look_at_ms": _look(step, now_ms, ANSWER_WITHIN_DAYS),
    }


def _decline(step: Step, now_ms: int) -> Row:
    _must_say_why(step)
    # What was agreed was agreed for that provider; for another one the family is asked again.
    gone = dict.fromkeys(("provider", "agreed_by", "agreed_name", "agreed_at_ms"))
    times = dict.fromkeys(("sent_at_ms", "accepted_at_ms"))
    return {**gone, **times, "look_at_ms": _look(step, now_ms, ANSWER_WITHIN_DAYS)}


def _end(step: Step, now_ms: int) -> Row:
    if step.outcome is None:
        raise IllegalReferral("no_outcome", f"one of {', '.join(ReferralOutcome)}")
    ended = {"ended_at_ms": now_ms, "outcome": step.outcome.value, "look_at_ms": None}
    return {**ended, "note": step.reason}


def _withdraw(step: Step, now_ms: int) -> Row:
    _must_say_why(step)
    return {"ended_at_ms": now_ms, "note": step.reason, "look_at_ms": None}


def _must_say_why(step: Step) -> None:
    if not step.reason.strip():
        raise IllegalReferral("no_reason", "say why, so that the next one knows")


def _look(step: Step, now_ms: int, usual_days: int) -> int:
    days = usual_days if step.look_in_days is None else step.look_in_days
    return now_ms + days * DAY_MS


_CHANGES: Final[Mapping[ReferralMove, Callable[[Step, int], Row]]] = {
    ReferralMove.SEND: _send,
    ReferralMove.ACCEPT: lambda step, now_ms: {
        "accepted_at_ms": now_ms,
        "look_at_ms": _look(step, now_ms, ANSWER_WITHIN_DAYS),
    },
    ReferralMove.DECLINE: _decline,
    ReferralMove.BEGIN: lambda step, now_ms: {
        "began_at_ms": now_ms,
        "look_at_ms": _look(step, now_ms, LOOK_AGAIN_DAYS),
    },
    ReferralMove.END: _end,
    ReferralMove.WITHDRAW: _withdraw,
}


def as_json(numbers: Sequence[int]) -> str:
    return compact(sorted(set(numbers)))
