"""How soon an alarm was answered: one definition for every figure. Pure."""

from collections.abc import Mapping
from typing import Any


def waits_from_ms(alarm: Mapping[str, Any]) -> int:
    """Since when the alarm, as bad as it is now, has waited for somebody, by the hub's clock."""
    return int(max(alarm["ingested_at_ms"], alarm["worsened_at_ms"] or 0))


def answered_within_ms(alarm: Mapping[str, Any]) -> int | None:
    """None: nobody has taken it; 0: somebody had it already when it became as bad as it is."""
    taken_ms = alarm["acknowledged_at_ms"]
    return None if taken_ms is None else max(0, taken_ms - waits_from_ms(alarm))


def called_from_ms(alarm: Mapping[str, Any]) -> int | None:
    """Since when people were called; None: nobody was, for the elder was asked first and is well,
    or the question or the hold goes on."""
    since_ms = waits_from_ms(alarm)
    taken = alarm["acknowledged_at_ms"] is not None
    if alarm["asked_at_ms"] is not None:
        if alarm["answer"] == "well" or (alarm["answer"] is None and not taken):
            return None
        over_ms = alarm["answered_at_ms"] or alarm["ask_until_ms"]
        if alarm["answer"] is not None:
            since_ms = max(since_ms, int(over_ms))
    if alarm["held_at_ms"] is not None:
        if alarm["released_at_ms"] is None and not taken:
            return None
        since_ms = max(since_ms, alarm["released_at_ms"] or 0)
    return since_ms
