"""What is wrong with the devices of one home, and how full their batteries are. Seeded and pure.

Batteries run down at all times and are changed before they are empty; an empty one, like every
other trouble, is something that a story brings and `mend` ends.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from device_sims.habits import DAY_MS, HOUR_MS

# "Until further notice": beyond every date this program meets.
_OPEN_END_MS: Final = 1 << 53
# What a device says of itself below this: `battery_low`.
LOW_PCT: Final = 10
# The visitor changes a battery in the routine when so much is left.
_CHANGED_AT_PCT: Final = 12
_LIFE_DAYS: Final = (240, 900)
# Two cells of a button battery, or one of 3 V: full and empty.
_FULL_MV: Final = 3100
_EMPTY_MV: Final = 2300
# Zigbee2MQTT gives a battery device up after this (its passive time-out of 1500 minutes).
GIVEN_UP_MS: Final = 25 * HOUR_MS
DEVICES_CACHED: Final = 65_536

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "flat_battery": "falls to nothing over `days`, says that it is low, then nothing more",
        "jammed_button": "the same press again and again, `every_s` seconds apart",
        "dead_meter": "answers nothing; `frozen` = 1: answers, and its register stands still",
        "stuck_sensor": "motion never ends, a door never changes",
        "noise": "bytes on the lines of the home's gateway for `minutes`",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`model`: the device it has befallen; `until_ms`: when it was mended."""

    kind: str
    model: str
    began_ms: int
    until_ms: int = _OPEN_END_MS
    days: float = 0.0
    every_s: int = 0
    frozen: bool = False

    def lasts(self, at_ms: int) -> bool:
        return self.began_ms <= at_ms < self.until_ms


@dataclass(slots=True)
class Troubles:
    """Of one home."""

    seed: int
    known: list[Trouble] = field(default_factory=list)

    def begin(self, trouble: Trouble) -> None:
        """A second one of the same kind on the same device changes nothing."""
        if self.now(trouble.kind, trouble.model, trouble.began_ms) is None:
            self.known.append(trouble)

    def mend(self, at_ms: int) -> list[Trouble]:
        """Everything works again; returns what was wrong."""
        ended = [t for t in self.known if t.lasts(at_ms)]
        self.known = [replace(t, until_ms=at_ms) if t in ended else t for t in self.known]
        return ended

    def now(self, kind: str, model: str, at_ms: int) -> Trouble | None:
        if not self.known:
            return None
        wanted = (t for t in self.known if t.kind == kind and t.model == model)
        return next((t for t in wanted if t.lasts(at_ms)), None)

    def battery_pct(self, model: str, at_ms: int) -> int:
        """What is left; 0: the device is silent."""
        life_ms, phase_ms = _battery(self.seed, model)
        changed_ms = max(
            (
                t.until_ms
                for t in self.known
                if t.kind == "flat_battery" and t.model == model and t.until_ms <= at_ms
            ),
            default=None,
        )
        flat = self.now("flat_battery", model, at_ms)
        asked_ms = at_ms if flat is None else flat.began_ms
        age_ms = (asked_ms + phase_ms if changed_ms is None else asked_ms - changed_ms) % life_ms
        left = 100.0 - (100 - _CHANGED_AT_PCT) * age_ms / life_ms
        if flat is not None:
            falls_ms = flat.days * DAY_MS
            left *= max(0.0, 1.0 - (at_ms - flat.began_ms) / falls_ms) if falls_ms else 0.0
        return round(left)

    def low_at_ms(self, flat: Trouble) -> int:
        """When a battery that falls has `LOW_PCT` left."""
        full = max(LOW_PCT, self.battery_pct(flat.model, flat.began_ms))
        return flat.began_ms + int(flat.days * DAY_MS * (1 - LOW_PCT / full))

    def is_flat(self, model: str, at_ms: int) -> bool:
        return self.now("flat_battery", model, at_ms) is not None and not self.battery_pct(
            model, at_ms
        )


def battery_mv(pct: int) -> int:
    return _EMPTY_MV + (_FULL_MV - _EMPTY_MV) * pct // 100


@lru_cache(maxsize=DEVICES_CACHED)
def _battery(seed: int, model: str) -> tuple[int, int]:
    """How long a battery lasts here, and how old it is at the epoch."""
    r = random.Random(f"{seed} {model} battery")
    life_ms = int(r.uniform(*_LIFE_DAYS) * DAY_MS)
    return life_ms, r.randrange(life_ms)
