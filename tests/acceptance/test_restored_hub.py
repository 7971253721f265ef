"""The hub's disk is gone, and an older copy of the book is taken back while buttons are pressed:
what the copy doesn't know comes again from the gateways, once."""

import subprocess
import sys
from pathlib import Path

from tests.acceptance.rig import ROOT, Rig, wait_until

IN_THE_COPY, BESIDE_IT, AFTER_IT = range(1, 5), range(5, 9), range(9, 12)
WITHOUT_A_HUB = range(12, 16)


def hearthwatch(*words: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "hearthwatch", *(str(word) for word in words)], cwd=ROOT
    )


def press_until_accepted(rig: Rig, numbers: range) -> None:
    for number in numbers:
        before = len(rig.accepted())
        rig.press(number)
        wait_until(lambda had=before: len(rig.accepted()) > had, 60, f"press {number} accepted")


def test_what_a_copy_does_not_know_comes_again_from_the_gateway(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    config, copy = tmp_path / "hub.toml", tmp_path / "copy.zip"
    gateway = tmp_path / "gateway.toml"
    # By its heartbeat a hub learns what it doesn't have.
    gateway.write_text(gateway.read_text().replace("[uplink]\n", "[uplink]\nheartbeat_s = 1.0\n"))
    try:
        rig.start()
        wait_until(rig.ready, 60, "the hub answers")
        wait_until(rig.listening, 60, "the gateway listens")
        press_until_accepted(rig, IN_THE_COPY)
        wait_until(lambda: rig.unacknowledged() == 0, 60, "all acknowledged")
        backup = hearthwatch("backup", "--config", config, copy)
        press_until_accepted(rig, BESIDE_IT)
        assert backup.wait(120) == 0
        press_until_accepted(rig, AFTER_IT)
        wait_until(lambda: rig.unacknowledged() == 0, 60, "all acknowledged")
        known = {event for event, _alarm in rig.events()}
        assert len(known) == len(IN_THE_COPY) + len(BESIDE_IT) + len(AFTER_IT)

        rig.programs["hub"].kill()
        for pattern in ("hub.db*", "readings*"):
            for file in (tmp_path / "hub").glob(pattern):
                file.unlink()
        press_until_accepted(rig, WITHOUT_A_HUB)
        assert hearthwatch("restore", "--config", config, copy).wait(120) == 0
        assert len(IN_THE_COPY) <= len(rig.events()) < len(known)
        rig.programs["hub"].start()

        wait_until(
            lambda: {event for event, _alarm in rig.events()} == set(rig.accepted()),
            90,
            "everything that was ever accepted is in the book",
        )
        events = rig.events()
        assert len(events) == len(known) + len(WITHOUT_A_HUB)
        assert known <= {event for event, _alarm in events}
        alarms = {alarm for alarm, _count, _state, task in rig.alarms() if task}
        assert {alarm for _event, alarm in events} == alarms
        assert len(alarms) == len(events)  # a button of its own each
    finally:
        rig.close()
