"""Silences of sensors that are remembered, and which of them make room."""

from rules.still_silences import KEPT_MAX, Still, StillSilences

HOUR_MS = 3_600_000


def still(day: int, *, soon: bool) -> Still:
    since_ms = day * 24 * HOUR_MS
    return Still(day, float(day), since_ms, since_ms + 20 * HOUR_MS, soon)


def test_journeys_push_out_no_silence_that_was_none() -> None:
    known = StillSilences()
    for day in (1, 2):
        known.end(still(day, soon=True))
    for day in range(3, 3 + 2 * KEPT_MAX):
        known.end(still(day, soon=False))
    assert known.none_since(0) == [1.0, 2.0]
    assert len(known.dump()[0]) == KEPT_MAX


def test_of_silences_that_were_none_the_oldest_makes_room() -> None:
    known = StillSilences()
    for day in range(1, 3 + KEPT_MAX):
        known.end(still(day, soon=True))
    assert known.none_since(0) == [float(day) for day in range(3, 3 + KEPT_MAX)]
