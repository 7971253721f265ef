"""Which items to send now. Pure: time comes in, and jitter from a seeded generator.

An item is in flight from its first sending until the hub's application acknowledgement names
it. Nothing else ends a flight: a PUBACK is a promise by the broker's memory. Unacknowledged
items are sent again after 1, 2, 4 … 30 s, for ever.

A broker keeps each sending for a hub that is away, and a day of resends of a full window would be a
million items in its memory. So while nothing is heard of the hub each item is sent a few times, and
then one asks for all: its acknowledgement says that the hub is back, and the rest follow at once.
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
# Sendings after which a flight counts as stuck: it waits for the one that asks for all, and is sent
# at once when the hub is heard again.
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
        # When one may ask for all again, and how often one has in this silence.
        self._ask_s = 0.0
        self._asked = 0
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

    def take_due(self, now_s: float, limit: int, *, silent: bool = False) -> list[Item]:
        """Items to send now, the oldest first after what is express; each is due again after its
        back-off. `silent`: nothing is heard of the hub, so that of those that were sent often
        enough one goes, for all."""
        due = [f for f in self._flights.values() if f.due_s <= now_s]
        if silent:
            due = self._one_for_all(due, now_s)
        else:
            self._asked = 0
        due.sort(key=lambda f: (not f.express, f.item.seq))
        for flight in due[:limit]:
            flight.due_s = now_s + _pause_s(flight.attempts) * (1 + JITTER * self._spread())
            flight.attempts += 1
        return [f.item for f in due[:limit]]

    def _one_for_all(self, due: Sequence[_Flight], now_s: float) -> list[_Flight]:
        """The hub may never take one of them: each asks in its turn."""
        stuck = [flight for flight in due if flight.attempts >= STUCK_ATTEMPTS]
        chosen = [flight for flight in due if flight.attempts < STUCK_ATTEMPTS]
        if stuck and self._ask_s <= now_s:
            asking = min(stuck, key=lambda f: (f.attempts, f.item.seq))
            self._ask_s = now_s + _pause_s(STUCK_ATTEMPTS + self._asked)
            self._asked += 1
            chosen.append(asking)
            stuck.remove(asking)
        for flight in stuck:
            flight.due_s = self._ask_s
        return chosen

    def seqs(self, ids: Iterable[str]) -> list[int]:
        """The numbers of those of these items that are in flight."""
        return [self._flights[i].item.seq for i in ids if i in self._flights]

    def acked(self, ids: Iterable[str]) -> int:
        """The hub has these and the spool knows it; returns how many were in flight."""
        return sum(self._flights.pop(i, None) is not None for i in ids)

    def not_sent(self, ids: Iterable[str], now_s: float) -> None:
        """The broker took these and had nobody to give them to: soon again, not ever later."""
        for flight in self._of(ids):
            flight.attempts = min(flight.attempts, STUCK_ATTEMPTS)
            flight.due_s = now_s + NOBODY_LISTENS_S * (1 + JITTER * self._spread())
            self._ask_s = min(self._ask_s, flight.due_s)

    def on_the_way(self, ids: Iterable[str], now_s: float) -> None:
        """The broker has these, however long the line took; the hub's answer follows. Sent again
        at once they would be on a thin line twice."""
        for flight in self._of(ids):
            flight.due_s = max(flight.due_s, now_s + RESEND_FIRST_S)

    def hub_is_back(self, now_s: float) -> None:
        """The hub speaks again: what waits for a long pause to end needn't."""
        self._ask_s, self._asked = now_s, 0
        for flight in self._flights.values():
            if flight.attempts >= STUCK_ATTEMPTS:
                flight.due_s, flight.attempts = now_s, 0

    def all_due(self, now_s: float) -> None:
        """A new connection: what was sent on the old one may be gone."""
        self._ask_s, self._asked = now_s, 0
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


def _pause_s(attempts: int) -> float:
    return float(min(RESEND_FIRST_S * 2 ** min(attempts, 10), RESEND_MAX_S))
