"""How long it has been quiet in a home, in quarter-hours that were seen or still wait. Pure.

A proof of life of this moment ends whatever was quiet before, so the quarter-hours that wait
(`rules.waiting`) need not be looked at for it: it is noted how far they went when it came.

    kept:    #  #  #  #  #  #  #        looked at later
                       |
              proved_ms: a proof came    quiet from here on
"""

from collections.abc import Mapping
from typing import Any, Final

from rules.living import Living
from rules.mains import Mains
from rules.metering import SLOT_MS
from rules.waiting import NEVER, SLOTS_MAX, Calm, Waiting

# The slot in which a proof came is not quiet, and is counted when it ends.
_JUST_PROVED: Final = -1


class QuietTime:
    """slots: seen since the last proof of life. seen_ms: the end of the last that was looked at;
    calm_ms: until when nothing can be found; proved_ms: a proof came when the slots until then were
    waiting. `_waiting`: those of the home, once there are any."""

    __slots__ = ("_waiting", "calm_ms", "proved_ms", "seen_ms", "slots")

    def __init__(self) -> None:
        self.slots = 0
        self.seen_ms = -1
        self.calm_ms = -1
        self.proved_ms = -1
        self._waiting: Waiting | None = None

    def follow(self, waiting: Waiting) -> None:
        self._waiting = waiting

    def read_ms(self, own: Mains | None) -> int:
        """When the home's meter was read last, -1: never. own: what reads it, if not the feed."""
        waiting = self._waiting
        mains = waiting.mains if own is None and waiting is not None else own
        meter = None if mains is None else mains.meter
        return self.seen_ms if meter is None else meter.last_ms

    def sees(self, end_ms: int) -> bool:
        """Look at a slot; False when it isn't new."""
        if end_ms <= self.seen_ms:
            return False
        if 0 <= self.proved_ms < end_ms:
            self._prove()
        self.seen_ms = end_ms
        return True

    def caught_up(self) -> None:
        if 0 <= self.proved_ms <= self.seen_ms:
            self._prove()

    def proof(self, at_ms: int, own: Mains | None) -> None:
        """Somebody was there. Only what was seen since then counts as quiet, and not the slot in
        which it was."""
        read_ms = self.read_ms(own)
        if read_ms < 0:
            return
        since = max(0, (read_ms - at_ms) // SLOT_MS) + _JUST_PROVED
        newest_ms = -1 if self._waiting is None else self._waiting.newest_ms
        if since == _JUST_PROVED and 0 <= self.seen_ms < newest_ms:
            self.proved_ms = newest_ms
        else:
            self.slots = min(self.slots, since)

    def broken(self) -> None:
        """Somebody is back, by electricity; what comes next is judged from the beginning."""
        self.slots = min(self.slots, 0)
        self.calm_ms = self.seen_ms

    def begin(self) -> None:
        """Another meter speaks for the home, with slots of its own."""
        self.slots = 0
        self.seen_ms = self.calm_ms = -1

    def calm(self) -> Calm:
        return NEVER if self.calm_ms < 0 else Calm(self.calm_ms)

    def bear(self, living: Living, held: int) -> None:
        """Say anew until when nothing can be found: what is quiet has not lasted a window, or what
        was seen shows too much life for so many slots. held: those that may come all at once."""
        slots = max(living.window - 1 - self.slots, living.patience()) - held
        self.calm_ms = self.seen_ms + max(0, min(slots, SLOTS_MAX)) * SLOT_MS

    def _prove(self) -> None:
        self.slots, self.proved_ms = _JUST_PROVED, -1

    # Disk.

    def dump(self, window: int) -> list[int]:
        return [self.slots, self.seen_ms, self.calm_ms, self.proved_ms, window]

    @classmethod
    def load(cls, document: Mapping[str, Any], living: Living, held: int) -> "QuietTime":
        """held: the last slot that the supply holds. States of before had `quiet_slots` alone, and
        had looked at every slot."""
        quiet = cls()
        if "quiet" not in document:
            newest = max(living.newest, held)
            quiet.slots = int(document["quiet_slots"])
            quiet.seen_ms = quiet.calm_ms = (newest + 1) * SLOT_MS if newest >= 0 else -1
            return quiet
        slots, seen_ms, calm_ms, proved_ms, of_window = map(int, document["quiet"])
        quiet.slots, quiet.seen_ms, quiet.proved_ms = slots, seen_ms, proved_ms
        # Of another window the bound is another: it is asked anew at the next slot.
        quiet.calm_ms = calm_ms if of_window == living.window else seen_ms
        return quiet
