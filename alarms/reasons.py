"""Why a step was fired, an alarm given up or opened again: what entries and screens say. Pure."""

from enum import StrEnum


class StepReason(StrEnum):
    """Why somebody is told now."""

    RAISED = "raised"
    REPEATED = "repeated"  # pressed again, or new evidence
    WORSENED = "worsened"
    NOT_TAKEN = "not_taken"  # the time of the step before is over
    NONE_BEFORE = "none_before"  # the step before had nobody to tell
    DECLINED = "declined"
    ACK_EXPIRED = "ack_expired"  # taken, and nobody in response in time
    NOT_ARRIVED = "not_arrived"  # in response, and nobody there in time
    NOT_ANSWERED = "not_answered"  # the elder was asked and gave no sign, or called
    HOLD_ENDED = "hold_ended"
    GIVEN_UP = "given_up"
    REOPENED = "reopened"
    UNMERGED = "unmerged"


class DeclineReason(StrEnum):
    """Why somebody can't come, or gives a case up."""

    BUSY = "busy"
    TOO_FAR = "too_far"
    UNWELL = "unwell"
    NO_TRANSPORT = "no_transport"
    SHIFT_ENDS = "shift_ends"
    OTHER = "other"


class ReopenReason(StrEnum):
    CLOSED_BY_MISTAKE = "closed_by_mistake"
    NOT_OVER = "not_over"
    WRONG_MERGE = "wrong_merge"
    OTHER = "other"
