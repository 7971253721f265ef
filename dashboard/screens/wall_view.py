"""What a screen on a wall is told: that something is the matter, in which village, since when, and
whether somebody has it. Pure.

Everybody in the room reads it, and a visitor's telephone takes a picture of it. What is told is
named here, field by field; whatever an alarm gets in future is left out until somebody names it.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from ledger.feed import FeedEvent
from ledger.views import Document, to_json

# Of an alarm: no home, no person, no name of a device or of staff, nothing that was written or
# measured. Not its id either, which may have the home's in it: who calls often would be seen by it.
_TOLD: Final = (
    *("number", "state", "severity", "kind", "reason", "event_count", "version"),
    *("raised_at", "worsened_at", "cleared_at", "ask_until", "answer", "held_until"),
    "released_at",
)
# Town and village, as the wall shows them.
_PLACE_PARTS: Final = 2
TOPIC: Final = "alarm"


def on_the_wall(alarm: Document) -> Document:
    """An alarm of docs/http.md as everybody may read it."""
    home = alarm.get("home")
    path = home.get("region_path") if isinstance(home, dict) else alarm.get("region_path")
    place = [str(name) for name in path or ()][-_PLACE_PARTS:]
    told = {name: alarm[name] for name in _TOLD}
    return {**told, "id": str(alarm["number"]), "place": place}


def all_on_the_wall(alarms: Iterable[Document]) -> list[Document]:
    return [on_the_wall(alarm) for alarm in alarms]


def heard_on_the_wall(event: FeedEvent) -> FeedEvent | None:
    """An event of the live feed as a screen hears it, if at all."""
    if event.topic != TOPIC:
        return None
    told: Any = json.loads(event.payload)["object"]
    if not isinstance(told, dict):
        return None
    shown = {"entry": {"seq": event.seq, "topic": TOPIC}, "object": on_the_wall(told)}
    return replace(event, payload=to_json(shown))
