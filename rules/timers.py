"""The queue of what wants to be woken: one for all homes and rules. Pure.

(due, home, rule, cell)     one live entry a cell, at or before its monitor's due time
(due, home, rule, sleeper)  of a state that sleeps; the time is what its bytes say
"""

import heapq
from typing import Final

from rules.cells import Cell


class Sleeper:
    """Stands for the cell of a state that sleeps."""

    def __lt__(self, other: object) -> bool:
        # As of cells: equal in (due, home, rule) are twins only.
        return False


Entry = tuple[int, str, str, Cell | Sleeper]
_SLEEPER: Final = Sleeper()


class Timers:
    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: Final[list[Entry]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def plan(self, cell: Cell) -> None:
        """Keep one live entry at or before the monitor's due time."""
        due_ms = cell.monitor.due_ms
        if due_ms is None or (cell.scheduled_ms is not None and cell.scheduled_ms <= due_ms):
            return
        cell.scheduled_ms = due_ms
        heapq.heappush(self._heap, (due_ms, cell.home, cell.rule.name, cell))

    def plan_asleep(self, due_ms: int, home: str, rule: str) -> None:
        heapq.heappush(self._heap, (due_ms, home, rule, _SLEEPER))

    def take(self, now_ms: int) -> Entry | None:
        """The next entry due by now, in the order of (due, home, rule)."""
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            entry = heapq.heappop(heap)
            cell = entry[3]
            if isinstance(cell, Sleeper):
                return entry
            if cell.scheduled_ms == entry[0]:
                cell.scheduled_ms = None
                return entry
        return None

    def first(self) -> Entry | None:
        """The earliest entry that somebody still waits for."""
        heap = self._heap
        while heap:
            due_ms, _home, _rule, cell = heap[0]
            if isinstance(cell, Sleeper):
                return heap[0]
            if cell.scheduled_ms == due_ms:
                if cell.monitor.due_ms == due_ms:
                    return heap[0]
                cell.scheduled_ms = None
                heapq.heappop(heap)
                self.plan(cell)
            else:
                heapq.heappop(heap)
        return None
