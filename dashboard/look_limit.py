"""How often a link may be looked at, and how often somebody may try links that are none. Pure."""

from collections import OrderedDict, deque
from typing import Final

WINDOW_MS: Final = 10 * 60_000
# A family that looks every half minute is worried; a program that does more is none of it.
LOOKS_MAX: Final = 30
# Who mistypes a link does so a few times. A link has 256 random bits: this keeps the log quiet.
WRONG_MAX: Final = 20
# Links and addresses remembered; a flood of new ones pushes out the oldest.
REMEMBERED_MAX: Final = 10_000


class LookLimit:
    """`now_ms` is real time: a fast demonstration makes nobody look more often."""

    def __init__(self) -> None:
        self._looks: OrderedDict[str, deque[int]] = OrderedDict()

    def wait_ms(self, who: str, most: int, now_ms: int) -> int:
        """0: go on. Else milliseconds until the next one is heard."""
        looks = self._recent(who, now_ms)
        return 0 if len(looks) < most else max(1, looks[0] + WINDOW_MS - now_ms)

    def count(self, who: str, now_ms: int) -> None:
        self._recent(who, now_ms).append(now_ms)

    def _recent(self, who: str, now_ms: int) -> deque[int]:
        looks = self._looks.setdefault(who, deque())
        self._looks.move_to_end(who)
        # A clock that was set back forgets what it has not seen yet.
        while looks and not now_ms - WINDOW_MS < looks[0] <= now_ms:
            looks.popleft()
        if len(self._looks) > REMEMBERED_MAX:
            self._looks.popitem(last=False)
        return looks
