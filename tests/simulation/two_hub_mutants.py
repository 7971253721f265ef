"""Mistakes planted in what keeps two hubs over one book apart; each must be caught within `SEEDS`
seeds from 0."""

from unittest import mock

from alarms.escalation.timers import Timers
from ledger import pg_lease
from ledger.pg_lease import PgLease
from ledger.postgres import PgHubConnection
from tests.simulation.mutants import Planted


def lease_without_fence() -> Planted:
    """Whoever has had the lease believes that it has it still."""

    def check_turn(_self, cursor):
        while cursor.nextset():
            continue

    return mock.patch.object(PgHubConnection, "check_turn", check_turn)


def double_advance() -> Planted:
    """Whoever takes over tells the last step once more, to be on the safe side."""
    honest = Timers._adopt

    def _adopt(self, unit):
        sql = "UPDATE escalation SET step = step - 1 WHERE step > 1 AND boot <> ?"
        unit.execute(sql, (self.clocks().boot,))
        honest(self, unit)

    return mock.patch.object(Timers, "_adopt", _adopt)


def timers_of_my_own() -> Planted:
    """What another hub has promised is that hub's to keep."""
    return mock.patch.object(
        Timers, "_adopt", lambda self, _unit: vars(self).update(_foreign=False)
    )


def taken_while_held() -> Planted:
    """The lease is whoever's that asks."""
    asked = pg_lease._TAKE[: pg_lease._TAKE.index(" WHERE l.until_ms")]
    return mock.patch.object(pg_lease, "_TAKE", f"{asked} RETURNING fence")


def stuck_with_its_clock() -> Planted:
    """A clock of the server's that was set back keeps the lease of whoever is gone for as long."""
    taking = pg_lease._TAKE
    asked = taking[: taking.index(" OR l.until_ms")]
    return mock.patch.object(pg_lease, "_TAKE", f"{asked} RETURNING fence")


def never_lost() -> Planted:
    """A hub that has lost the book stays where it is."""
    return mock.patch.object(
        PgLease, "lost", property(lambda _self: False, lambda _self, _value: None), create=True
    )


SEEDS = 8
MUTANTS = (
    lease_without_fence,
    double_advance,
    timers_of_my_own,
    taken_while_held,
    stuck_with_its_clock,
    never_lost,
)
