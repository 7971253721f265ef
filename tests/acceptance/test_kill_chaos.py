"""kill -9 of broker, hub and gateway at random while buttons are pressed: nothing lost or doubled.

The set checker compares what the gateway committed (the moment the elder hears the tone) with the
book: every accepted press is one event, one alarm, one task.
"""

import os
import random
import select

import pytest

from hearthwatch.embedded_broker import find_mosquitto
from tests.acceptance.rig import Rig, wait_until

SEED = int(os.environ.get("HEARTHWATCH_SEED", "20261123"))
KILLS = 60
PRESSES_PER_S = 10

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]


def storm(
    rig: Rig, kills: int, victims: list[str], r: random.Random, *, patient: bool = False
) -> int:
    """Press at a steady rate and kill at random moments; returns how often was pressed.

    patient: let the hub come up before each round, so that every kill meets a working one.
    """
    pressed = 0
    for _ in range(kills):
        if patient:
            wait_until(rig.ready, 60, "the hub answers")
        for _ in range(r.randint(4, 14)):
            pressed += 1
            rig.press(pressed)
            select.select([], [], [], 1 / PRESSES_PER_S)
        program = rig.programs[r.choice(victims)]
        program.kill()
        program.start()
    return pressed


def settled(rig: Rig) -> bool:
    accepted = set(rig.accepted())
    return bool(accepted) and accepted <= {event for event, _alarm in rig.events()}


def arrives(rig: Rig) -> bool:
    """Press until something is in the book: from then on every program has started."""
    rig.press(0xF0000)
    return bool(rig.events())


def test_no_press_is_lost_or_doubled_by_kills(tmp_path) -> None:
    rig = Rig(tmp_path)
    try:
        rig.start()
        wait_until(lambda: arrives(rig), 60, "the first press")
        pressed = storm(rig, KILLS, ["broker", "hub", "gateway"], random.Random(SEED))
        wait_until(lambda: settled(rig), 120, f"every accepted press in the book (seed {SEED})")
        accepted, events, alarms = rig.accepted(), rig.events(), rig.alarms()
    finally:
        rig.close()
    assert {e for e, _ in events} == set(accepted)
    assert len(events) == len(accepted), "an event twice"
    assert all(alarm for _event, alarm in events), "an event without an alarm"
    # Each press had a button of its own, so an alarm of two events is a press counted twice.
    assert len(alarms) == len(accepted)
    assert all(count == 1 and state == "open" for _id, count, state, _task in alarms)
    assert sorted(t for _id, _c, _s, t in alarms) == sorted(t for t, _alarm in rig.tasks())
    assert len(accepted) > pressed / 3, f"{len(accepted)} of {pressed} presses were accepted"
    kills = {name: program.kills for name, program in rig.programs.items()}
    assert sum(kills.values()) == KILLS
    assert all(kills.values()), kills


def test_an_acknowledgement_before_the_commit_is_seen_to_lose_presses(tmp_path) -> None:
    """The same checker against a hub with the planted mistake: it must find the loss."""
    rig = Rig(tmp_path, hub_module="tests.acceptance.mutant_hub")
    try:
        rig.start()
        wait_until(lambda: arrives(rig), 60, "the first press")
        storm(rig, 6, ["hub"], random.Random(SEED), patient=True)
        rig.press(0xF0001)
        last = {"id": ""}

        def last_press_is_in() -> bool:
            found = [i for i, body in rig.accepted().items() if "ev1527-f0001" in body]
            last["id"] = found[0] if found else ""
            return bool(found) and found[0] in {e for e, _ in rig.events()}

        wait_until(last_press_is_in, 60, "the last press")
        lost = set(rig.accepted()) - {event for event, _alarm in rig.events()}
    finally:
        rig.close()
    assert lost, "the planted mistake was not seen"
