"""A referral (转介) from the need to its end, as a table. Pure.

    proposed --send--> sent --accept--> accepted --begin--> serving --end--> ended
                        |                  |                    |
                        +--decline--> proposed                  +--end--> ended
    withdraw: from everywhere but `ended`, to `withdrawn`

The notice wants the person and the family asked first (section 7, 经与老人、赡养人沟通后): nothing
is sent to a provider without whoever agreed and when.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ReferralState(StrEnum):
    PROPOSED = "proposed"
    SENT = "sent"
    ACCEPTED = "accepted"
    SERVING = "serving"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class ReferralMove(StrEnum):
    SEND = "send"
    ACCEPT = "accept"
    DECLINE = "decline"
    BEGIN = "begin"
    END = "end"
    WITHDRAW = "withdraw"


class ReferralOutcome(StrEnum):
    """How it ended, for whom it was."""

    HELPED = "helped"
    PARTLY = "partly"
    NOT_HELPED = "not_helped"
    MOVED = "moved"
    DIED = "died"


class AgreedBy(StrEnum):
    """Who said yes to telling a provider."""

    PERSON = "person"
    FAMILY = "family"
    GUARDIAN = "guardian"
    COMMITTEE = "committee"


_S = ReferralState
_M = ReferralMove
# What may follow, and what it leads to.
MOVES: Final[Mapping[ReferralState, Mapping[ReferralMove, ReferralState]]] = {
    _S.PROPOSED: {_M.SEND: _S.SENT, _M.WITHDRAW: _S.WITHDRAWN},
    _S.SENT: {
        _M.ACCEPT: _S.ACCEPTED,
        _M.DECLINE: _S.PROPOSED,
        _M.WITHDRAW: _S.WITHDRAWN,
    },
    _S.ACCEPTED: {
        _M.BEGIN: _S.SERVING,
        _M.DECLINE: _S.PROPOSED,
        _M.END: _S.ENDED,
        _M.WITHDRAW: _S.WITHDRAWN,
    },
    _S.SERVING: {_M.END: _S.ENDED, _M.WITHDRAW: _S.WITHDRAWN},
    _S.ENDED: {},
    _S.WITHDRAWN: {},
}
OPEN: Final = frozenset(state for state, moves in MOVES.items() if moves)
# A provider who has not answered after a working week is asked again.
ANSWER_WITHIN_DAYS: Final = 7
# And who was served is asked how it went.
LOOK_AGAIN_DAYS: Final = 30


class IllegalReferral(Exception):  # noqa: N818
    """A move that can't be: `code` for programs, the text for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def after(state: ReferralState, move: ReferralMove) -> ReferralState:
    """IllegalReferral when `move` can't follow `state`."""
    found = MOVES[state].get(move)
    if found is None:
        can = ", ".join(MOVES[state]) or "nothing"
        raise IllegalReferral("not_now", f"a referral that is {state} can't {move}: {can}")
    return found
