"""The hub's disk is gone and the newest copy with it; an older copy of the book is taken back while
buttons are pressed: what that doesn't know comes again from the gateway, once, although the gateway
has forgotten what both copies had."""

import subprocess
import sys
from pathlib import Path

from tests.acceptance.rig import ROOT, START_S, Rig, wait_until

IN_BOTH, BESIDE_THE_FIRST, IN_THE_SECOND = range(1, 5), range(5, 9), range(9, 11)
AFTER_IT, WITHOUT_A_HUB = range(11, 13), range(13, 17)


def hearthwatch(*words: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "hearthwatch", *(str(word) for word in words)], cwd=ROOT
    )


class Village:
    """A rig, and everything that its gateway ever accepted, with what it has forgotten since."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        gateway = folder / "gateway.toml"
        # By its heartbeat a hub learns what it doesn't have, and whom to tell of its copies.
        gateway.write_text(
            gateway.read_text().replace("[uplink]\n", "[uplink]\nheartbeat_s = 1.0\n")
        )
        self.accepted: set[str] = set()

    def press(self, numbers: range) -> None:
        for number in numbers:
            self.rig.press(number)
            wait_until(self._one_more, 60, f"press {number} accepted")

    def _one_more(self) -> bool:
        known = len(self.accepted)
        self.accepted |= set(self.rig.accepted())
        return len(self.accepted) > known

    def in_book(self) -> set[str]:
        return {event for event, _alarm in self.rig.events()}

    def all_acknowledged(self) -> None:
        wait_until(lambda: self.rig.unacknowledged() == 0, 60, "all acknowledged")
        assert self.in_book() == self.accepted


def test_an_older_copy_and_the_gateways_have_everything(tmp_path: Path) -> None:
    village = Village(tmp_path)
    rig = village.rig
    config, first, second = tmp_path / "hub.toml", tmp_path / "1.zip", tmp_path / "2.zip"
    try:
        rig.start()
        wait_until(rig.ready, START_S, "the hub answers")
        wait_until(rig.listening, START_S, "the gateway listens")
        village.press(IN_BOTH)
        village.all_acknowledged()
        backup = hearthwatch("backup", "--config", config, first)
        village.press(BESIDE_THE_FIRST)
        assert backup.wait(120) == 0
        village.press(IN_THE_SECOND)
        village.all_acknowledged()
        # One copy alone is no reason to forget anything.
        assert len(rig.accepted()) == len(village.accepted)
        assert hearthwatch("backup", "--config", config, second).wait(120) == 0
        wait_until(
            lambda: len(rig.accepted()) <= len(village.accepted) - len(IN_BOTH),
            60,
            "the gateway has forgotten what both copies have, and was sent nothing else",
        )
        village.press(AFTER_IT)
        village.all_acknowledged()

        rig.programs["hub"].kill()
        rig.runs_on.forget_book()
        second.unlink()
        village.press(WITHOUT_A_HUB)
        assert hearthwatch("restore", "--config", config, first).wait(120) == 0
        restored = village.in_book()
        assert len(IN_BOTH) <= len(restored) < len(village.accepted) - len(WITHOUT_A_HUB)
        # Exactly the difference is there, and no more than the older copy allows is gone.
        assert village.accepted - restored <= set(rig.accepted())
        rig.programs["hub"].start()
        wait_until(rig.ready, 120, "the restored hub answers")
        wait_until(
            lambda: village.in_book() == village.accepted,
            180,
            "everything that was ever accepted is in the book",
        )
        events = rig.events()
        assert len(events) == len(village.accepted)
        alarms = {alarm for alarm, _count, _state, task in rig.alarms() if task}
        assert {alarm for _event, alarm in events} == alarms
        assert len(alarms) == len(events)  # a button of its own each
    finally:
        rig.close()
