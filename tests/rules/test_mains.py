"""Which device speaks for a home: a meter that stands behind whose back a socket counts on, meters
that come later, and sockets alone."""

import json

import pytest

from rules.mains import Mains

SLOT_MS = 900_000
DAY = 96


class Home:
    """Readings every quarter of an hour; a device is as many watts as a day's slot says."""

    def __init__(self, kit) -> None:
        self.kit = kit
        self.mains = Mains("")
        self.registers: dict[str, float] = {}
        self.slot = 0
        self.primaries: list[str] = []

    def live(self, days: float, *, watts_only=False, **devices) -> "Home":
        for _ in range(round(days * DAY)):
            self.slot += 1
            for name, watts in devices.items():
                w = watts(self.slot % DAY) if callable(watts) else watts
                self.registers[name] = self.registers.get(name, 0.0) + w / 4000
                self.read(name, {"power_w": w} if watts_only else self.register(name))
                if self.mains.primary != (self.primaries or [""])[-1]:
                    self.primaries.append(self.mains.primary)
        return self

    def register(self, name) -> dict[str, float]:
        return {"energy_kwh": round(self.registers[name], 3)}

    def read(self, name, values) -> None:
        at_ms = self.kit.START_MS + self.slot * SLOT_MS
        seen = self.kit.Seen(
            id=f"{name}{at_ms}",
            device=name,
            kind="power",
            measured_at_ms=at_ms,
            received_at_ms=at_ms,
            values=values,
        )
        self.mains.read(seen, at_ms)

    def restart(self) -> None:
        self.mains = Mains.load("", json.loads(json.dumps(self.mains.dump())))


def cycles(slot: int) -> float:
    """A refrigerator: an hour on, an hour off."""
    return 80.0 if slot // 4 % 2 else 0.0


def by_day(slot: int) -> float:
    """A heater that rests at night."""
    return 800.0 if 28 <= slot < 88 else 0.0


@pytest.mark.parametrize("socket", [70.0, 95.0, 100.0])
def test_a_meter_that_stands_is_not_replaced_by_a_socket_behind_it(kit, socket) -> None:
    home = Home(kit).live(9, meter=100.0, socket=socket)
    home.live(30, meter=0.0, socket=socket)
    assert home.primaries == ["meter"]
    # Repaired, it goes on as before.
    home.live(5, meter=100.0, socket=socket)
    assert home.primaries == ["meter"]


def test_nor_by_one_that_takes_more_than_ever_while_it_stands(kit) -> None:
    home = Home(kit).live(9, meter=200.0, socket=40.0).live(9, meter=0.0, socket=2000.0)
    assert home.primaries == ["meter"]


def test_a_restart_doesn_t_forget_which_was_before(kit) -> None:
    home = Home(kit).live(9, meter=100.0, socket=90.0)
    home.restart()
    home.live(0.1, meter=0.0, socket=90.0)
    home.restart()
    home.live(9, meter=0.0, socket=90.0)
    assert home.mains.primary == "meter"


def test_states_of_before_are_read_and_learn_it_anew(kit) -> None:
    home = Home(kit).live(9, meter=100.0, socket=90.0)
    document = home.mains.dump()
    document["means"] = {name: row[:2] for name, row in document["means"].items()}
    home.mains = Mains.load("", document)
    home.live(8, meter=100.0, socket=90.0).live(9, meter=0.0, socket=90.0)
    assert home.mains.primary == "meter"


def test_a_new_meter_takes_the_place_of_one_that_stands(kit) -> None:
    home = Home(kit).live(9, meter=100.0, socket=70.0).live(3, meter=0.0, socket=70.0)
    home.live(4, meter=0.0, another=100.0, socket=70.0)
    assert home.primaries == ["meter", "another"]


def test_a_meter_that_was_taken_away_gives_place_after_a_day(kit) -> None:
    home = Home(kit).live(9, meter=100.0, socket=70.0).live(3, meter=0.0, socket=70.0)
    home.live(0.9, socket=70.0)
    assert home.primaries == ["meter"]
    home.live(0.3, socket=70.0)
    assert home.primaries == ["meter", "socket"]


@pytest.mark.parametrize("socket", [0.0, cycles, 60.0])
def test_a_meter_that_comes_later_takes_the_place_of_a_socket(kit, socket) -> None:
    home = Home(kit).live(9, socket=cycles).live(2.5, socket=socket, meter=150.0)
    assert home.primaries == ["socket", "meter"]


def test_of_sockets_alone_a_heater_gives_place_in_spring(kit) -> None:
    home = Home(kit).live(9, heater=by_day, socket=cycles)
    assert home.primaries == ["heater"]
    home.live(9, heater=0.0, socket=cycles)
    assert home.primaries == ["heater", "socket"]


def test_a_meter_without_a_register_is_replaced_as_nothing_would_be_told_of_it(kit) -> None:
    home = Home(kit).live(9, watts_only=True, meter=100.0, socket=70.0)
    home.live(9, watts_only=True, meter=0.0, socket=70.0)
    assert home.primaries == ["meter", "socket"]
