"""How a faked alarm goes from hand to hand, as far as the page can see it."""

from collections.abc import Callable
from typing import Any, Final

from contract.moment import to_iso
from tests.adapters.fake_county import account

Document = dict[str, Any]

TAKEN_MS: Final = 300_000
# What an alarm has beside its case, before anybody has it.
NOBODY: Final[Document] = {
    "holder": None,
    "ack_until": None,
    "handover_to": None,
    "handover_until": None,
    "calling": True,
    "round": 1,
    "merged_into": None,
    "reopened": 0,
}
MOVES: Final = ("extend", "handover", "decline", "release", "merge", "reopen")


def taken(alarm: Document, actor: str, now_ms: int) -> None:
    alarm.update(
        holder=account(actor),
        ack_until=to_iso(now_ms + TAKEN_MS),
        handover_to=None,
        calling=False,
    )


def hand(  # noqa: PLR0917 - the parts of a request
    alarm: Document,
    move: str,
    actor: str,
    asked: Document,
    now_ms: int,
    bump: Callable[[Document, str, str, Document], None],
) -> Document:
    """One of MOVES."""
    data: Document = {}
    if move == "extend":
        fact = "extended"
        alarm["ack_until"] = to_iso(now_ms + TAKEN_MS)
    elif move == "handover":
        fact, data = "handover_offered", {"to": asked["to"]}
        alarm["handover_to"] = account(asked["to"])
    elif move == "decline" and alarm["handover_to"] == account(actor):
        fact = "handover_refused"
        alarm["handover_to"] = None
    elif move == "decline":
        fact = "declined"
    elif move == "release":
        fact = "given_up"
        alarm.update(NOBODY, state="open", assignee=None)
    elif move == "merge":
        fact, data = "merged", asked
        alarm.update(state="closed", outcome="merged", merged_into=asked["into"])
        alarm.update(closed_at=to_iso(now_ms), closed_by=account(actor))
    else:
        fact = "reopened"
        alarm.update(NOBODY, state="open", outcome=None, closed_at=None, closed_by=None)
    bump(alarm, fact, actor, data)
    return alarm
