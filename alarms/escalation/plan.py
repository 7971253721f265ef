"""What comes next in a round of steps, and when it is due whatever clocks do. Pure.

  round 1:  step 1 (at once) -> step 2 -> … -> step n --repeat--> round 2: step 1 -> …
  it calls again while somebody has it:
  round r:  step 0 (the holder, at once) --holder first--> step 1 -> …

Two clocks are kept of every due time: the wall's, which anybody may set, and the running time of
the machine since its boot, which nobody can. In the same boot running time alone decides. After
another boot only the wall is left, and it is not believed when it asks for more than the step's own
delay or is behind what the book has seen already. Early is allowed, late is not.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from alarms.escalation.policy import Policy, Quiet, Step
from rules.local_time import DAY_MS, MINUTE_MS, minute_of

# Told before the steps of the policy: who has the alarm already.
HOLDER_STEP: Final = 0
FIRST_STEP: Final = 1


# How late something is when no clock can tell: the whole round may be overdue, and is told at once.
UNKNOWN_LATE_MS: Final = 30 * DAY_MS
# So far apart the clocks of machines that write one book may be, and no clock was set for it: NTP
# keeps them within a fraction, and a promise is at most so much early by it.
SKEW_MS: Final = 5_000


class TimerKind(StrEnum):
    """What an alarm can wait for; it waits for at most one of each."""

    STEP = "step"
    TAKEN = "taken"  # somebody has it: is anybody on the way in time?
    ARRIVAL = "arrival"  # on the way: is anybody there in time?
    HANDOVER = "handover"  # offered: does the named person say yes?


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One look at both clocks. `boot`: from power on to power off of one machine."""

    wall_ms: int
    boot: str
    running_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A time that has been promised, as it stands in the book."""

    written_at_ms: int
    delay_ms: int
    due_at_ms: int
    boot: str
    due_running_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The step that follows, so long after the one before."""

    step: int
    delay_ms: int
    new_round: bool = False


def due_in(delay_ms: int, now: Now, *, overdue_ms: int = 0) -> Due:
    """A promise made now. `overdue_ms`: how late the step before was; the next keeps to the times
    of its round, and is due in the past when they have passed."""
    rest_ms = delay_ms - overdue_ms
    return Due(
        written_at_ms=now.wall_ms,
        delay_ms=max(0, rest_ms),
        due_at_ms=now.wall_ms + rest_ms,
        boot=now.boot,
        due_running_ms=now.running_ms + rest_ms,
    )


def remaining_ms(due: Due, now: Now, seen_ms: int, skew_ms: int = 0) -> int:
    """How long there is still to wait; 0 or less: so long it has been due, UNKNOWN_LATE_MS where no
    clock can tell.

    seen_ms: the latest time that the book holds; a wall behind it by more than `skew_ms` was set
    back.
    """
    if due.boot == now.boot:
        return due.due_running_ms - now.running_ms
    left_ms = due.due_at_ms - now.wall_ms
    behind = now.wall_ms + skew_ms < max(seen_ms, due.written_at_ms)
    if left_ms > due.delay_ms + skew_ms or behind:
        return -UNKNOWN_LATE_MS
    return min(left_ms, due.delay_ms)


def by_mark(due: Due, marked: Now | None) -> Due:
    """A promise of an earlier boot as its wall would have it after all that was set meanwhile:
    `marked` is the last look at both clocks, and says nothing of any other boot."""
    if marked is None or marked.boot != due.boot:
        return due
    return replace(due, due_at_ms=due.due_running_ms + marked.wall_ms - marked.running_ms)


def adopted(due: Due, now: Now, seen_ms: int, skew_ms: int = 0) -> Due:
    """A promise of another boot, in the running time of this one. `skew_ms`: it may be of a machine
    that runs beside this one."""
    left_ms = remaining_ms(due, now, seen_ms, skew_ms)
    return Due(
        written_at_ms=now.wall_ms,
        delay_ms=max(0, left_ms),
        due_at_ms=now.wall_ms + left_ms,
        boot=now.boot,
        due_running_ms=now.running_ms + left_ms,
    )


def next_step(policy: Policy, step: int) -> Coming:
    """What follows `step`. A step that a changed policy has no more is followed by a new round."""
    if step == HOLDER_STEP:
        return Coming(step=FIRST_STEP, delay_ms=policy.holder_first_ms)
    if step >= len(policy.steps):
        return Coming(step=FIRST_STEP, delay_ms=policy.repeat_ms, new_round=True)
    gap_ms = policy.steps[step].after_ms - policy.steps[step - 1].after_ms
    return Coming(step=step + 1, delay_ms=gap_ms)


def step_of(policy: Policy, step: int) -> Step | None:
    """The step of this number; None for the holder's, or when the policy has become shorter."""
    return policy.steps[step - 1] if FIRST_STEP <= step <= len(policy.steps) else None


def quiet_for_ms(quiet: Quiet | None, at_ms: int) -> int:
    """How long from `at_ms` until the quiet hours are over; 0 outside of them."""
    if quiet is None:
        return 0
    minute = minute_of(at_ms)
    length = (quiet.to_minute - quiet.from_minute) % (DAY_MS // MINUTE_MS)
    into = (minute - quiet.from_minute) % (DAY_MS // MINUTE_MS)
    if into >= length:
        return 0
    return (length - into) * MINUTE_MS - at_ms % MINUTE_MS
