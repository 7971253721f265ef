"""Who is told when, in the simulation of all parts: the promises of `response_oracle` for calls for
help. Delays of other alarms are hours; a run is minutes."""

import sqlite3
from collections.abc import Callable

from tests.simulation import response_oracle

# A clock that was set by seconds while the machine was off can't be told from time that passed
# (ADR 0011); on top comes a drift of a thousandth, a commit, and a tick.
TICK_MS = 7_000


class _Looking:
    """Questions on the hub's own connection, past the disk that may kill it for a statement."""

    def __init__(self, connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters=()):
        return sqlite3.Cursor(self._connection).execute(sql, parameters)


class StepsOracle(response_oracle.Oracle):
    def __init__(self, true_ms: Callable[[], int]) -> None:
        super().__init__(true_ms, TICK_MS)
        self._urgent: dict[str, bool] = {}
        self._well = False

    def read_from(self, connection) -> None:
        self._connection = _Looking(connection)
        self._well = False
        self.hub_is_up(False)

    def nobody_works(self) -> None:
        """From now until a commit that says otherwise."""
        self._well = False
        self.hub_is_up(False)

    def committed(self, *, well: bool) -> None:
        """After each commit; `well`: the hub's disk takes what it writes."""
        if well != self._well:
            self._well = well
            self.hub_is_up(well)
        self.read_on()

    def _fact(self, alarm: str, fact: str, actor: str, reason: str, data: dict) -> None:
        if alarm not in self._urgent:
            row = self._ask("SELECT severity FROM alarm WHERE id = ?", alarm)
            self._urgent[alarm] = row is not None and row[0] == "urgent"
        if self._urgent[alarm]:
            super()._fact(alarm, fact, actor, reason, data)
