"""The real programs through a migration: the hub is stopped on an older book, buttons are pressed
all the while, and the newer program takes the book over."""

from pathlib import Path

from ledger import database
from tests.acceptance.rig import Rig, wait_until
from tests.upgrade.presser import Presser

OLDER = f"{int(database.head()) - 2:04d}"


def test_nothing_is_lost_or_doubled_through_a_migration_under_presses(tmp_path: Path) -> None:
    rig, presser = Rig(tmp_path), None
    path = tmp_path / "hub" / "hub.db"
    try:
        rig.start()
        wait_until(rig.ready, 60, "the hub answers")
        wait_until(rig.listening, 60, "the gateway listens")
        presser = Presser(rig)
        wait_until(lambda: presser.beyond(3), 60, "presses before")
        rig.programs["hub"].stop()
        # As the older program would have left it.
        with database.changing(database.sqlite_url(path)) as connection:
            database.downgrade(connection, OLDER)
        known = len(presser.accepted)
        wait_until(lambda: presser.beyond(known + 3), 60, "presses without a hub")
        rig.programs["hub"].start()
        wait_until(rig.ready, 60, "the newer hub answers")
        known = len(presser.accepted)
        wait_until(lambda: presser.beyond(known + 3), 60, "presses after")
        presser.end()
        wait_until(lambda: rig.unacknowledged() == 0, 60, "all acknowledged")
        accepted, events = presser.accepted, rig.events()
        assert sorted(event for event, _alarm in events) == sorted(accepted)
        assert len({alarm for _event, alarm in events}) == len(events)  # a button of its own each
        assert path.with_name(f"hub.db.before-{database.head()}").exists()
    finally:
        if presser is not None:
            presser.end()
        rig.close()
