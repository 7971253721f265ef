"""The real programs through a migration: the hub is stopped on an older book, buttons are pressed
all the while, and the newer program takes the book over."""

import threading
from pathlib import Path

from ledger import database
from tests.acceptance.rig import Rig, wait_until

OLDER = "0026"


class Presser:
    """Presses one button after the other and waits for each tone, until it is told to end."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._end = rig, threading.Event()
        self.pressed = 0
        self._thread = threading.Thread(target=self._press)
        self._thread.start()

    def _press(self) -> None:
        while not self._end.is_set():
            known = len(self._rig.accepted())
            self._rig.press(self.pressed + 1)
            wait_until(lambda had=known: len(self._rig.accepted()) > had, 60, "a press is accepted")
            self.pressed += 1

    def beyond(self, number: int) -> bool:
        return self.pressed >= number or not self._thread.is_alive()

    def end(self) -> int:
        self._end.set()
        self._thread.join()
        return self.pressed


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
        known = presser.pressed
        wait_until(lambda: presser.beyond(known + 3), 60, "presses without a hub")
        rig.programs["hub"].start()
        wait_until(rig.ready, 60, "the newer hub answers")
        known = presser.pressed
        wait_until(lambda: presser.beyond(known + 3), 60, "presses after")
        pressed = presser.end()
        wait_until(lambda: rig.unacknowledged() == 0, 60, "all acknowledged")
        accepted, events = set(rig.accepted()), rig.events()
        assert len(accepted) == pressed
        assert sorted(event for event, _alarm in events) == sorted(accepted)
        assert len({alarm for _event, alarm in events}) == len(events)  # a button of its own each
        assert path.with_name(f"hub.db.before-{database.head()}").exists()
    finally:
        if presser is not None:
            presser.end()
        rig.close()
