"""What a home's meters and sensors can measure at all; anything else is a fault, never a reading.

The limits are wide: they are not about health or consumption (rules judge those) but about broken
sensors, wrong wiring, wrong register maps and bytes that passed a weak checksum.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from contract.item import Measurement
from gateway.device_health import health

# A home's supply with room for three phases behind current transformers; the human body.
LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "energy_kwh": (0.0, 99_999_999.0),
        "reverse_energy_kwh": (0.0, 99_999_999.0),
        "power_w": (-500_000.0, 500_000.0),
        "voltage_v": (0.0, 1000.0),
        "current_a": (-2000.0, 2000.0),
        # A little over one is rounding of the meter.
        "power_factor": (-1.05, 1.05),
        "frequency_hz": (40.0, 70.0),
        # 0 is "no value" on an oximeter, and no oximeter measures beyond these.
        "spo2_pct": (1.0, 100.0),
        "pulse_bpm": (18.0, 300.0),
    }
)


def is_plausible(
    name: str, value: float, limits: Mapping[str, tuple[float, float]] = LIMITS
) -> bool:
    low, high = limits[name]
    return math.isfinite(value) and low <= value <= high


@dataclass(slots=True)
class ImplausibleEpisode:
    """Tells an implausible value once, and again only after a measurement without any."""

    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: LIMITS)
    _found: dict[str, float] = field(default_factory=dict)
    _told: bool = False

    def sift(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values that can be true; the others are remembered for `report`."""
        good: dict[str, float] = {}
        for name, value in values.items():
            (good if is_plausible(name, value, self.limits) else self._found)[name] = value
        return good

    def report(self, device: str, now_ms: int, *, measured: bool) -> list[Measurement]:
        """At the end of a measurement: the fault if there is a new one. measured: it had values."""
        found, self._found = self._found, {}
        if not found:
            # Silence does not end the episode, a measurement of good values does.
            self._told = self._told and not measured
            return []
        if self._told:
            return []
        self._told = True
        name, value = next(iter(found.items()))
        attrs = {"fault": "implausible_value", "quantity": name, "value": repr(value)}
        return [health(device, now_ms, attrs)]
