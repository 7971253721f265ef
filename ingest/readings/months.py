"""Calendar months of hours since 1970, by UTC. Pure."""

from typing import Final

import numpy as np

# Partitions before the month that it is now: two years of raw readings by the month. What is kept
# longer or comes later is in the table for everything else.
MONTHS_BACK: Final = 24


def month_of_hour(hour: int) -> int:
    """Months since January 1970."""
    return int(np.datetime64(hour, "h").astype("datetime64[M]").astype(np.int64))


def month_span(month: int) -> tuple[int, int]:
    """Its first hour, and the first of the next one."""
    first, end = (
        int(np.datetime64(number, "M").astype("datetime64[h]").astype(np.int64))
        for number in (month, month + 1)
    )
    return first, end


def partition_name(table: str, month: int) -> str:
    return f"{table}_{1970 + month // 12:04}{month % 12 + 1:02}"
