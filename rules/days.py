"""The remembered days of a home, as columns: a province of days as objects would not fit. Pure.

blocks   48 bytes a day, as `rules.lived_days.Day` has them
watts    its floor and its mean
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

from rules.byte_rows import ByteRows
from rules.lived_days import BLOCKS, Day, checked_day
from rules.packed import packed, unpacked

_WATTS: Final = 2


class Days(Sequence[Day]):
    """Oldest first; like a list of them."""

    __slots__ = ("_blocks", "_watts")

    def __init__(self, days: Iterable[Day] = ()) -> None:
        self._blocks = ByteRows(BLOCKS)
        # Watts of a window (`rules.window`), which fit into two bytes.
        self._watts = array("H")
        self.extend(days)

    def append(self, day: Day) -> None:
        self._blocks.append(day.blocks)
        self._watts.extend((day.floor_w, day.mean_w))

    def extend(self, days: Iterable[Day]) -> None:
        for day in days:
            self.append(day)

    def forget(self, days: Iterable[Day]) -> None:
        """Each of these once, the newest of several alike; those that are gone are no matter."""
        kept = list(self)[::-1]
        for day in days:
            if day in kept:
                kept.remove(day)
        fresh = Days(kept[::-1])
        self._blocks, self._watts = fresh._blocks, fresh._watts

    def keep(self, count: int) -> None:
        """Forget all but the newest."""
        self._blocks.keep(count)
        del self._watts[: -count * _WATTS]

    @property
    def floor_w(self) -> int:
        """The lowest floor; 0 of no day."""
        return min(self._watts[::_WATTS], default=0)

    @property
    def usual_floor_w(self) -> int:
        """That of the day in the middle; 0 of no day."""
        floors = sorted(self._watts[::_WATTS])
        return floors[len(floors) // 2] if floors else 0

    @property
    def lived_w(self) -> int:
        """What the poorest day used above its floor, as a mean."""
        floors, means = self._watts[::_WATTS], self._watts[1::_WATTS]
        return min((mean - floor for floor, mean in zip(floors, means, strict=True)), default=0)

    def __len__(self) -> int:
        return len(self._watts) // _WATTS

    def __iter__(self) -> Iterator[Day]:
        watts = self._watts
        for number, blocks in enumerate(self._blocks):
            yield Day(blocks, *watts[number * _WATTS : (number + 1) * _WATTS])

    @overload
    def __getitem__(self, place: int) -> Day: ...
    @overload
    def __getitem__(self, place: slice) -> list[Day]: ...
    def __getitem__(self, place: int | slice) -> Day | list[Day]:
        if isinstance(place, slice):
            return list(self)[place]
        return list(self)[range(len(self))[place]]

    # Disk.

    def dump(self) -> dict[str, str]:
        blocks = array("B", self._blocks.joined())
        return {"blocks": packed(blocks), "watts": packed(self._watts)}

    @classmethod
    def load(cls, document: Any) -> "Days":
        """Also of the rows, a day each, that states of before had. ValueError, TypeError or
        OverflowError when it is neither."""
        if isinstance(document, list):
            return cls(checked_day(row) for row in document)
        days = cls()
        days._blocks = ByteRows(BLOCKS, unpacked("B", document["blocks"]))
        days._watts = unpacked("H", document["watts"])
        if len(days._watts) % _WATTS or len(days._blocks) != len(days):
            raise ValueError(f"{len(days._blocks)} days, {len(days._watts)} of their watts")
        return days
