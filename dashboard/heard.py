"""What of the live feed somebody hears who knows only some people of the region. Pure."""

import json
from dataclasses import replace
from typing import Any, Final

from dashboard.callers import Caller
from dashboard.masking import present
from ledger.feed import FeedEvent
from ledger.views import Document, to_json

# That it happened concerns everybody who could go; to whom, those who know her.
_MASKED: Final = frozenset({"alarm", "task"})
# Their object says at which home it is.
_OF_A_HOME: Final = frozenset({"device", "stay", "visit"})
# About a person who is named by an id: that something changed is told, not what.
_EMPTIED: Final = frozenset({"care", "person", "plan", "referral", "rule"})
# Of alarms and tasks.
_LIVE: Final = frozenset({"open", "acknowledged", "in_response", "accepted", "departed", "arrived"})
# After these, who knows whom may be another than before.
MOVES_PEOPLE: Final = frozenset({"alarm", "person", "rota", "task"})


def heard(event: FeedEvent, caller: Caller) -> FeedEvent | None:
    """The event as this caller hears it, if at all."""
    if caller.homes is None:
        return event if "contact.read" in caller.can else _without_contacts(event, caller)
    if event.topic in _EMPTIED:
        told: Document = json.loads(event.payload)
        told["entry"]["data"] = {}
        return replace(event, payload=to_json(told))
    if event.topic not in _MASKED | _OF_A_HOME:
        return event
    told = json.loads(event.payload)
    home = _home_of(told["object"])
    if home is None or home in caller.homes or home in caller.opened:
        return event
    if event.topic in _OF_A_HOME:
        return None
    told["entry"]["data"] = {}
    told["object"] = present(told["object"], caller.can_at(home))
    return replace(event, payload=to_json(told))


def _without_contacts(event: FeedEvent, caller: Caller) -> FeedEvent:
    """For who has no call to make: what is open now is told whole, for she may answer it."""
    if event.topic not in _MASKED | _OF_A_HOME | {"person"}:
        return event
    told: Document = json.loads(event.payload)
    if event.topic == "person":
        told["entry"]["data"] = {}
    elif isinstance(told["object"], dict) and told["object"].get("state") not in _LIVE:
        told["object"] = present(told["object"], caller.can)
    return replace(event, payload=to_json(told))


def _home_of(document: Any) -> str | None:
    home = document.get("home") if isinstance(document, dict) else None
    if isinstance(home, dict):
        home = home.get("id")
    return home if isinstance(home, str) else None
