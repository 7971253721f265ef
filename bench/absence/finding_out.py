"""What people find out about the alarms of a home, and when they say so: as in a county.

Fixed before the rule was run with it. An alarm is closed two to eight hours after it was raised.
One of five is closed without a word of how it was; one of twenty says the wrong thing, for whoever
closes it was told so by a neighbour, or pressed beside it. The rest say what was so: nobody was
there, or somebody was and is well. Whoever goes sees it half way between.

Only where it is known who was at home: of the homes of people who were metered nobody knows when
they travelled.
"""

from typing import Final, NamedTuple

import numpy as np

from bench.absence.houses import House
from bench.absence.meters import BEGIN_MS, MINUTE_MS, Seen
from rules.found_out import FOUND_OUT, FoundOut

CLOSED_MIN: Final = (2 * 60, 8 * 60)
UNSAID: Final = 0.20
WRONG: Final = 0.05
# Somebody who has just come home may not have touched anything yet.
BACK_MIN: Final = 60


class Answer(NamedTuple):
    """What is told at this minute of an alarm."""

    minute: int
    seen: Seen


class County:
    """Whoever closes the alarms of one home; the same answers for the same home."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._chance = np.random.default_rng([*house.name.encode(), *b"county"])

    def answer(self, minute: int, raised_ms: int) -> Answer | None:
        """To an alarm of this minute; None: nobody says how it was."""
        delay_min = int(self._chance.uniform(*CLOSED_MIN))
        luck = self._chance.random()
        if luck < UNSAID:
            return None
        away = is_away(self._house, minute)
        if luck < UNSAID + WRONG:
            away = not away
        told_ms = raised_ms + delay_min * MINUTE_MS
        return Answer(
            minute + delay_min,
            Seen(
                id=f"told-{minute}",
                device="",
                kind=FOUND_OUT,
                measured_at_ms=raised_ms + delay_min * MINUTE_MS // 2,
                received_at_ms=told_ms,
                values={"raised_ms": float(raised_ms), "until_ms": float(told_ms)},
                attrs={"found_out": FoundOut.WAS_OUT if away else FoundOut.WAS_IN_AND_WELL},
            ),
        )


def is_away(house: House, minute: int) -> bool:
    """Whether nobody is about: by the calendar of absences or without it."""
    away = (*house.absences, *house.nobody_about)
    return any(span.start <= minute <= span.end + BACK_MIN for span in away)


def minute_of(at_ms: int) -> int:
    return (at_ms - BEGIN_MS) // MINUTE_MS
