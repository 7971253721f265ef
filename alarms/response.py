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
