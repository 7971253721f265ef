"""What counts as a visit. Pure.

A visit at home that met somebody counts, whatever brought the visitor: an emergency, a follow-up
or the plan. Telephone and video are recorded and counted apart; they replace no visit. A visit that
met nobody does not count and is followed up. A repair is a technician's errand and does not count.
Two visits on one day are one day: twice a week means on two days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.visiting.periods import Period

# Nobody opened: somebody looks again within so many days.
FOLLOW_UP_DAYS: Final = 1
_CALLS: Final = frozenset({"phone", "video"})
_NOT_FOR_THE_PERSON: Final = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A visit of the book, as far as counting needs it."""

    day: int
    way: str
    kind: str
    met: bool = True
    at_ms: int = 0

    @property
    def counts(self) -> bool:
        return self.way == "home_visit" and self.met and self.kind != _NOT_FOR_THE_PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Of one person and period. `days`: those with a visit that counts, in order."""

    days: tuple[int, ...]
    calls: int
    nobody_met: int


def visited_days(contacts: Iterable[Contact]) -> tuple[int, ...]:
    return tuple(sorted({contact.day for contact in contacts if contact.counts}))


def count(contacts: Sequence[Contact], period: Period) -> Counted:
    within = [contact for contact in contacts if period.holds(contact.day)]
    return Counted(
        days=visited_days(within),
        calls=sum(contact.way in _CALLS for contact in within),
        nobody_met=sum(c.way == "home_visit" and not c.met for c in within),
    )
