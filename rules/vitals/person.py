"""What is known of one person's vital sign, and its form on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rules.vitals.days import Days
from rules.vitals.measures import History
from rules.vitals.params import DAY_MS, HOUR_MS, HabitParams

# After a restart the hub has missed what the gateways still hold: a day until they are heard out.
_RESUME_GRACE_MS: Final = DAY_MS
# A cuff empties its memory oldest first: what is last there is not the last yet.
_SETTLE_MS: Final = 6 * HOUR_MS

# The most occasions that a watch value can be asked to be seen on.
_SEEN_MAX: Final = 5

MISSING: Final = "missing"


@dataclass(slots=True, kw_only=True)
class Pending:
    """A first measurement that waits for its repeat."""

    began_ms: int
    due_ms: int
    device: str
    item: str


class Person:
    """`troubles`: trouble → [level, measured time of the last news]. `seen`: trouble → times of
    watch values not told yet. `runs`: trouble → [since, until] that a stream was beyond a limit."""

    __slots__ = (
        "asked_day",
        "days",
        "device",
        "history",
        "item",
        "last_ms",
        "missing_from_ms",
        "pending",
        "runs",
        "seen",
        "troubles",
    )

    def __init__(self) -> None:
        self.history = History()
        self.days = Days()
        # In the order of their arrival; no two can be each other's repeat, so they are few.
        self.pending: list[Pending] = []
        self.troubles: dict[str, list[int]] = {}
        self.seen: dict[str, list[int]] = {}
        self.runs: dict[str, list[int]] = {}
        # The day at whose beginning the trend was looked at last.
        self.asked_day = 0
        # The newest measurement: when, by what.
        self.last_ms: int | None = None
        self.device = ""
        self.item = ""
        # Nothing is missing before this.
        self.missing_from_ms = 0

    def measured(self, at_ms: int, device: str, item: str, now_ms: int) -> bool:
        """Note the newest measurement; False when it is not the newest."""
        self.missing_from_ms = max(self.missing_from_ms, now_ms + _SETTLE_MS)
        if self.last_ms is not None and at_ms <= self.last_ms:
            return False
        self.last_ms, self.device, self.item = at_ms, device, item
        return True

    def resume(self, now_ms: int) -> None:
        self.missing_from_ms = max(self.missing_from_ms, now_ms + _RESUME_GRACE_MS)

    def missing_due_ms(self, habit: HabitParams | None) -> int | None:
        """When a measurement will be missing, if none comes; None when nothing will be."""
        if habit is None or self.last_ms is None or MISSING in self.troubles:
            return None
        after_ms = self.days.overdue_after_ms(habit)
        return None if after_ms is None else max(self.last_ms + after_ms, self.missing_from_ms)

    def run(self, trouble: str, at_ms: int, began_ms: int, gap_ms: int) -> int:
        """How long a stream has been beyond a limit, with this reading at its end."""
        run = self.runs.get(trouble)
        if run is None or not 0 <= at_ms - run[1] <= gap_ms:
            run = self.runs[trouble] = [min(began_ms, at_ms), at_ms]
        run[1] = at_ms
        return at_ms - run[0]

    def occasions(self, trouble: str, at_ms: int, apart_ms: int, within_ms: int) -> int:
        """On how many occasions a watch value was seen, this one included."""
        times = self.seen.setdefault(trouble, [])
        times[:] = [t for t in times if at_ms - t <= within_ms]
        if all(abs(at_ms - t) > apart_ms for t in times):
            times.append(at_ms)
        del times[:-_SEEN_MAX]
        return len(times)

    def dump(self) -> dict[str, Any]:
        return {
            "history": self.history.dump(),
            "days": self.days.dump(),
            "pending": [[p.began_ms, p.due_ms, p.device, p.item] for p in self.pending],
            "troubles": self.troubles,
            "seen": self.seen,
            "runs": self.runs,
            "asked_day": self.asked_day,
            "last": [self.last_ms, self.device, self.item],
            "missing_from": self.missing_from_ms,
        }

    @classmethod
    def load(cls, document: Mapping[str, Any], width: int) -> "Person":
        person = cls()
        person.history = History.load(document["history"], width)
        person.days = Days.load(document["days"])
        person.pending = [
            Pending(began_ms=int(began), due_ms=int(due), device=str(device), item=str(item))
            for began, due, device, item in document["pending"]
        ]
        person.troubles = _times(document["troubles"])
        person.seen = _times(document["seen"])
        person.runs = _times(document["runs"])
        person.asked_day = int(document["asked_day"])
        last_ms, device, item = document["last"]
        person.last_ms = None if last_ms is None else int(last_ms)
        person.device, person.item = str(device), str(item)
        person.missing_from_ms = int(document["missing_from"])
        return person


def _times(table: Mapping[str, Sequence[Any]]) -> dict[str, list[int]]:
    return {str(name): [int(v) for v in row] for name, row in table.items()}
