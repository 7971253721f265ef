"""What humans found out about silences of the past, as rules that are played over it hear it. Pure.

A rule that is played may find a silence hours before the alarm of then, or after it, and at another
moment to the second anyway. So a word is of what is found within twelve hours of the alarm, as
everything that is compared here; it is said when it was, and once more at the end of these hours,
for who is found later.
"""

from collections.abc import Iterable
from operator import attrgetter

from alarms.found_out import Told
from hearthwatch.backtest.burden import SAME_CAUSE_MS
from hearthwatch.backtest.past_readings import PastReading
from rules.found_out import FOUND_OUT


def observations(words: Iterable[tuple[int, Told]]) -> list[PastReading]:
    """words: when they were said, and what."""
    found = []
    for said_ms, told in words:
        since_ms, until_ms = told.raised_ms - SAME_CAUSE_MS, told.raised_ms + SAME_CAUSE_MS
        for at_ms in sorted({said_ms, max(said_ms, until_ms)}):
            found.append(
                PastReading(
                    id=f"found_out|{told.raised_ms}",
                    device="",
                    kind=FOUND_OUT,
                    measured_at_ms=told.seen_ms,
                    received_at_ms=at_ms,
                    values={"raised_ms": float(since_ms), "until_ms": float(max(at_ms, until_ms))},
                    attrs={"found_out": told.found_out.value},
                )
            )
    return sorted(found, key=attrgetter("received_at_ms"))
