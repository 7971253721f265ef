"""Whether what is begun again and again also lasts: a connection that is had each time and lost a
moment later looks well at most moments. Pure."""

from typing import Final

# A line that has lasted so long is well; the longest pause between two is as long.
LASTS_S: Final = 10.0
# A node that restarts ends a line or two early; a fourth has another reason.
ENDS_MAX: Final = 3


class Lasting:
    """Written by one thread; `state` may be asked from any."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._early_ends = 0

    def began(self, now_s: float) -> None:
        self._began_s = now_s

    def ended(self, now_s: float) -> None:
        """What never began has not ended: whoever could not begin says so itself."""
        began_s, self._began_s = self._began_s, None
        if began_s is not None:
            self._early_ends = self._early_ends + 1 if now_s - began_s < LASTS_S else 0

    def state(self, now_s: float) -> str:
        """ "ok", or what is wrong; the log has the reasons."""
        began_s, ends = self._began_s, self._early_ends
        lasts = began_s is not None and now_s - began_s >= LASTS_S
        if ends <= ENDS_MAX or lasts:
            return "ok"
        return f"ended {ends} times, each within {LASTS_S:g} s: see the log"
