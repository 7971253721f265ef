"""Erasing as the hub does it: planned, confirmed, done, and kept outside of the book."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger.erasure import kept
from ledger.erasure.erasing import Erasure, erase
from ledger.erasure.kept import KeptErasure
from ledger.erasure.periods import Periods
from ledger.erasure.plan import ErasurePlan, plan
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork


class Blocked(Exception):  # noqa: N818 - an answer to whoever asked for it
    """Something has to end first; nothing was erased."""

    def __init__(self, plan: ErasurePlan) -> None:
        super().__init__(plan.blockers[0].en)
        self.plan = plan


class PlanChanged(Exception):  # noqa: N818
    """What was confirmed is not what would be done now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What is to be said outside of the book after the commit."""

    owners: tuple[str, ...]
    kept: KeptErasure
    home: str


class Eraser:
    """`ring`: None in a plain book, where rows are blanked and no key is destroyed. `forget`: lets
    the database's own files forget, too."""

    def __init__(self, ring: Ring | None, forget: Callable[[], None], periods: Periods) -> None:
        self._ring = ring
        self._forget = forget
        self.periods = periods

    def plan(self, unit: UnitOfWork, person: str) -> ErasurePlan:
        """KeyError: no such person."""
        return plan(unit.cursor, person, self.periods, unit.now_ms)

    def erase(
        self, unit: UnitOfWork, person: str, *, confirm: str, actor: str, reason: str
    ) -> Done | None:
        """None: she was erased before. KeyError, Blocked, PlanChanged."""
        found = self.plan(unit, person)
        if found.erased_at_ms is not None:
            return None
        if found.blockers:
            raise Blocked(found)
        if confirm != found.confirm:
            raise PlanChanged
        owners = erase(
            unit,
            Erasure(
                person=person,
                home=found.home,
                region=found.region,
                with_home=found.with_home,
                actor=actor,
                reason=reason,
            ),
        )
        mark = KeptErasure(person=person, at_ms=unit.now_ms, actor=actor)
        return Done(owners=owners, kept=mark, home=found.home)

    def committed(self, done: Done) -> None:
        """After the commit, in any thread; OSError when it can't be kept (the next start does)."""
        if self._ring is not None:
            for owner in done.owners:
                self._ring.forget(owner)
            kept.keep(kept.beside(self._ring.path), [done.kept])
        self._forget()
