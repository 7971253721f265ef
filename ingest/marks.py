"""Which sequence numbers of a spool are in: finds duplicates and gaps. Pure.

A spool numbers its items 1, 2, 3 … without a hole. Everything up to `contiguous` is in; ranges
that came out of order wait in `beyond` until the hole below them is filled.
"""

from dataclasses import dataclass, field
from typing import Final

# Out-of-order ranges kept for one spool. Resends fill holes from below, so more than this means
# a spool that lost its file; the lowest ranges are then joined and the hole stays reported.
RANGES_MAX: Final = 1000


@dataclass(slots=True)
class SpoolMark:
    """The marks of one spool; mutable, owned by one lane."""

    spool: str
    gateway: str
    contiguous: int = 0
    beyond: list[list[int]] = field(default_factory=list)  # [[first, last], …], sorted, disjoint
    gap_since_ms: int | None = None
    lost: int = 0  # numbers given up when RANGES_MAX was passed

    def add(self, seq: int) -> bool:
        """Note a number; True when it is new."""
        if not self.beyond:
            if seq == self.contiguous + 1:
                self.contiguous = seq
                return True
            if seq <= self.contiguous:
                return False
        return self._add_beyond(seq)

    def _add_beyond(self, seq: int) -> bool:
        if seq <= self.contiguous:
            return False
        place = 0
        for place, (first, last) in enumerate(self.beyond):  # noqa: B007 - place is used below
            if first <= seq <= last:
                return False
            if seq < first:
                break
        else:
            place = len(self.beyond)
        self.beyond.insert(place, [seq, seq])
        self._join()
        return True

    def _join(self) -> None:
        """Merge neighbours and absorb what now follows `contiguous` without a hole."""
        merged: list[list[int]] = []
        for first, last in self.beyond:
            if first == self.contiguous + 1:
                self.contiguous = last
            elif merged and first == merged[-1][1] + 1:
                merged[-1][1] = last
            else:
                merged.append([first, last])
        if len(merged) > RANGES_MAX:
            self.lost += merged[0][0] - self.contiguous - 1
            self.contiguous = merged.pop(0)[1]
        self.beyond = merged

    def has(self, seq: int) -> bool:
        return seq <= self.contiguous or any(f <= seq <= last for f, last in self.beyond)

    def missing(self, last_seq: int | None = None) -> int:
        """How many numbers are missing below the highest known one (or the gateway's own)."""
        highest = max(self.beyond[-1][1] if self.beyond else self.contiguous, last_seq or 0)
        held = self.contiguous + sum(last - first + 1 for first, last in self.beyond)
        return highest - held

    def watch_gap(self, now_ms: int, last_seq: int | None = None) -> int:
        """Milliseconds for which something has been missing; 0 when nothing is."""
        if self.missing(last_seq) == 0:
            self.gap_since_ms = None
            return 0
        if self.gap_since_ms is None:
            self.gap_since_ms = now_ms
        return now_ms - self.gap_since_ms
