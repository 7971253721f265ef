"""Life cycles of alarms and tasks as tables. Pure: an illegal move raises and changes nothing.

`docs/response.md` shows both as diagrams, which `./dev docs` makes from these tables.

Only a named human closes an alarm about a person (design, section 4, promise 2): `CLOSE` by the
system is refused for every kind outside `SELF_CLOSING`, but for a soft alarm that asked the person
first (`ANSWER_CLOSING`) and was answered with the key that says "I'm well". Time never closes
anything: it only takes an alarm back from who has it (`EXPIRE`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class IllegalMove(ValueError):  # noqa: N818 - it is an answer to a user, not a fault
    """This move is not possible from this state; `code` is stable, `detail` says who did what."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class AlarmState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_RESPONSE = "in_response"
    CLOSED = "closed"


class AlarmMove(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    RESPOND = "respond"
    REPEAT = "repeat"
    CLEAR = "clear"
    CLOSE = "close"
    CONFIRM = "confirm"  # it called again, and somebody has heard it
    EXTEND = "extend"  # the holder needs longer to find somebody
    EXPIRE = "expire"  # taken, and nobody was on the way in time
    DECLINE = "decline"  # who was told can't come
    RELEASE = "release"  # the holder gives it up
    GIVE_BACK = "give_back"  # who was on the way can't come; the holder still has it
    HAND_OVER = "hand_over"  # offered to somebody by name
    TAKE_OVER = "take_over"  # who was named says yes
    MERGE = "merge"  # one event with another alarm of the home
    REOPEN = "reopen"


class TaskState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class TaskMove(StrEnum):
    ACCEPT = "accept"
    DEPART = "depart"
    ARRIVE = "arrive"
    COMPLETE = "complete"
    CANCEL = "cancel"
    RETURN = "return"  # who had it can't; it is free again


_OPEN, _ACKNOWLEDGED, _IN_RESPONSE, _CLOSED = AlarmState

ALARM_MOVES: Final[Mapping[tuple[AlarmState, AlarmMove], AlarmState]] = MappingProxyType(
    {
        (_OPEN, AlarmMove.ACKNOWLEDGE): _ACKNOWLEDGED,
        (_OPEN, AlarmMove.ASSIGN): _ACKNOWLEDGED,
        (_OPEN, AlarmMove.RESPOND): _IN_RESPONSE,
        (_OPEN, AlarmMove.REPEAT): _OPEN,
        (_OPEN, AlarmMove.CLEAR): _OPEN,
        (_OPEN, AlarmMove.DECLINE): _OPEN,
        (_OPEN, AlarmMove.MERGE): _CLOSED,
        (_OPEN, AlarmMove.CLOSE): _CLOSED,
        (_ACKNOWLEDGED, AlarmMove.ASSIGN): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.RESPOND): _IN_RESPONSE,
        (_ACKNOWLEDGED, AlarmMove.REPEAT): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.CLEAR): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.CONFIRM): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.EXTEND): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.DECLINE): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.HAND_OVER): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.TAKE_OVER): _ACKNOWLEDGED,
        (_ACKNOWLEDGED, AlarmMove.EXPIRE): _OPEN,
        (_ACKNOWLEDGED, AlarmMove.RELEASE): _OPEN,
        (_ACKNOWLEDGED, AlarmMove.MERGE): _CLOSED,
        (_ACKNOWLEDGED, AlarmMove.CLOSE): _CLOSED,
        (_IN_RESPONSE, AlarmMove.ASSIGN): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.RESPOND): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.REPEAT): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.CLEAR): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.CONFIRM): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.DECLINE): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.HAND_OVER): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.TAKE_OVER): _IN_RESPONSE,
        (_IN_RESPONSE, AlarmMove.GIVE_BACK): _ACKNOWLEDGED,
        (_IN_RESPONSE, AlarmMove.RELEASE): _OPEN,
        (_IN_RESPONSE, AlarmMove.MERGE): _CLOSED,
        (_IN_RESPONSE, AlarmMove.CLOSE): _CLOSED,
        (_CLOSED, AlarmMove.REOPEN): _OPEN,
    }
)

TASK_MOVES: Final[Mapping[tuple[TaskState, TaskMove], TaskState]] = MappingProxyType(
    {
        (TaskState.OPEN, TaskMove.ACCEPT): TaskState.ACCEPTED,
        (TaskState.OPEN, TaskMove.CANCEL): TaskState.CANCELLED,
        (TaskState.ACCEPTED, TaskMove.DEPART): TaskState.DEPARTED,
        (TaskState.ACCEPTED, TaskMove.ARRIVE): TaskState.ARRIVED,
        (TaskState.ACCEPTED, TaskMove.COMPLETE): TaskState.COMPLETED,
        (TaskState.ACCEPTED, TaskMove.CANCEL): TaskState.CANCELLED,
        (TaskState.DEPARTED, TaskMove.ARRIVE): TaskState.ARRIVED,
        (TaskState.DEPARTED, TaskMove.COMPLETE): TaskState.COMPLETED,
        (TaskState.DEPARTED, TaskMove.CANCEL): TaskState.CANCELLED,
        (TaskState.ARRIVED, TaskMove.COMPLETE): TaskState.COMPLETED,
        (TaskState.ARRIVED, TaskMove.CANCEL): TaskState.CANCELLED,
        (TaskState.ACCEPTED, TaskMove.RETURN): TaskState.OPEN,
        (TaskState.DEPARTED, TaskMove.RETURN): TaskState.OPEN,
        (TaskState.ARRIVED, TaskMove.RETURN): TaskState.OPEN,
    }
)

# What is said of a move, and the time of the row that it sets.
TASK_FACTS: Final[Mapping[TaskMove, tuple[str, str | None]]] = MappingProxyType(
    {
        TaskMove.ACCEPT: ("accepted", "accepted_at_ms"),
        TaskMove.DEPART: ("departed", "departed_at_ms"),
        TaskMove.ARRIVE: ("arrived", "arrived_at_ms"),
        TaskMove.COMPLETE: ("completed", "completed_at_ms"),
        TaskMove.CANCEL: ("cancelled", None),
        TaskMove.RETURN: ("returned", None),
    }
)


class Outcome(StrEnum):
    """How an alarm ended; a human chooses one of all but the last three."""

    REAL_EMERGENCY = "real_emergency"
    MEDICAL_ADVICE = "medical_advice"
    SOCIAL = "social"
    ACCIDENTAL = "accidental"
    TEST = "test"
    DEVICE_FAULT = "device_fault"
    OUTAGE = "outage"
    NO_ANSWER_VISITED = "no_answer_visited"
    RECOVERED = "recovered"  # the system's own: a technical cause that went away
    ANSWERED_WELL = "answered_well"  # the elder's own, asked before anybody was sent
    MERGED = "merged"  # a human said that it is one event with another alarm


HUMAN_OUTCOMES: Final = frozenset(Outcome) - {
    Outcome.RECOVERED,
    Outcome.ANSWERED_WELL,
    Outcome.MERGED,
}

# Somebody or a detector calls at this moment; every other kind is what a rule concluded from hours
# of readings. A call that came and could not be read is taken for the worst.
CALL_KINDS: Final = frozenset(
    {"sos", "fall", "smoke", "gas", "hazard", "carbon_monoxide", "unreadable"}
)

# About a device that somebody has to mend or test (docs/rules.md).
REPAIR_KINDS: Final = frozenset({"device_fault", "device_silent", "low_battery", "test_due"})

# Technical alarms about things, not persons, end with their cause.
SELF_CLOSING: Final = REPAIR_KINDS | {
    "coverage",
    "gateway_silent",
    "spool_gap",
    "village_dark",
    "watchdog",
}

# Doubts about a person that the person's own "I'm well" removes; never a call or a detector.
ANSWER_CLOSING: Final = frozenset({"no_sign_of_life"})

# A note is a sentence or two; longer texts belong into the visit record.
NOTE_LENGTH_MAX: Final = 2000
# Closed by mistake is noticed by the end of the next shift; later it is a new event.
REOPEN_WITHIN_MS: Final = 24 * 3_600_000
# Whoever is asked to take a case over answers at once, or is not there.
HANDOVER_S: Final = 120


def move_alarm(state: str, move: AlarmMove, taken_by: str | None = None) -> AlarmState:
    """The state after a move; IllegalMove names who has the alarm already."""
    try:
        return ALARM_MOVES[(AlarmState(state), move)]
    except KeyError:
        holder = f" by {taken_by}" if taken_by else ""
        code = "already_closed" if state == AlarmState.CLOSED else "already_taken"
        if move is AlarmMove.REOPEN:
            code = "not_closed"
        elif state == AlarmState.OPEN:
            code = "nobody_has_it"
        raise IllegalMove(code, f"cannot {move}: the alarm is {state}{holder}") from None


def move_task(state: str, move: TaskMove, taken_by: str | None = None) -> TaskState:
    try:
        return TASK_MOVES[(TaskState(state), move)]
    except KeyError:
        holder = f" by {taken_by}" if taken_by else ""
        code = "already_taken" if move == TaskMove.ACCEPT else "wrong_state"
        raise IllegalMove(code, f"cannot {move}: the task is {state}{holder}") from None


def check_outcome(outcome: str, kind: str, *, by_system: bool) -> Outcome:
    """The outcome if this actor may close this kind of alarm with it."""
    try:
        chosen = Outcome(outcome)
    except ValueError:
        allowed = ", ".join(sorted(HUMAN_OUTCOMES))
        raise IllegalMove("unknown_outcome", f"{outcome[:40]!r} is not one of {allowed}") from None
    by_elder = chosen is Outcome.ANSWERED_WELL and kind in ANSWER_CLOSING
    if by_system and kind not in SELF_CLOSING and not by_elder:
        raise IllegalMove("needs_human", f"an alarm of kind {kind} is closed by a named human only")
    if not by_system and chosen not in HUMAN_OUTCOMES:
        raise IllegalMove("unknown_outcome", f"{chosen} is not for people to choose")
    return chosen
