"""The review that every call answered late owes: its cause, and what is done about it."""

from enum import StrEnum
from typing import Final

from alarms.lifecycle import IllegalMove
from ledger.database import insert_sql
from ledger.schema import RESPONSE_REVIEW
from ledger.unit_of_work import UnitOfWork

_INSERT: Final = insert_sql(RESPONSE_REVIEW, ("alarm", "at_ms", "actor", "cause", "note"))


class ReviewCause(StrEnum):
    NOBODY_ON_DUTY = "nobody_on_duty"
    BUSY = "busy"  # with another call
    NOT_HEARD = "not_heard"  # asleep, the sound was off, away from the desk
    CHANNEL_FAILED = "channel_failed"  # telephone, network, provider
    SCREEN_FAILED = "screen_failed"
    STORM = "storm"  # many calls at once
    OTHER = "other"


def check_review(cause: str, note: str) -> ReviewCause:
    """IllegalMove says what is missing."""
    try:
        chosen = ReviewCause(cause)
    except ValueError:
        allowed = ", ".join(ReviewCause)
        raise IllegalMove("unknown_cause", f"{cause[:40]!r} is not one of {allowed}") from None
    if not note.strip():
        raise IllegalMove("note_missing", "what happened, and what is done about it")
    return chosen


def write_review(unit: UnitOfWork, alarm: str, actor: str, cause: ReviewCause, note: str) -> None:
    unit.execute(_INSERT, (alarm, unit.now_ms, actor, cause.value, note))
