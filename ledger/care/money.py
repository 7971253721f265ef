"""What care may cost and has cost (notice, section 4.2: at least 800 yuan a person and year). Pure.

Money is in fen, as integers; a year is a calendar year in the county's time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FEN: Final = 100
# 人均年服务费不低于 800 元.
YEAR_FEN: Final = 800 * FEN
# A line above a million yuan is a slip of the keyboard; a county's whole year is about ten.
LINE_MAX_FEN: Final = 1_000_000 * FEN


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyState:
    """One region and year. `needed`: persons times 800 yuan; `left` below zero is overdrawn."""

    persons: int
    needed_fen: int
    granted_fen: int
    spent_fen: int

    @property
    def left_fen(self) -> int:
        return self.granted_fen - self.spent_fen

    @property
    def short_fen(self) -> int:
        """What was granted less than the notice asks for."""
        return max(0, self.needed_fen - self.granted_fen)


def add_up(persons: int, granted_fen: Iterable[int], spent_fen: Iterable[int]) -> MoneyState:
    return MoneyState(
        persons=persons,
        needed_fen=persons * YEAR_FEN,
        granted_fen=sum(granted_fen),
        spent_fen=sum(spent_fen),
    )
