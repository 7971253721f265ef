"""Which power device tells about the whole home, and its slots.

A home may have a main meter and metered sockets behind it. The device that measures most is the
home's: a socket can't measure more than the meter before it. A meter that was exchanged, and so
speaks under another name, is followed once the old one has been quiet for a day.

A register that moved all week and now stands, while a socket that measured less goes on: the meter
is dead or bypassed, for nothing behind it can use what it doesn't count. The socket doesn't become
the home's: what was learned would be forgotten, and `meter_dead` would have nothing to tell.
"""

from collections.abc import Callable, Mapping, Sequence
from sys import intern
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
# Whose register has moved all week, and never stood for five hours, is no heater that rests at
# night or in spring.
_STANDS_SLOTS: Final = 20
_STEADY_SLOTS: Final = 7 * 96


class _Device:
    """A meter, and the mean watts of its last slots with their number.

    still: slots without a step until now; steady: slots with one since it stood last; behind: it
    was compared with the home's while that moved, and was smaller.
    """

    __slots__ = ("behind", "mean_w", "meter", "name", "slots", "steady", "still")

    def __init__(self, name: str, meter: Meter) -> None:
        self.name = name
        self.meter = meter
        self.mean_w = 0.0
        self.slots = self.still = self.steady = 0
        self.behind = False

    @property
    def stands(self) -> bool:
        return self.still >= _STANDS_SLOTS

    @property
    def seems_dead(self) -> bool:
        """Whether its register has moved all week and doesn't now; a pause is over soon."""
        return self.still > 0 and self.steady >= _STEADY_SLOTS and self.meter.counts

    def take(self, watts: float) -> None:
        if watts > 0.0:
            self._move()
        else:
            self.still = min(self.still + 1, _STANDS_SLOTS)
        if self.slots < _MEAN_SLOTS:
            self.slots += 1
        self.mean_w += (watts - self.mean_w) / self.slots

    def _move(self) -> None:
        if not self.stands:
            self.steady = min(self.steady + 1, _STEADY_SLOTS)
        else:
            if self.seems_dead:
                # Repaired: what it didn't count says nothing of its size.
                self.slots = 0
            self.steady = 0
        self.still = 0

    def dump(self) -> list[float | int]:
        return [self.mean_w, self.slots, self.still, self.steady, int(self.behind)]

    @classmethod
    def load(cls, name: str, meter: Meter, row: Sequence[float]) -> "_Device":
        """Also of the rows of before, which had the mean and its number alone."""
        device = cls(name, meter)
        device.mean_w, device.slots = float(row[0]), int(row[1])
        if len(row) > 2:
            device.still, device.steady, device.behind = int(row[2]), int(row[3]), bool(row[4])
        return device


class Mains:
    """The power devices of one home. `chosen`: the device that is named by the configuration;
    `make_meter`: what reads the readings of a device."""

    __slots__ = ("_chosen", "_devices", "_make_meter", "larger", "primary")
    # The device that counts what the home's panels make, where one is named.
    panels = ""

    def __init__(
        self, chosen: str, make_meter: Callable[[str], Meter] = lambda _device: Meter()
    ) -> None:
        self._chosen = chosen
        self._make_meter = make_meter
        # Mostly one: no dictionary, which every reading would have to look through in memory.
        self._devices: tuple[_Device, ...] = ()
        self.primary = chosen
        # Set when a larger device took over: what was learned was of a part of the home. Also when
        # a home that was judged by what it uses (`rules.behind_panels`) is judged by this again.
        self.larger = False

    @property
    def meter(self) -> Meter | None:
        device = self._of(self.primary)
        return None if device is None else device.meter

    def read(self, observation: Observation, at_ms: int) -> Sequence[Slot | Gap] | None:
        """The slots and gaps of the home that an observation completes."""
        name = observation.device
        for device in self._devices:
            if device.name == name:
                break
        else:
            if len(self._devices) >= METERS_MAX and name != self._chosen:
                return None
            device = _Device(name, self._make_meter(name))
            self._devices = (*self._devices, device)
            self.primary = self.primary or name
        done = device.meter.read(at_ms, observation.values, observation.attrs)
        if not done:
            return None
        for part in done:
            if isinstance(part, Slot):
                device.take(part.watts)
        if name == self.primary:
            return done
        if not self._chosen:
            self._maybe_switch(name, device, at_ms)
        return None

    def _of(self, name: str) -> _Device | None:
        return next((device for device in self._devices if device.name == name), None)

    def _maybe_switch(self, name: str, device: _Device, at_ms: int) -> None:
        old = self._of(self.primary)
        if old is None or at_ms - old.meter.last_ms > _QUIET_MS:
            self._switch(name)
            return
        if min(device.slots, old.slots) < _MEAN_SLOTS:
            return
        if device.mean_w <= old.mean_w:
            device.behind = device.behind or not old.stands
        elif device.mean_w > old.mean_w * _LARGER and not (device.behind and old.seems_dead):
            self._switch(name)
            self.larger = True

    def _switch(self, name: str) -> None:
        self.primary = name
        for device in self._devices:
            device.behind = False

    def dump(self) -> dict[str, Any]:
        return {
            "primary": self.primary,
            "meters": {device.name: device.meter.dump() for device in self._devices},
            "means": {device.name: device.dump() for device in self._devices},
            **({"used": {"known": True}} if self.larger else {}),
        }

    @classmethod
    def load(cls, chosen: str, document: Mapping[str, Any]) -> "Mains":
        mains = cls(chosen)
        mains.restore(document)
        return mains

    def restore(self, document: Mapping[str, Any]) -> None:
        meters, means = document["meters"], document["means"]
        if means.keys() != meters.keys():
            raise ValueError("meters without their means")
        for name, row in meters.items():
            device = _Device.load(intern(str(name)), Meter.load(row), means[name])
            self._devices = (*self._devices, device)
        self.primary = intern(self._chosen or str(document["primary"]))
        self.larger = bool(document.get("used", {}).get("known"))
