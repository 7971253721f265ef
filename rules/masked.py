"""Who is away from a home, and whether its machines look like somebody meanwhile. Pure.

While everybody is away or in hospital, by what was said, a home that goes on to look lived in shows
that its electricity can't tell: there `well` would be a guess. It goes on to be judged, for a day
that looks empty is still worth an alarm, and shows that it can be told.

    away          |-- leaving --|-------- a window --------|-- sure --|      each window that lies
                                  looked lived in, far above the limit       within the stay counts

A stay that ended sooner says nothing, nor one in which anybody gave a sign or that had visitors.
Of who is in hospital the family may sleep in the home, and who is back may have told nobody; where
electricity ended an absence a day and more before it was to be over nobody knows whether somebody
came or a machine ran: it takes two of these, and no day between them that looked empty.
"""

from collections.abc import Mapping
from typing import Any, Final

from rules.living import Living
from rules.local_time import HOUR_MS
from rules.metering import SLOT_MS
from rules.quiet_limit import is_back
from rules.rule import Observation
from rules.signs import LifeReason
from rules.staying import AWAY, HOSPITAL, NO_STAY, VISITORS, Staying

# What is seen so soon after the beginning is the leaving itself.
LEAVING_MS: Final = 3 * HOUR_MS
# Windows of so long must look lived in: of who comes back early, and ends the absence by it, the
# first of them looked empty.
SURE_MS: Final = 3 * HOUR_MS
# Points that prove it, and those of a stay.
_PROVED: Final = 2
_THERE: Final = frozenset(
    {LifeReason.PRESSED, LifeReason.MEASURED, LifeReason.MOVED, LifeReason.FOUND_WELL}
)
_POINTS_AWAY: Final = 2
_POINTS_DOUBTED: Final = 1
# Who is back so long before what was said changed their mind; who is back sooner is back.
CUT_SHORT_MIN_MS: Final = 24 * HOUR_MS


class Masked:
    """staying: who is away. since_ms: when it was proved that electricity can't tell; None: it
    wasn't. `_left_ms`: since when they are away; None: they aren't, or their stay says nothing any
    more. `_lived_ms`: the end of the first window in it that looked lived in. `_points`: of the
    stays that were seen."""

    __slots__ = ("_left_ms", "_lived_ms", "_points", "since_ms", "staying")

    def __init__(self, staying: Staying = NO_STAY) -> None:
        self.staying = staying
        self.since_ms: int | None = None
        self._points = 0
        self._left_ms: int | None = None
        self._lived_ms: int | None = None

    @property
    def watches(self) -> bool:
        """Whether each quarter-hour is to be seen as it comes."""
        return self._left_ms is not None

    def told(self, observation: Observation, now_ms: int) -> None:
        """Who is away, or no more."""
        before, self.staying = self.staying, self.staying.told(observation, now_ms)
        over = before.now(AWAY) and not self.staying.now(AWAY)
        cut_ms = observation.values.get("cut_short_ms", 0.0)
        if self.watches and over and cut_ms >= CUT_SHORT_MIN_MS:
            self._count(_POINTS_DOUBTED, now_ms)
        if self.staying.now(VISITORS) or not _absent(self.staying):
            self._leave()
        elif not _absent(before):
            self._left_ms, self._lived_ms = now_ms, None

    def sign(self, at_ms: int, why: LifeReason) -> None:
        """A proof of life: of somebody who was there, or not."""
        left_ms = self._left_ms
        if left_ms is not None and at_ms >= left_ms + LEAVING_MS and why in _THERE:
            self._leave()

    def judged(self, living: Living) -> None:
        """The window is judged, beside its limit."""
        if self._left_ms is None or living.activity is None or living.quiet.limit <= 0.0:
            return
        if living.window_from_number() * SLOT_MS < self._left_ms + LEAVING_MS:
            return
        end_ms = (living.newest + 1) * SLOT_MS
        if living.activity <= living.quiet.limit:
            self.seen()
        elif not is_back(living.activity, living.quiet.limit):
            self._leave()
        elif self._lived_ms is None:
            self._lived_ms = end_ms
        elif end_ms - self._lived_ms >= SURE_MS:
            away = self.staying.now(AWAY)
            self._count(_POINTS_AWAY if away else _POINTS_DOUBTED, end_ms)

    def _count(self, points: int, at_ms: int) -> None:
        self._points = min(self._points + points, _PROVED)
        if self._points >= _PROVED and self.since_ms is None:
            self.since_ms = at_ms
        self._leave()

    def seen(self) -> None:
        """The home looked empty, so electricity can tell; or it is judged otherwise now."""
        self.since_ms, self._points = None, 0
        self._leave()

    def _leave(self) -> None:
        """The stay of now says nothing more."""
        self._left_ms = self._lived_ms = None

    def dump(self) -> dict[str, Any]:
        known = [self.since_ms, self._points, self._left_ms, self._lived_ms]
        return {
            "staying": self.staying.dump(),
            # Of nearly all homes nothing is known.
            **({"masked": known} if any(known) else {}),
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Masked":
        """Also of a state of before, which says nothing of it."""
        masked = cls(Staying.load(document["staying"]))
        since, points, left, lived = document.get("masked", (None, 0, None, None))
        masked.since_ms, masked._points = _optional(since), int(points)
        masked._left_ms, masked._lived_ms = _optional(left), _optional(lived)
        return masked


def _absent(staying: Staying) -> bool:
    return staying.now(AWAY) or staying.now(HOSPITAL)


def _optional(number: Any) -> int | None:
    return None if number is None else int(number)
