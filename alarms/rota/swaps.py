"""Swaps: one gives a shift away, or two exchange theirs. Pure.

    asked --agree--> agreed --approve--> approved     (the rota has changed)
      |                 |
      +--decline        +--refuse, withdraw, expire: nothing has changed
      +--withdraw, refuse, expire

The other one agrees, then somebody who may change the rota and is neither of the two approves. It
expires when one of its shifts begins: what has begun is handed over, not swapped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from alarms.lifecycle import IllegalMove
from alarms.rota.model import Change, Shift, ShiftKey
from alarms.rota.plan import Plan


class SwapState(StrEnum):
    ASKED = "asked"
    AGREED = "agreed"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    EXPIRED = "expired"


class SwapMove(StrEnum):
    AGREE = "agree"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    REFUSE = "refuse"
    EXPIRE = "expire"


SWAP_MOVES: Final[Mapping[tuple[SwapState, SwapMove], SwapState]] = MappingProxyType(
    {
        (SwapState.ASKED, SwapMove.AGREE): SwapState.AGREED,
        (SwapState.ASKED, SwapMove.DECLINE): SwapState.DECLINED,
        (SwapState.ASKED, SwapMove.WITHDRAW): SwapState.WITHDRAWN,
        (SwapState.ASKED, SwapMove.REFUSE): SwapState.REFUSED,
        (SwapState.ASKED, SwapMove.EXPIRE): SwapState.EXPIRED,
        (SwapState.AGREED, SwapMove.APPROVE): SwapState.APPROVED,
        (SwapState.AGREED, SwapMove.WITHDRAW): SwapState.WITHDRAWN,
        (SwapState.AGREED, SwapMove.REFUSE): SwapState.REFUSED,
        (SwapState.AGREED, SwapMove.EXPIRE): SwapState.EXPIRED,
    }
)
WAITING: Final = frozenset({SwapState.ASKED, SwapState.AGREED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """`asker` gives `given` to `other`, and takes `taken` from them, unless it is None."""

    id: str
    asker: str
    other: str
    given: ShiftKey
    taken: ShiftKey | None
    state: SwapState = SwapState.ASKED
    note: str = ""


def move_swap(swap: Swap, move: SwapMove, actor: str, *, may_approve: bool) -> SwapState:
    """The state after a move; IllegalMove says whose move it is, or why there is none any more."""
    after = SWAP_MOVES.get((swap.state, move))
    if after is None:
        raise IllegalMove("wrong_state", f"cannot {move}: the swap is {swap.state}")
    if move in (SwapMove.AGREE, SwapMove.DECLINE) and actor != swap.other:
        raise IllegalMove("not_yours", "the one who was asked answers")
    if move is SwapMove.WITHDRAW and actor not in (swap.asker, swap.other):
        raise IllegalMove("not_yours", "one of the two withdraws it")
    if move in (SwapMove.APPROVE, SwapMove.REFUSE):
        if not may_approve:
            raise IllegalMove("not_yours", "somebody who may change the rota decides")
        if move is SwapMove.APPROVE and actor in (swap.asker, swap.other):
            raise IllegalMove("own_swap", "nobody approves a swap of their own")
    return after


def check_swap(plan: Plan, swap: Swap, now_ms: int) -> tuple[Shift, Shift | None]:
    """The shifts of a swap that is possible now; IllegalMove says why it is not."""
    if swap.asker == swap.other:
        raise IllegalMove("same_person", "a swap is between two people")
    given = _held(plan, swap.given, swap.asker, now_ms)
    if swap.taken is None:
        if swap.other in given.people:
            raise IllegalMove("in_it_already", f"{swap.other} is in this shift already")
        return given, None
    if swap.taken == swap.given:
        raise IllegalMove("same_shift", "the two are in the same shift")
    taken = _held(plan, swap.taken, swap.other, now_ms)
    if swap.other in given.people or swap.asker in taken.people:
        raise IllegalMove("in_it_already", "one of the two is in both shifts")
    return given, taken


def changes_of(plan: Plan, swap: Swap, now_ms: int) -> list[Change]:
    """What an approved swap changes: the two names in their places, all else as it is."""
    given, taken = check_swap(plan, swap, now_ms)
    changes = [_replaced(plan, given, swap.asker, swap.other)]
    if taken is not None:
        changes.append(_replaced(plan, taken, swap.other, swap.asker))
    return changes


def is_over(plan: Plan, swap: Swap, now_ms: int) -> bool:
    """One of its shifts has begun or is no more."""
    keys = [swap.given] if swap.taken is None else [swap.given, swap.taken]
    shifts = [plan.find(key) for key in keys]
    return any(shift is None or shift.start_ms <= now_ms for shift in shifts)


def replaced(plan: Plan, shift: Shift, people: tuple[str, ...]) -> Change:
    """The change that gives a shift other people and keeps the hours it has."""
    known = plan.changes.get((shift.key.desk, shift.key.day), {}).get(shift.key.name)
    return Change(
        key=shift.key,
        people=people,
        start_min=None if known is None else known.start_min,
        length_min=None if known is None else known.length_min,
    )


def _replaced(plan: Plan, shift: Shift, one: str, other: str) -> Change:
    return replaced(plan, shift, tuple(other if p == one else p for p in shift.people))


def _held(plan: Plan, key: ShiftKey, person: str, now_ms: int) -> Shift:
    shift = plan.find(key)
    if shift is None:
        raise IllegalMove("no_such_shift", f"there is no shift {key}")
    if person not in shift.people:
        raise IllegalMove("not_in_it", f"{person} is not in the shift {key}")
    if shift.start_ms <= now_ms:
        raise IllegalMove("has_begun", f"the shift {key} has begun: hand it over instead")
    return shift
