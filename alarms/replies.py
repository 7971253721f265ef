"""Answers to notifications: by the link, by short message, by the button of a push message.

Each does what the same person could do in the page, with the same rights, in one transaction with
the note that the link was used. Only who was told may answer, about that alarm alone, and only
while the link lives; the same answer again changes nothing, the other one is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from alarms.contact_answers import Said
from alarms.contact_points import owners_of_phone
from alarms.lifecycle import AlarmState, IllegalMove, TaskMove
from alarms.reply_words import ANSWERS, Answer, Reply, understood
from alarms.rows import find_alarm, find_task
from alarms.telling import CONTACT_PREFIX, digest_of
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer

# Tokens have 16 characters; what is longer is not even looked up.
TOKEN_LENGTH_MAX: Final = 64
_FIELDS: Final = ("digest", "alarm", "responder", "expires_at_ms", "answered_at_ms", "answer")
_SELECT: Final = f"SELECT {', '.join(_FIELDS)} FROM reply_link"  # noqa: S608 - own names
_SAME: Final = (
    "UPDATE reply_link SET answered_at_ms = ?, answer = ?"
    " WHERE alarm = ? AND responder = ? AND answered_at_ms IS NULL"
)
_LATEST: Final = (
    "UPDATE reply_link SET answered_at_ms = ?, answer = ? WHERE alarm = ? AND responder = ?"
)
Row = dict[str, Any]
# Whether a role may do something of the table of permissions.
May = Callable[[str, str], bool]


class Moves(Protocol):
    """Of the alarm book, as a person's own moves."""

    def acknowledge(self, unit: UnitOfWork, alarm_id: str, actor: str) -> None: ...
    def move_task(
        self, unit: UnitOfWork, task_id_: str, actor: str, move: TaskMove, finding: str
    ) -> Row: ...


Decline = Callable[[UnitOfWork, str, str], None]
# Whether it is new that this contact says so.
ContactSays = Callable[[UnitOfWork, str, str, Said], bool]
LinkAnswer = Answer | Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`again`: it had been said before."""

    alarm: str
    responder: str
    answer: LinkAnswer
    again: bool


class Replies:
    """`decline` tells the escalation that this person can't come; `contact_says` what a contact of
    the register says."""

    def __init__(
        self,
        writer: Writer,
        moves: Moves,
        decline: Decline,
        may: May,
        contact_says: ContactSays,
    ) -> None:
        self._contact_says = contact_says
        self._writer = writer
        self._moves = moves
        self._decline = decline
        self._may = may

    async def by_link(self, token: str, answer: LinkAnswer, way: str) -> Answered:
        """KeyError: there is no such link, or it is over. IllegalMove says why not."""
        return await self._writer.change(
            lambda unit: self._answer(unit, link(unit, token), answer, way)
        )

    async def by_sms(self, phone: str, text: str) -> Answered | None:
        """None when it is no answer, or not clear to what: then nothing happens."""
        reply = understood(text)
        if reply is None:
            return None
        return await self._writer.change(lambda unit: self._by_phone(unit, phone, reply))

    def _by_phone(self, unit: UnitOfWork, phone: str, reply: Reply) -> Answered | None:
        open_: dict[tuple[str, str], Row] = {}
        for owner in owners_of_phone(unit.cursor, phone):
            for row in _links_of(unit, owner):
                number = find_alarm(unit.cursor, row["alarm"])["number"]
                if reply.number in (None, number):
                    open_.setdefault((row["alarm"], owner), row)
        if reply.number is None:
            # What has been answered is not meant by somebody who names nothing.
            open_ = {key: row for key, row in open_.items() if row["answered_at_ms"] is None}
        if len(open_) != 1:
            return None
        [row] = open_.values()
        return self._answer(unit, row, reply.answer, "sms")

    def _answer(self, unit: UnitOfWork, row: Row, answer: LinkAnswer, way: str) -> Answered:
        alarm, responder = row["alarm"], row["responder"]
        if responder.startswith(CONTACT_PREFIX):
            return self._of_contact(unit, row, answer, way)
        if answer not in ANSWERS:
            raise IllegalMove("not_allowed", "this is what a contact of the family says")
        if row["answer"] is not None:
            if row["answer"] != answer:
                raise IllegalMove("answered", f"this was answered with {row['answer']} already")
            return Answered(alarm=alarm, responder=responder, answer=answer, again=True)
        role = _role(unit, responder, find_alarm(unit.cursor, alarm)["region"])
        if answer == "accept":
            self._accept(unit, alarm, responder, role)
        elif self._may(role, "task.move") or self._may(role, "alarm.acknowledge"):
            self._decline(unit, alarm, responder)
        else:
            raise IllegalMove("not_allowed", f"the role {role} answers no calls")
        # The person was perhaps told by several ways: all of these links say the same now.
        unit.execute(_SAME, (unit.now_ms, answer, alarm, responder))
        unit.audit(responder, f"replied_{answer}", f"alarm:{alarm}", way)
        return Answered(alarm=alarm, responder=responder, answer=answer, again=False)

    def _of_contact(self, unit: UnitOfWork, row: Row, answer: LinkAnswer, way: str) -> Answered:
        """A contact may go on: going, then there. What it said last stands at its links."""
        alarm, contact = row["alarm"], row["responder"]
        if answer == "accept":
            raise IllegalMove("not_allowed", "a contact takes no cases")
        new = self._contact_says(unit, alarm, contact, answer)
        unit.execute(_LATEST, (unit.now_ms, answer, alarm, contact))
        if new:
            unit.audit(contact, f"replied_{answer}", f"alarm:{alarm}", way)
        return Answered(alarm=alarm, responder=contact, answer=answer, again=not new)

    def _accept(self, unit: UnitOfWork, alarm_id: str, actor: str, role: str) -> None:
        """Duty desks take the alarm, visitors take the task: as the page's buttons do."""
        alarm = find_alarm(unit.cursor, alarm_id)
        if self._may(role, "alarm.acknowledge"):
            if alarm["state"] != AlarmState.OPEN and actor in _having(alarm):
                return
            self._moves.acknowledge(unit, alarm_id, actor)
        elif self._may(role, "task.move") and alarm["task"] is not None:
            task = find_task(unit.cursor, alarm["task"])
            if task["state"] != "open" and task["assignee"] == actor:
                return
            self._moves.move_task(unit, alarm["task"], actor, TaskMove.ACCEPT, "")
        else:
            raise IllegalMove("not_allowed", f"the role {role} takes no calls")


def link(unit: UnitOfWork, token: str) -> Row:
    """KeyError: there is no such link, or it is over."""
    if not 0 < len(token) <= TOKEN_LENGTH_MAX or not token.isascii():
        raise KeyError("reply")
    unit.execute(f"{_SELECT} WHERE digest = ?", (digest_of(token),))
    row = unit.cursor.fetchone()
    if row is None or unit.now_ms >= row[_FIELDS.index("expires_at_ms")]:
        raise KeyError("reply")
    return dict(zip(_FIELDS, row, strict=True))


def _links_of(unit: UnitOfWork, responder: str) -> list[Row]:
    unit.execute(
        f"{_SELECT} WHERE responder = ? AND expires_at_ms > ? ORDER BY created_at_ms DESC",
        (responder, unit.now_ms),
    )
    return [dict(zip(_FIELDS, row, strict=True)) for row in unit.cursor.fetchall()]


def _having(alarm: Row) -> set[str]:
    """Who has it: whoever took it, and whoever goes."""
    return {alarm[name] for name in ("acknowledged_by", "holder", "assignee") if alarm.get(name)}


def _role(unit: UnitOfWork, username: str, region: str | None) -> str:
    """Of an account that is open and still sees this region."""
    sql = "SELECT role, region FROM account WHERE username = ? AND NOT disabled"
    row = unit.execute(sql, (username,)).fetchone()
    if row is None or not (region is None or region.startswith(row[1])):
        raise IllegalMove("not_allowed", "this account is closed, or sees this region no more")
    return str(row[0])
