"""Life cycles of alarms and tasks as tables. Pure: an illegal move raises and changes nothing.

        acknowledge        respond             close
  open ------------> acknowledged ---> in_response ---> closed      (alarm)
   |                      |                                ^
   +----------------------+--------------------------------+

  open --accept--> accepted --depart--> departed --arrive--> arrived --complete--> completed
   |                                                                                 (task)
   +--cancel (its alarm was closed before anyone completed it)--> cancelled

Only a named human closes an alarm about a person (design, section 4, promise 2): `CLOSE` by the
system is refused for every kind outside `SELF_CLOSING`, but for a soft alarm that asked the person
first (`ANSWER_CLOSING`) and was answered with the key that says "I'm well".
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


ALARM_MOVES: Final[Mapping[tuple[AlarmState, AlarmMove], AlarmState]] = MappingProxyType(
    {
        (AlarmState.OPEN, AlarmMove.ACKNOWLEDGE): AlarmState.ACKNOWLEDGED,
        (AlarmState.OPEN, AlarmMove.ASSIGN): AlarmState.ACKNOWLEDGED,
        (AlarmState.OPEN, AlarmMove.RESPOND): AlarmState.IN_RESPONSE,
        (AlarmState.OPEN, AlarmMove.REPEAT): AlarmState.OPEN,
        (AlarmState.OPEN, AlarmMove.CLEAR): AlarmState.OPEN,
        (AlarmState.OPEN, AlarmMove.CLOSE): AlarmState.CLOSED,
        (AlarmState.ACKNOWLEDGED, AlarmMove.ASSIGN): AlarmState.ACKNOWLEDGED,
        (AlarmState.ACKNOWLEDGED, AlarmMove.RESPOND): AlarmState.IN_RESPONSE,
        (AlarmState.ACKNOWLEDGED, AlarmMove.REPEAT): AlarmState.ACKNOWLEDGED,
        (AlarmState.ACKNOWLEDGED, AlarmMove.CLEAR): AlarmState.ACKNOWLEDGED,
        (AlarmState.ACKNOWLEDGED, AlarmMove.CLOSE): AlarmState.CLOSED,
        (AlarmState.IN_RESPONSE, AlarmMove.ASSIGN): AlarmState.IN_RESPONSE,
        (AlarmState.IN_RESPONSE, AlarmMove.RESPOND): AlarmState.IN_RESPONSE,
        (AlarmState.IN_RESPONSE, AlarmMove.REPEAT): AlarmState.IN_RESPONSE,
        (AlarmState.IN_RESPONSE, AlarmMove.CLEAR): AlarmState.IN_RESPONSE,
        (AlarmState.IN_RESPONSE, AlarmMove.CLOSE): AlarmState.CLOSED,
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
    }
)


class Outcome(StrEnum):
    """How an alarm ended; a human chooses one of all but the last two."""

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


HUMAN_OUTCOMES: Final = frozenset(Outcome) - {Outcome.RECOVERED, Outcome.ANSWERED_WELL}

# About a device that somebody has to mend or test (docs/rules.md).
REPAIR_KINDS: Final = frozenset({"device_fault", "device_silent", "low_battery", "test_due"})

# Technical alarms about things, not persons, end with their cause.
SELF_CLOSING: Final = REPAIR_KINDS | {"coverage", "gateway_silent", "spool_gap", "village_dark"}

# Doubts about a person that the person's own "I'm well" removes; never a call or a detector.
ANSWER_CLOSING: Final = frozenset({"no_sign_of_life"})

# A note is a sentence or two; longer texts belong into the visit record.
NOTE_LENGTH_MAX: Final = 2000


def move_alarm(state: str, move: AlarmMove, taken_by: str | None = None) -> AlarmState:
    """The state after a move; IllegalMove names who has the alarm already."""
    try:
        return ALARM_MOVES[(AlarmState(state), move)]
    except KeyError:
        holder = f" by {taken_by}" if taken_by else ""
        code = "already_closed" if state == AlarmState.CLOSED else "already_taken"
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
