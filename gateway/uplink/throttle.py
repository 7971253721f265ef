"""How much a lane hands to its line at once. Pure: time comes in.

A line of the countryside carries a few kilobytes a second. What is handed to it waits in the
kernel, unseen, and a broker that could not confirm it in time looks as dead as one that is: the
connection is given up, and everything is handed over once more, for ever. So a lane that was not
confirmed in time hands over less, and more again as soon as confirmations come quickly; where they
come neither quickly nor late, a little more each time, for a line may be long and not thin.
"""

from typing import Final

# A time-out says that it was far too much; one item always goes.
CUT: Final = 4
ITEMS_MIN: Final = 1
# Confirmed in less than this: the line had room to spare.
QUICK_S: Final = 2.0
# In more than this: half a time-out, and the next may be larger.
SLOW_S: Final = 5.0


class Throttle:
    """At most `items` in an envelope and `envelopes` without confirmation; begins with all."""

    def __init__(self, items: int, envelopes: int) -> None:
        self._items_max = self.items = items
        self._envelopes_max = self.envelopes = envelopes

    def timed_out(self) -> None:
        self.items = max(ITEMS_MIN, self.items // CUT)
        self.envelopes = 1

    def confirmed(self, after_s: float) -> None:
        if after_s < QUICK_S:
            self.items = min(self._items_max, self.items * 2)
            self.envelopes = min(self._envelopes_max, self.envelopes + 1)
        elif after_s > SLOW_S:
            self.items = max(ITEMS_MIN, self.items // 2)
            self.envelopes = max(1, self.envelopes // 2)
        else:
            self.items = min(self._items_max, self.items + 1)
