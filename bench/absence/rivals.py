"""The two simple methods to beat, on the same readings: what a fixed limit and a change tell.

Both are given what makes them better: missing quarter-hours stop their clock, and an alarm comes
once until somebody has been seen again.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bench.absence.houses import Span
from bench.absence.meters import Tape, quarters

QUIET_SLOTS: Final = 96
_BASE_DAYS: Final = 7


def base_plus_150(watts: np.ndarray) -> np.ndarray:
    """Active: above the base of the last week (its lowest twentieth) by 150 W."""
    size = _BASE_DAYS * 96
    padded = np.concatenate([np.full(size - 1, np.nan), watts])
    windows = sliding_window_view(padded, size)[::96]
    with np.errstate(all="ignore"):
        base = np.repeat([_low(w) for w in windows], 96)[: len(watts)]
    return watts > base + 150.0


def change(watts: np.ndarray) -> np.ndarray:
    """Active: more than 100 W away from the median of the last six hours."""
    padded = np.concatenate([np.full(23, np.nan), watts])
    windows = sliding_window_view(padded, 24)
    ordered = np.sort(np.nan_to_num(windows, nan=np.inf), axis=1)
    seen = np.isfinite(windows).sum(axis=1)
    middle = ordered[np.arange(len(watts)), np.maximum(seen - 1, 0) // 2]
    active: np.ndarray = np.abs(watts - middle) > 100.0
    return active


def _low(window: np.ndarray) -> float:
    seen = window[np.isfinite(window)]
    return float(np.quantile(seen, 0.05)) if len(seen) else np.inf


METHODS: Final[Mapping[str, Callable[[np.ndarray], np.ndarray]]] = {
    "base+150": base_plus_150,
    "change": change,
}


def alarms(tape: Tape, method: str) -> list[Span]:
    """From when to when the method would call: after 24 seen hours without activity."""
    watts = quarters(tape)
    active = METHODS[method](watts)
    seen = np.isfinite(watts)
    found: list[Span] = []
    quiet, told = 0, False
    for slot in range(len(watts)):
        if not seen[slot]:
            continue
        if active[slot]:
            if told:
                found[-1] = Span(start=found[-1].start, end=(slot + 1) * 15)
            quiet, told = 0, False
            continue
        quiet += 1
        if quiet >= QUIET_SLOTS and not told and slot > 3 * 96:
            told = True
            found.append(Span(start=(slot + 1) * 15, end=len(watts) * 15))
    return found
