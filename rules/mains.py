"""Which power device tells about the whole home, and its slots.

A home may have a main meter and metered sockets behind it. The device that measures most is the
home's: a socket can't measure more than the meter before it. A meter that was exchanged, and so
speaks under another name, is followed once the old one has been quiet for a day.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rules.metering import Gap, Meter, Slot
from rules.rule import Observation

# Power devices followed in one home: a main meter and some sockets.
METERS_MAX: Final = 8
_QUIET_MS: Final = 24 * 3_600_000
# A socket that carries nearly everything must not take turns with the meter.
_LARGER: Final = 1.25
# Slots over which a device's mean is taken, and needed before it is compared: a day.
_MEAN_SLOTS: Final = 96


class Mains:
    """The power devices of one home. `chosen`: the device that is named by the configuration;
    `make_meter`: what reads the readings of a device."""

    __slots__ = ("_chosen", "_make_meter", "_means", "_meters", "larger", "primary")

    def __init__(
        self, chosen: str, make_meter: Callable[[str], Meter] = lambda _device: Meter()
    ) -> None:
        self._chosen = chosen
        self._make_meter = make_meter
        self._meters: dict[str, Meter] = {}
        # Mean watts of each device's slots, and their number.
        self._means: dict[str, list[float]] = {}
        self.primary = chosen
        # Set when a larger device took over: what was learned was of a part of the home.
        self.larger = False

    @property
    def meter(self) -> Meter | None:
        return self._meters.get(self.primary)

    def read(self, observation: Observation, at_ms: int) -> Sequence[Slot | Gap] | None:
        """The slots and gaps of the home that an observation completes."""
        device = observation.device
        meter = self._meters.get(device)
        if meter is None:
            if len(self._meters) >= METERS_MAX and device != self._chosen:
                return None
            meter = self._meters[device] = self._make_meter(device)
            self._means[device] = [0.0, 0]
            self.primary = self.primary or device
        done = meter.read(at_ms, observation.values, observation.attrs)
        if not done:
            return None
        mean = self._means[device]
        for part in done:
            if isinstance(part, Slot):
                if mean[1] < _MEAN_SLOTS:
                    mean[1] += 1
                mean[0] += (part.watts - mean[0]) / mean[1]
        if device == self.primary:
            return done
        if not self._chosen:
            self._maybe_switch(device, at_ms)
        return None

    def _maybe_switch(self, device: str, at_ms: int) -> None:
        old = self._meters.get(self.primary)
        if old is None or at_ms - old.last_ms > _QUIET_MS:
            self.primary = device
            return
        its, mine = self._means[self.primary], self._means[device]
        if min(mine[1], its[1]) >= _MEAN_SLOTS and mine[0] > its[0] * _LARGER:
            self.primary = device
            self.larger = True

    def dump(self) -> dict[str, Any]:
        return {
            "primary": self.primary,
            "meters": {device: meter.dump() for device, meter in self._meters.items()},
            "means": self._means,
        }

    @classmethod
    def load(cls, chosen: str, document: Mapping[str, Any]) -> "Mains":
        mains = cls(chosen)
        mains._meters = {str(d): Meter.load(row) for d, row in document["meters"].items()}
        mains._means = {str(d): [float(m[0]), int(m[1])] for d, m in document["means"].items()}
        if mains._means.keys() != mains._meters.keys():
            raise ValueError("meters without their means")
        mains.primary = chosen or str(document["primary"])
        return mains
