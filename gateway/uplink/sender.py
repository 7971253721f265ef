"""Which items to send now. Pure: time comes in, and jitter from a seeded generator.

An item is in flight from its first sending until the hub's application acknowledgement names
it. Nothing else ends a flight: a PUBACK is a promise by the broker's memory. Unacknowledged
items are sent again after 1, 2, 4 … 30 s, for ever.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from contract.item import Item

RESEND_FIRST_S: Final = 1.0
RESEND_MAX_S: Final = 30.0
# A tenth of jitter keeps a hundred gateways from resending in step after an outage.
JITTER: Final = 0.1
# The broker said that nobody listens: the hub is away, and is tried for at this pace.
NOBODY_LISTENS_S: Final = 2.0
# Sendings after which a flight counts as stuck: it is sent at once when the hub is heard again.
STUCK_ATTEMPTS: Final = 3
# Items in flight beside the window; a village doesn't say "I'm well" more often at once.
EXPRESS_MAX: Final = 32


@dataclass(slots=True)
class _Flight:
    item: Item
    attempts: int
    due_s: float
    express: bool = False


class Sender:
    """Items of one lane in flight. `spread` gives a number in [0, 1), for jitter."""

    def __init__(self, window: int, spread: Callable[[], float]) -> None:
        self._window = window
        self._spread = spread
        self._flights: dict[str, _Flight] = {}
        self.highest_seq = 0

    @property
    def room(self) -> int:
        return max(0, self._window - len(self._flights))

    def __len__(self) -> int:
        return len(self._flights)

    def add(self, items: Iterable[Item], now_s: float) -> bool:
        """Take items that follow on; False when one finds no room (the spool gives it later)."""
        for item in items:
            if item.seq <= self.highest_seq:
                continue
            if item.id in self._flights:
                self.highest_seq = item.seq
                continue
            if not self.room:
                return False
            self._flights[item.id] = _Flight(item, 0, now_s)
            self.highest_seq = item.seq
        return True

    def express(self, items: Iterable[Item], now_s: float) -> None:
        """Take items that somebody waits for before all others, however many of these wait."""
        for item in items:
            many = sum(flight.express for flight in self._flights.values()) >= EXPRESS_MAX
            if item.seq > self.highest_seq and item.id not in self._flights and not many:
                self._flights[item.id] = _Flight(item, 0, now_s, express=True)

    def take_due(self, now_s: float, limit: int) -> list[Item]:
        """Items to send now, the oldest first after what is express; each is due again after its
        back-off."""
        due = [f for f in self._flights.values() if f.due_s <= now_s]
        due.sort(key=lambda f: (not f.express, f.item.seq))
        for flight in due[:limit]:
            delay_s = min(RESEND_FIRST_S * 2 ** min(flight.attempts, 10), RESEND_MAX_S)
            flight.attempts += 1
            flight.due_s = now_s + delay_s * (1 + JITTER * self._spread())
        return [f.item for f in due[:limit]]

    def seqs(self, ids: Iterable[str]) -> list[int]:
        """The numbers of those of these items that are in flight."""
        return [self._flights[i].item.seq for i in ids if i in self._flights]

    def acked(self, ids: Iterable[str]) -> int:
        """The hub has these and the spool knows it; returns how many were in flight."""
        return sum(self._flights.pop(i, None) is not None for i in ids)

    def not_sent(self, ids: Iterable[str], now_s: float) -> None:
        """The broker took these and had nobody to give them to: soon again, not ever later."""
        for flight in self._of(ids):
            flight.attempts = max(0, flight.attempts - 1)
            flight.due_s = now_s + NOBODY_LISTENS_S * (1 + JITTER * self._spread())

    def on_the_way(self, ids: Iterable[str], now_s: float) -> None:
        """The broker has these, however long the line took; the hub's answer follows. Sent again
        at once they would be on a thin line twice."""
        for flight in self._of(ids):
            flight.due_s = max(flight.due_s, now_s + RESEND_FIRST_S)

    def hub_is_back(self, now_s: float) -> None:
        """The hub speaks again: what waits for a long pause to end needn't."""
        for flight in self._flights.values():
            if flight.attempts >= STUCK_ATTEMPTS:
                flight.due_s, flight.attempts = now_s, 0

    def all_due(self, now_s: float) -> None:
        """A new connection: what was sent on the old one may be gone."""
        for flight in self._flights.values():
            flight.due_s, flight.attempts = now_s, 0

    def restart(self, after_seq: int = 0) -> None:
        """Forget all flights; the spool gives everything after this number again."""
        self._flights.clear()
        self.highest_seq = after_seq

    def next_due_s(self) -> float | None:
        return min((f.due_s for f in self._flights.values()), default=None)

    def _of(self, ids: Iterable[str]) -> Sequence[_Flight]:
        return [self._flights[i] for i in ids if i in self._flights]
