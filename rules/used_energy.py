"""What a home behind panels uses, by three registers. Pure.

    main meter      taken, given   |             |             |      read in one moment
    panels' meter   made            \\.           .\\           .\\     read beside it
    used            taken + (made - given)

What the panels have made is brought to the moment of the main meter's reading, on a straight line
between the two readings around it; what comes out is a register, and `Meter` makes quarter-hours of
it. So nothing is counted until both meters are read, and what is not known is a gap: another meter,
a reading without what was given, panels unseen while they made something.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from rules.metering import DECIMALS_MAX, GAP_MIN_MS, Gap, Meter, Slot, is_whole, rolled_wh

# Readings of one meter that wait for the other: a day of quarter-hours. Closer than a minute they
# tell nothing more of a step of five.
ROWS_MAX: Final = 96
_APART_MS: Final = 60_000
# A home can't give what its panels didn't make. Both are seen to the last digit, and 5 kW under a
# cloud's edge are read twenty seconds apart; more is a meter that doesn't count.
SLACK_KWH: Final = 0.03
_SLACK_DIGITS: Final = 2
# Of registers of 0.1 kWh three together say too little of a quarter-hour.
DIGITS_LEAST: Final = 2

Row = TypeVar("Row", bound=tuple[Any, ...])
Parts = Sequence[Slot | Gap]
_NOTHING_DONE: Final[Parts] = ()


class Count:
    """A register through its roll-overs: `kwh` goes on. digits: those that it has shown behind the
    point, -1 until it has moved."""

    __slots__ = ("_passed_kwh", "_shown_kwh", "digits")

    def __init__(self) -> None:
        self._shown_kwh = -1.0
        self._passed_kwh = 0.0
        self.digits = -1

    @property
    def kwh(self) -> float:
        return self._passed_kwh + self._shown_kwh

    def read(self, shown_kwh: float) -> bool:
        """False where it can't be the register of before."""
        before_kwh = self._shown_kwh
        if shown_kwh == before_kwh:
            return True
        self._shown_kwh = shown_kwh
        if before_kwh < 0.0:
            return True
        self.digits = max(self.digits, 0)
        while self.digits < DECIMALS_MAX and not is_whole(shown_kwh * 10**self.digits):
            self.digits += 1
        if shown_kwh > before_kwh:
            return True
        wh = rolled_wh(before_kwh, shown_kwh)
        self._passed_kwh = (
            0.0 if wh < 0.0 else self._passed_kwh + wh / 1000 + before_kwh - shown_kwh
        )
        return wh >= 0.0

    def dump(self) -> list[Any]:
        return [self._shown_kwh, self._passed_kwh, self.digits]

    @classmethod
    def load(cls, row: Sequence[Any]) -> "Count":
        count = cls()
        shown, passed, digits = row
        count._shown_kwh, count._passed_kwh = float(shown), float(passed)
        count.digits = int(digits)
        return count


class UsedEnergy:
    """`meter`: of what is used. _main: readings that wait, as (moment, taken, given); _panels: as
    (moment, made). _own_kwh: the most that was made and not given; _torn: what comes next has
    nothing to do with what was."""

    __slots__ = ("_given", "_made", "_main", "_main_ms", "_own_kwh", "_panels", "_taken", "_torn",
                 "meter")  # fmt: skip

    def __init__(self) -> None:
        self.meter = Meter()
        self._taken, self._given, self._made = Count(), Count(), Count()
        self._main: list[tuple[int, float, float]] = []
        self._panels: list[tuple[int, float]] = []
        self._main_ms = -1
        self._own_kwh = 0.0
        self._torn = True

    def main(self, at_ms: int, taken_kwh: float, given_kwh: float) -> Parts:
        """The main meter is read; what that completes."""
        if at_ms <= self._main_ms:
            return _NOTHING_DONE
        self._main_ms = at_ms
        same = self._taken.read(taken_kwh)
        if not self._given.read(given_kwh) or not same:
            self._main, self._torn = [], True
        _add(self._main, (at_ms, self._taken.kwh, self._given.kwh))
        return self._settle()

    def panels(self, at_ms: int, made_kwh: float) -> Parts:
        """The panels' meter is read; what that completes."""
        if self._panels and at_ms <= self._panels[-1][0]:
            return _NOTHING_DONE
        if not self._made.read(made_kwh):
            self._panels, self._torn = [], True
        _add(self._panels, (at_ms, self._made.kwh))
        return self._settle()

    def _settle(self) -> Parts:
        done: list[Slot | Gap] = []
        while self._main and self._panels and self._main[0][0] <= self._panels[-1][0]:
            at_ms, taken_kwh, given_kwh = self._main.pop(0)
            made_kwh = self._made_at(at_ms)
            if made_kwh is not None:
                done.extend(self._count(at_ms, taken_kwh, made_kwh - given_kwh) or ())
        return done

    def _made_at(self, at_ms: int) -> float | None:
        """What the panels had made by then; None where that isn't known."""
        rows = self._panels
        while len(rows) > 1 and rows[1][0] <= at_ms:
            del rows[0]
        (start_ms, start_kwh) = rows[0]
        if at_ms <= start_ms:
            return start_kwh if at_ms == start_ms else None
        (end_ms, end_kwh) = rows[1]
        # By night nothing is made, however long nobody asks.
        if end_kwh == start_kwh:
            return start_kwh
        if end_ms - start_ms > GAP_MIN_MS:
            return None
        return start_kwh + (end_kwh - start_kwh) * (at_ms - start_ms) / (end_ms - start_ms)

    def _count(self, at_ms: int, taken_kwh: float, own_kwh: float) -> Parts | None:
        digits = self._digits()
        if digits < DIGITS_LEAST or at_ms <= self.meter.last_ms:
            return None
        if digits < DECIMALS_MAX:
            own_kwh = round(own_kwh, digits)
        slack_kwh = SLACK_KWH + _SLACK_DIGITS / 10**digits
        if self._torn or own_kwh < self._own_kwh - slack_kwh:
            self._own_kwh, self._torn = own_kwh, False
            return self.meter.begin_again(at_ms, taken_kwh + own_kwh)
        self._own_kwh = max(self._own_kwh, own_kwh)
        return self.meter.read(at_ms, {"energy_kwh": taken_kwh + self._own_kwh}, {})

    def _digits(self) -> int:
        """Of the coarsest. The main meter's two registers have as many: by day one may stand, and
        what small panels give stands for ever."""
        main = [count.digits for count in (self._taken, self._given) if count.digits >= 0]
        return min(self._made.digits, *main) if main else -1

    def with_others(self) -> "UsedEnergy":
        """Of other meters of the same home: what was used meanwhile isn't known."""
        others = UsedEnergy()
        others.meter = self.meter
        return others

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {
            "meter": self.meter.dump(),
            "counts": [count.dump() for count in (self._taken, self._given, self._made)],
            "main": self._main,
            "panels": self._panels,
            "main_ms": self._main_ms,
            "own": self._own_kwh,
            "torn": self._torn,
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "UsedEnergy":
        used = cls()
        used.meter = Meter.load(document["meter"])
        used._taken, used._given, used._made = map(Count.load, document["counts"])
        used._main = [
            (int(at), float(taken), float(given)) for at, taken, given in document["main"]
        ]
        used._panels = [(int(at), float(made)) for at, made in document["panels"]]
        used._main_ms, used._torn = int(document["main_ms"]), bool(document["torn"])
        used._own_kwh = float(document["own"])
        return used


def _add(rows: list[Row], row: Row) -> None:
    if len(rows) > 1 and rows[-1][0] - rows[-2][0] < _APART_MS:
        rows[-1] = row
    else:
        rows.append(row)
    if len(rows) > ROWS_MAX:
        del rows[0]
