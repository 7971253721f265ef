"""Quarter-hours of a home that its rules look at later, together. Pure.

A quarter-hour mostly changes nothing that anybody would hear of: a rule that learns days asks only
at midnight, one that waits for a long load only after hours. Such a rule says which quarter-hours
can wait (`Calm`); they are kept once for all rules of the home, 24 bytes each, until something
comes that can't:

    quarter-hour -> calm for everybody? -> kept, no rule is asked
                          | no
                          v
            of each rule that it isn't calm for: catch up with what was kept, then see this one

A rule catches up as well before it sees anything else, before its timer and before its limits
change. So what is found, and when, is the same as if every rule saw every quarter-hour at once.
What is kept is written with the state of the feed that made it, a state behind it as it was.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from struct import Struct
from sys import intern
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from rules.byte_rows import ByteRows
from rules.metering import SLOT_MS, Slot
from rules.packed import packed_bytes, unpacked_bytes
from rules.rule import Monitor, Observation

if TYPE_CHECKING:
    from rules.cells import Cell
    from rules.mains import Mains

# Beyond all times and powers.
EVER: Final = 2**62
ANY_W: Final = 1e9
# Half a day: more takes room in every home and saves little, for each rule then catches up once.
SLOTS_MAX: Final = 48
# Its number, how much later than its end it was told in milliseconds, its watts, their grain.
_ROW: Final = Struct("<iidd")
# As programs before wrote it, when nobody who waited asked for the grain.
_FORMER_ROW: Final = Struct("<iid")
_LAG_MAX: Final = 2**31
_NOBODY: Final[Mapping[str, int]] = MappingProxyType({})


class Calm(NamedTuple):
    """The quarter-hours that a monitor need not see at once: those that end at `until_ms` or before
    and are below `below_w`. To each of them it would answer `NOTHING` or `UNCHANGED`, and its
    `due_ms` would stay; when it has seen some of them, the others are as calm as before."""

    until_ms: int
    below_w: float = ANY_W


ALWAYS: Final = Calm(EVER)
NEVER: Final = Calm(-1)

# (end, watts, when the hub was told, grain in watts) of quarter-hours, in the order in which they
# came.
Slots = Sequence[tuple[int, float, int, float]]


class Patient(Monitor, Protocol):
    """A monitor of a kind that says `patient = True`. Quarter-hours that it has seen already change
    nothing when they come again."""

    def calm(self) -> Calm: ...

    def minds(self, observation: Observation, now_ms: int) -> bool:
        """Whether what waits must be seen before this. False: the order is no matter, and what is
        calm stays so, and `due_ms`."""
        ...

    def catch_up(self, slots: Slots, device: str) -> None:
        """See quarter-hours of `device` that were calm, as by `observe` of each."""
        ...


def show_meters(monitor: Monitor, waiting: "Waiting | None") -> None:
    """Give a monitor the quarter-hours of its home, and so the meters they come from, if it asks
    for them: it has `follow(waiting)`."""
    follow = getattr(monitor, "follow", None)
    if follow is not None and waiting is not None:
        follow(waiting)


class Waiting:
    """What is kept for one home. Numbers of rows go on for ever; `first`: that of the first kept,
    `count`: that of the next. told: where the rules stood by the state, for those that sleep.
    until_ms, below_w, due_ms: what is calm for all of them. mains: the meters it comes from."""

    __slots__ = (
        "below_w",
        "cells",
        "count",
        "device",
        "due_ms",
        "first",
        "mains",
        "owner",
        "rows",
        "told",
        "until_ms",
    )

    def __init__(self) -> None:
        self.mains: Mains | None = None
        self.device = ""
        self.rows = ByteRows(_ROW.size)
        self.first = self.count = 0
        self.cells: tuple[Cell, ...] = ()
        self.told = _NOBODY
        # The cell in whose state all this is written.
        self.owner: Cell | None = None
        self.until_ms = -1
        self.below_w = ANY_W
        self.due_ms = EVER

    @property
    def newest_ms(self) -> int:
        """The end of the newest that is kept; -1 where there is none."""
        if self.count == self.first:
            return -1
        number, _lag_ms, _watts, _grain_w = _ROW.unpack(self.rows.last())
        return (int(number) + 1) * SLOT_MS

    def keep(self, slot: Slot, device: str, now_ms: int) -> bool:
        """Keep a quarter-hour if it is calm for everybody."""
        number, watts, grain_w = slot
        end_ms = (number + 1) * SLOT_MS
        if (
            end_ms > self.until_ms
            or not watts < self.below_w
            or now_ms >= self.due_ms
            or device != self.device
        ):
            return False
        lag_ms = now_ms - end_ms
        if self.count - self.first >= SLOTS_MAX or not -_LAG_MAX < lag_ms < _LAG_MAX:
            return False
        self.rows.append(_ROW.pack(number, lag_ms, watts, grain_w))
        self.count += 1
        return True

    def has_room(self, end_ms: int, device: str, now_ms: int) -> bool:
        """Whether a quarter-hour could be kept for those who wait."""
        fits = self.count - self.first < SLOTS_MAX and abs(now_ms - end_ms) < _LAG_MAX
        return fits and device == self.device

    def add(self, end_ms: int, watts: float, grain_w: float, now_ms: int) -> None:
        self.rows.append(_ROW.pack(end_ms // SLOT_MS - 1, now_ms - end_ms, watts, grain_w))
        self.count += 1

    def since(self, seen: int, until_now_ms: int = EVER) -> Slots:
        """What was kept from a row on, as far as it was told by `until_now_ms`."""
        # A copy: a screen asks from another thread.
        rows = self.rows.joined()[max(0, seen - self.first) * _ROW.size :]
        found = [
            (end_ms, watts, end_ms + lag_ms, grain_w)
            for number, lag_ms, watts, grain_w in _ROW.iter_unpack(rows)
            for end_ms in ((number + 1) * SLOT_MS,)
        ]
        if until_now_ms < EVER:
            found = list(takewhile(lambda slot: slot[2] <= until_now_ms, found))
        return found

    def stood(self, rule: str) -> int:
        """Where a rule stood by the state; one that the state doesn't know has missed nothing."""
        return max(self.told.get(rule, self.count), self.first)

    def narrow(self, calm: Calm, due_ms: int | None) -> None:
        """Some rule has less patience than before."""
        self.until_ms = min(self.until_ms, calm.until_ms)
        self.below_w = min(self.below_w, calm.below_w)
        if due_ms is not None and due_ms < self.due_ms:
            self.due_ms = due_ms

    def settle(self, *, alone: bool) -> None:
        """All rules are awake: what is calm for all of them, and forget what all have seen. alone:
        nobody else hears quarter-hours, who would have to see each at once."""
        self.told = _NOBODY
        until_ms, below_w, earliest_ms = EVER if alone else -1, ANY_W, EVER
        seen = self.count
        for cell in self.cells:
            cell_until_ms, cell_below_w = cast("Patient", cell.monitor).calm()
            until_ms = min(until_ms, cell_until_ms)
            below_w = min(below_w, cell_below_w)
            due_ms = cell.monitor.due_ms
            if due_ms is not None and due_ms < earliest_ms:
                earliest_ms = due_ms
            seen = min(seen, cell.seen)
        self.until_ms, self.below_w, self.due_ms = until_ms, below_w, earliest_ms
        if seen != self.first:
            self.rows.drop(seen - self.first)
            self.first = seen

    # Disk.

    def dump(self) -> dict[str, Any] | None:
        """None where nobody waits."""
        stands = {**self.told, **{cell.rule.name: cell.seen for cell in self.cells}}
        if not stands:
            return None
        return {
            "device": self.device,
            "slots": packed_bytes(self.rows.joined()),
            "seen": {rule: max(0, seen - self.first) for rule, seen in stands.items()},
            "until": self.until_ms,
            "below": self.below_w,
            "due": self.due_ms,
        }

    @classmethod
    def load(cls, document: Any) -> "Waiting":
        """None: a state of before anybody waited."""
        waiting = cls()
        if document is None:
            return waiting
        waiting.device = intern(str(document["device"]))
        if "rows" in document:
            rows = _with_grains(unpacked_bytes(document["rows"]))
        else:
            rows = unpacked_bytes(document["slots"])
        waiting.rows = ByteRows(_ROW.size, rows)
        waiting.count = len(waiting.rows)
        if waiting.count > SLOTS_MAX:
            raise ValueError(f"{waiting.count} quarter-hours")
        waiting.told = {intern(str(rule)): int(seen) for rule, seen in document["seen"].items()}
        if any(not 0 <= seen <= waiting.count for seen in waiting.told.values()):
            raise ValueError("a rule has seen what was not kept")
        waiting.until_ms, waiting.due_ms = int(document["until"]), int(document["due"])
        waiting.below_w = float(document["below"])
        return waiting


def _with_grains(rows: bytes) -> bytes:
    """Rows of before; who asks for the grain has seen those."""
    if len(rows) % _FORMER_ROW.size:
        raise ValueError(f"{len(rows)} bytes of quarter-hours")
    return b"".join(_ROW.pack(*row, 0.0) for row in _FORMER_ROW.iter_unpack(rows))
