"""Telling one person of one alarm by one way: the text, the link to answer by, the row to send.

Everything is written in the transaction of the step that asked for it, and made of what it is
about, so that a step that is repeated after a crash tells nobody twice.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from alarms import contact_points
from alarms.message import Message, encode
from alarms.wording import (
    Told,
    alarm_message,
    code_message,
    example_message,
    language_of,
    opened_message,
)
from contract.ids import name_uuid
from contract.moment import EPOCH
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import OUTBOX, REPLY_LINK
from ledger.sealing.sealer import MESSAGES
from ledger.unit_of_work import UnitOfWork

NAMESPACE: Final = uuid.UUID("c3a4f2a8-9d2b-5d4b-8c3c-7a1e5b0d6f42")
# Long enough for a night shift's alarm, short enough that a lost telephone is no key.
REPLY_VALID_MS: Final = 6 * 3_600_000
# 96 bits as base64url: not to be guessed, and still short in a short message.
TOKEN_LENGTH: Final = 16
CONTACT_PREFIX: Final = "contact:"
# Entries name who said something in so many characters; a longer id of a person is only told.
ACTOR_LENGTH_MAX: Final = 64
CODE_STEP: Final = "code"
# Of a round: the first step of its policy, before it (0) who has the alarm already, below that who
# is told outside of the steps.
FIRST_STEP: Final = 1

COLUMNS: Final = (
    "id", "channel", "target", "body", "alarm", "state", "attempts", "created_at_ms",
    "next_at_ms", "wait_ms", "detail", "urgent", "needed", "quiet", "recipient", "point", "step",
    "target_code",
)  # fmt: skip
INSERT: Final = insert_sql(OUTBOX, COLUMNS, "ON CONFLICT (id) DO NOTHING")
_INSERT_REPLY: Final = insert_sql(
    REPLY_LINK,
    ("digest", "alarm", "responder", "created_at_ms", "expires_at_ms"),
    "ON CONFLICT (digest) DO NOTHING",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Minutes of the local day; the night may go over midnight. Never for what is urgent."""

    from_minute: int
    until_minute: int

    def at(self, now_ms: int, zone: ZoneInfo) -> bool:
        local = (EPOCH + timedelta(milliseconds=now_ms)).astimezone(zone)
        minute = local.hour * 60 + local.minute
        if self.from_minute <= self.until_minute:
            return self.from_minute <= minute < self.until_minute
        return minute >= self.from_minute or minute < self.until_minute


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingSettings:
    """public_url: where the telephones of staff reach this hub; empty: no links. replies: whether
    an answer by short message reaches us. urgent: channels that may carry calls for help; None:
    any."""

    public_url: str = ""
    language: str = "zh-CN"
    zone: ZoneInfo = field(default_factory=partial(ZoneInfo, "Asia/Shanghai"))
    quiet: QuietHours | None = None
    replies: bool = False
    urgent: Set[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Which step of which round tells whom by what. `wakes`: also in the quiet hours, as what is
    urgent does. `news`: what has come of it, a word of `alarms.wording.NEWS`."""

    recipient: str
    channel: str
    address: str
    round: int
    step: int
    urgent: bool
    wakes: bool = False
    news: str = ""
    language: str = ""
    point: str | None = None


class Telling:
    """`reply_key`: secret, of this hub alone (`alarms.own_keys`); empty: nobody can answer."""

    def __init__(self, settings: TellingSettings, reply_key: bytes = b"") -> None:
        self._settings = settings
        self._reply_key = reply_key

    def tell(self, unit: UnitOfWork, alarm: Mapping[str, Any], step: Step) -> bool:
        """Write it once; False when it was there already or this channel may not carry it."""
        carriers = self._settings.urgent
        if step.urgent and carriers is not None and step.channel not in carriers:
            return False
        own = _point_of(unit.cursor, step)
        key = f"{alarm['id']}|{step.round}|{step.step}|{step.recipient}"
        row_id = name_uuid(NAMESPACE, f"{key}|{step.channel}|{step.address}")
        language = step.language or (own["language"] if own else self._settings.language)
        message = self._message(unit, alarm, step, row_id, language)
        row = (
            row_id, step.channel, *sealed(unit, step.address, encode(message)), alarm["id"],
            "pending", 0,
            unit.now_ms, unit.now_ms, 0, "", step.urgent, _needed(alarm, step),
            not (step.urgent or step.wakes),
            step.recipient, own["id"] if own else step.point, f"{step.round}.{step.step}",
            target_code(unit, step.address),
        )  # fmt: skip
        unit.execute(INSERT, row)
        return bool(unit.cursor.rowcount)

    def next_way(self, unit: UnitOfWork, sent: Mapping[str, Any]) -> bool:
        """`sent` did not leave: the person's next way, for the same step. False: there is none."""
        alarm = _alarm(unit.cursor, sent["alarm"])
        if alarm is None or not sent["recipient"] or not sent["step"]:
            return False
        try:
            round_, number = (int(part) for part in str(sent["step"]).split("."))
        except ValueError:
            return False
        for row in contact_points.points_of(unit.cursor, sent["recipient"]):
            if not contact_points.usable(row) or row["id"] == sent["point"]:
                continue
            step = Step(
                recipient=sent["recipient"],
                channel=row["channel"],
                address=row["address"],
                round=round_,
                step=number,
                urgent=True,
                language=row["language"],
                point=row["id"],
            )
            if self.tell(unit, alarm, step):
                return True
        return False

    def _message(
        self,
        unit: UnitOfWork,
        alarm: Mapping[str, Any],
        step: Step,
        row_id: str,
        language: str,
    ) -> Message:
        settings = self._settings
        token = link = ""
        # A contact has a link of its own kind, which takes no cases, and no other way to answer.
        contact = step.recipient.startswith(CONTACT_PREFIX)
        answers = not contact or (settings.public_url and len(step.recipient) <= ACTOR_LENGTH_MAX)
        if self._reply_key and answers:
            token = reply_token(self._reply_key, row_id)
            link = f"{settings.public_url}/r/{token}" if settings.public_url else ""
            expires_ms = unit.now_ms + REPLY_VALID_MS
            values = (digest_of(token), alarm["id"], step.recipient, unit.now_ms, expires_ms)
            unit.execute(_INSERT_REPLY, values)
        told = Told(
            alarm=alarm["id"],
            number=alarm["number"],
            kind=alarm["kind"],
            severity="urgent" if step.urgent else alarm["severity"],
            raised_at_ms=alarm["raised_at_ms"],
            place=_region_name(unit.cursor, alarm["region"]),
            name=_person(unit.cursor, alarm["home"]),
            again=alarm["event_count"] > 1,
            news=step.news,
            contact=contact,
        )
        chosen = language_of(language)
        replies = settings.replies and bool(token) and not contact
        return alarm_message(told, chosen, settings.zone, link, token, replies=replies)


def send_code(unit: UnitOfWork, point: Mapping[str, Any], code: str, row_id: str) -> None:
    """The code that proves a way, by that very way; at night too, for somebody waits for it."""
    _put(unit, point, code_message(code, point["language"]), row_id, CODE_STEP)


def send_test(unit: UnitOfWork, point: Mapping[str, Any], row_id: str) -> None:
    """A message that says of itself that it is a test."""
    _put(unit, point, example_message(point["language"]), row_id, "test")


def send_opened(unit: UnitOfWork, point: Mapping[str, Any], number: int, row_id: str) -> None:
    """That somebody opened a record in an emergency, to who reviews it."""
    _put(unit, point, opened_message(number, point["language"]), row_id, "opened")


def _put(
    unit: UnitOfWork, point: Mapping[str, Any], message: Message, row_id: str, step: str
) -> None:
    address = point["address"]
    row = (
        row_id, point["channel"], *sealed(unit, address, encode(message)), None, "pending", 0,
        unit.now_ms, unit.now_ms, 0, "", False, "always", False, point["owner"], point["id"], step,
        target_code(unit, address),
    )  # fmt: skip
    unit.execute(INSERT, row)


def sealed(unit: UnitOfWork, address: str, body: str) -> tuple[str, str]:
    """Somebody's telephone and what is said to it, as they wait."""
    return unit.seal.text(MESSAGES, address), unit.seal.json_object(MESSAGES, body)


def target_code(unit: UnitOfWork, address: str) -> str:
    return unit.seal.blind(contact_points.ADDRESS, address)


def reply_token(key: bytes, row_id: str) -> str:
    mac = hmac.new(key, row_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode()[:TOKEN_LENGTH]


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _needed(alarm: Mapping[str, Any], step: Step) -> str:
    """Whoever is first is told in any case: it may be the telephone of who presses "taken"."""
    if step.urgent and step.step <= FIRST_STEP:
        return "always"
    return "untaken" if alarm["state"] == "open" else "open"


def _point_of(cursor: Cursor, step: Step) -> Mapping[str, Any] | None:
    """The registered way that this address is; the policy may know addresses of its own."""
    for row in contact_points.points_of(cursor, step.recipient):
        if (row["channel"], row["address"]) == (step.channel, step.address):
            return row
    return None


def _alarm(cursor: Cursor, alarm_id: str | None) -> Mapping[str, Any] | None:
    cursor.execute("SELECT * FROM alarm WHERE id = ?", (alarm_id,))
    names = [d[0] for d in cursor.description]
    row = cursor.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def _region_name(cursor: Cursor, region: str | None) -> str:
    cursor.execute("SELECT name FROM region WHERE code = ?", (region,))
    row = cursor.fetchone()
    return "" if row is None else str(row[0])


def _person(cursor: Cursor, home: str | None) -> str:
    sql = "SELECT name FROM service_user WHERE home = ? AND left_on = '' ORDER BY id LIMIT 1"
    cursor.execute(sql, (home,))
    row = cursor.fetchone()
    return "" if row is None else str(row[0])
