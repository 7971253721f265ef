"""The rota's parts put together, and what its time has come for."""

from collections.abc import Callable, Sequence

from alarms.rota.book import RotaBook
from alarms.rota.coverage import WARN_HOURS, Problem
from alarms.rota.handover_book import HandoverBook
from alarms.rota.watch import Alarms, CoverageWatch, Reaches, at_the_board
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer


class RotaSide:
    """`book` and `sheets` in the writer's thread; `book.plan` and `problems` from any."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        alarms: Alarms,
        *,
        reaches: Reaches = at_the_board,
        warn_hours: Sequence[float] = WARN_HOURS,
    ) -> None:
        self.book = RotaBook(now_ms)
        self.sheets = HandoverBook(self.book)
        self._watch = CoverageWatch(self.book, alarms, reaches, warn_hours)

    def attach(self, writer: Writer) -> None:
        """Behind the book of alarms, which the watch speaks to."""
        writer.attach(self.book)
        writer.attach(self.sheets)

    def fire_due(self, unit: UnitOfWork) -> None:
        """Called every second: swaps that are over, sheets of a change of shift, coverage."""
        if not self.book.plan.desks:
            return
        self.book.fire_due(unit)
        self.sheets.fire_due(unit)
        self._watch.fire_due(unit)

    def look(self, unit: UnitOfWork) -> None:
        """What the pages show, in a process that tells nobody."""
        if self.book.plan.desks:
            self._watch.look(unit)

    @property
    def problems(self) -> Sequence[Problem]:
        return self._watch.found
