"""Proof of life other than electricity: what only a person can have caused.

A press, a fall or an "I'm well"; a movement; a door, bed or presence sensor that changed; a
measurement that somebody took of herself. Detectors of smoke, gas and leaks prove nothing, nor does
a sensor that repeats what it said before.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from contract.kinds import says_well
from rules.finding import EvidenceValue
from rules.local_time import HOUR_MS
from rules.rule import Observation

# State sensors remembered per home; one beyond it only proves life when it says so outright.
SENSORS_MAX: Final = 32

_PRESSED: Final = frozenset({"sos", "fall"})
_MEASURED: Final = frozenset(
    {"blood_pressure", "oximetry", "heart_rate", "temperature", "glucose", "weight"}
)
# Kind → its value; a change is proof.
_CHANGES: Final[Mapping[str, str]] = {"contact": "open", "bed": "occupied", "presence": "present"}

# Back so soon that nobody had been away: on the tuning homes four of five silences that were none
# had ended by then, and one of seven that were some.
SOON_MS: Final = 10 * HOUR_MS
# Until then nobody can say: of those that ended in these next ten hours a third were none.
DOUBTED_MS: Final = 20 * HOUR_MS

# A human has heard from somebody of the home that all is well, as the book says: an observation of
# the hub's own. It proves that somebody lives, not that anybody is at home.
SAID_WELL: Final = "said_well"

# What watches a home by itself.
SENSOR_KINDS: Final = frozenset(_CHANGES) | {"motion"}
LIFE_KINDS: Final = _PRESSED | _MEASURED | SENSOR_KINDS


def remembered(kind: str) -> bool:
    """Whether `Signs` keeps what sensors of this kind said last."""
    return kind in _CHANGES


class LifeReason(StrEnum):
    # Raised.
    NO_ACTIVITY = "no_activity"
    NO_MOVEMENT = "no_movement"
    LEFT_BY_DOOR = "left_by_door"
    # Cleared: electricity, energy used while nobody was looking, or a proof.
    ACTIVITY = "activity"
    ENERGY_UNSEEN = "energy_unseen"
    PRESSED = "pressed"
    MEASURED = "measured"
    MOVED = "moved"
    SAID_WELL = "said_well"
    FOUND_WELL = "found_well"
    # Words for the screen.
    LEARNING = "learning"
    NO_METER = "no_meter"
    METER_QUIET = "meter_quiet"
    SUPPLY_DEAD = "supply_dead"
    WEAK_SIGNAL = "weak_signal"
    COARSE_REGISTER = "coarse_register"
    LIVED_WHILE_AWAY = "lived_while_away"
    SENSORS_LEARNING = "sensors_learning"
    SENSORS_WELL = "sensors_well"


class Signs:
    """The last proof of life of a home."""

    __slots__ = ("_device", "_reason", "_states", "last_ms")

    def __init__(self) -> None:
        self.last_ms: int | None = None
        self._reason: LifeReason | None = None
        self._device = ""
        # None until a sensor of states has spoken: most homes have none.
        self._states: dict[str, float] | None = None

    def read(self, observation: Observation) -> LifeReason | None:
        """What kind of proof an observation is, None when it is none."""
        kind = observation.kind
        if kind in _PRESSED:
            return None if observation.attrs.get("action") == "clear" else LifeReason.PRESSED
        if kind in _MEASURED:
            return LifeReason.MEASURED
        if kind == "motion":
            return LifeReason.MOVED if observation.values.get("active", 0.0) > 0 else None
        if kind == SAID_WELL or says_well(kind, observation.attrs):
            return LifeReason.SAID_WELL
        name = _CHANGES.get(kind)
        value = None if name is None else observation.values.get(name)
        if value is None:
            return None
        key = f"{observation.device}|{kind}"
        states = self._states
        if states is None:
            states = self._states = {}
        before = states.get(key)
        if before is None and len(states) >= SENSORS_MAX:
            return None
        states[key] = value
        return LifeReason.MOVED if before is not None and before != value else None

    def alive(self, at_ms: int, reason: LifeReason, device: str) -> bool:
        """Note a proof; False when a later one is known already."""
        if self.last_ms is not None and at_ms <= self.last_ms:
            return False
        self.last_ms = at_ms
        self._reason = reason
        self._device = device
        return True

    @property
    def there(self) -> bool:
        """Whether a bed or a presence sensor says that somebody is there."""
        states = self._states or {}
        return any(value > 0 and not key.endswith("|contact") for key, value in states.items())

    def shown(self) -> dict[str, EvidenceValue]:
        if self.last_ms is None:
            return {}
        return {
            "last_sign_ms": self.last_ms,
            "last_sign": self._reason,
            "last_sign_device": self._device,
        }

    def dump(self) -> dict[str, Any]:
        return {
            "last": self.last_ms,
            "reason": self._reason,
            "device": self._device,
            "states": self._states or {},
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Signs":
        signs = cls()
        last, reason = document["last"], document["reason"]
        signs.last_ms = None if last is None else int(last)
        signs._reason = None if reason is None else LifeReason(reason)
        signs._device = str(document["device"])
        signs._states = {str(k): float(v) for k, v in document["states"].items()} or None
        return signs
