"""The time that a device says, where it can be true. Pure."""

from typing import Final

from rules.rule import Observation

# A clock this far ahead is wrong; what it dates counts as of now.
AHEAD_MAX_MS: Final = 10 * 60_000


def said_ms(observation: Observation, now_ms: int) -> int:
    at_ms = observation.measured_at_ms
    return now_ms if at_ms > now_ms + AHEAD_MAX_MS else at_ms
