"""What the demonstration says in its terminal."""

import sys
from collections.abc import Sequence

from device_sims.roster import Household
from device_sims.story import Event


def say(text: str) -> None:
    sys.stdout.write(f"[demo] {text}\n")
    sys.stdout.flush()


def words(event: Event, homes: Sequence[Household]) -> str:
    """An event of the story for the terminal."""
    home = next((h for h in homes if h.home == event.fields.get("home")), None)
    who = f"{home.name}（{home.address}）" if home is not None else ""
    match event.kind:
        case "press":
            return f"{who} presses the call button"
        case "cuff":
            pressure = f"{event.fields['systolic']}/{event.fields['diastolic']}"
            return f"{who} measures a blood pressure of {pressure}"
        case "quiet":
            return f"{who} does not get up any more (the absence rule will notice in a day)"
        case "replay":
            return f"{who}: the cuff sends what it kept while its bridge was away"
        case "visit":
            return f"{who} has a visitor"
        case "stir":
            return f"{who} is up again"
        case "blackout":
            return f"{event.fields['village']}: the power fails"
        case "light":
            return f"{event.fields['village']}: the power is back"
        case "kill_gateway":
            return f"the gateway {event.fields['gateway']} dies"
        case "start_gateway":
            return f"the gateway {event.fields['gateway']} is back"
    return f"{who} {event.kind}"
