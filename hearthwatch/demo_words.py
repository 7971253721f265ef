"""What the demonstration says in its terminal."""

import sys
from collections.abc import Sequence

from device_sims.roster import Household
from device_sims.story import Event


def say(text: str) -> None:
    sys.stdout.write(f"[demo] {text}\n")
    sys.stdout.flush()


def first_steps(password: str) -> tuple[str, ...]:
    """From the page of signing in to a closed call, nine presses: as the READMEs have it."""
    return (
        "what to do first, when somebody presses the call button:",
        f"  1    sign in as duty1, {password}",
        "  2    接警 Take it       the urgent call is yours, and the elder is told",
        "  3-4  open it, 我自己去 I'll go myself",
        "  5-7  填写…的探访记录 Record a visit, 全部无变化 All unchanged and safe, 提交 Send",
        "  8-9  how it ended, 确认结案 Close the alarm",
    )


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
