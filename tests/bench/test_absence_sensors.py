"""Simulated sensors of the absence bench: what they see, what is heard of them, what is lost."""

import numpy as np
import pytest

from bench.absence.houses import DAY, House
from bench.absence.meters import BEGIN_MS, MINUTE_MS
from bench.absence.sensing import ARRANGEMENTS, life_of, sensor_observations, watch
from rules.rule import DEVICE_STATUS

DAYS = 120
PLAIN, FAILING, *_REST, CAT = ARRANGEMENTS


@pytest.fixture(scope="module")
def home():
    life = life_of("rural", 3, DAYS, "hard")
    watts = np.zeros(DAYS * DAY, dtype=np.float32)
    return House(name="h", watts=watts, absences=life.absences), life


def minutes(tape, device):
    return [at for at, _told, name, _value in tape.events if name == device]


def test_nobody_is_seen_while_nobody_is_there_but_a_cat(home) -> None:
    house, life = home
    plain, cat = (watch(house, life, sensors, 3) for sensors in (PLAIN, CAT))
    for span in house.absences:
        inside = range(span.start + 1, span.end - 1)
        assert not any(int(at) in inside for at in minutes(plain, "pir"))
        assert any(int(at) in inside for at in minutes(cat, "pir"))


def test_a_journey_ends_with_a_door_and_a_fall_does_not(home) -> None:
    house, life = home
    doors = minutes(watch(house, life, PLAIN, 3), "door")
    left = [any(abs(at - span.start) < 2 for at in doors) for span in house.absences]
    assert any(left)
    assert not all(left)


def test_a_gateway_hears_a_sensor_by_itself_and_not_what_is_lost(home) -> None:
    house, life = home
    plain, failing = (watch(house, life, sensors, 3) for sensors in (PLAIN, FAILING))
    longest = [
        max(minute - heard["pir"] for minute, heard in tape.statuses if "pir" in heard)
        for tape in (plain, failing)
    ]
    assert longest[0] <= 240 < DAY < longest[1]
    assert len(failing.statuses) < len(plain.statuses)


def test_what_a_line_held_comes_late_and_all_in_the_order_of_arrival(home) -> None:
    house, life = home
    tape = watch(house, life, FAILING, 3)
    rows = list(sensor_observations(tape))
    assert [minute for minute, _seen in rows] == sorted(minute for minute, _seen in rows)
    late = [seen for _m, seen in rows if seen.received_at_ms - seen.measured_at_ms > MINUTE_MS]
    assert late
    assert all(seen.kind != DEVICE_STATUS for seen in late)
    assert all(seen.received_at_ms >= BEGIN_MS for _minute, seen in rows)
