"""The voltage of a village, and what is left of it at the end of a home's wire. Pure."""

import random
from functools import lru_cache
from typing import Final

from device_sims.habits import MINUTE_MS

_MEAN_V: Final = 225.0
_SWING_V: Final = 6.0
# Resistance of the wire from the transformer to a home, and back.
_WIRE_OHM: Final = (0.15, 0.9)
# Minutes of villages, and wires, that are kept.
_CACHED: Final = 16_384


@lru_cache(maxsize=_CACHED)
def village_v(gateway: str, minute: int) -> float:
    """At the transformer: another every minute, each village its own."""
    return _MEAN_V + _SWING_V * random.Random(f"{gateway} {minute}").uniform(-1, 1)


@lru_cache(maxsize=_CACHED)
def _wire_ohm(seed: int) -> float:
    return random.Random(f"{seed} wire").uniform(*_WIRE_OHM)


def home_v(gateway: str, seed: int, at_ms: int, power_w: float) -> float:
    """A kettle pulls it down, panels push it up."""
    source_v = village_v(gateway, at_ms // MINUTE_MS)
    return source_v - _wire_ohm(seed) * power_w / source_v
