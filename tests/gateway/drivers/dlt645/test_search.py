"""All meters of a bus are found by wildcard, whatever their numbers share; noise ends too."""

from itertools import pairwise
from random import Random

import pytest

from gateway.driver import BusDriver
from gateway.drivers.dlt645 import AddressSearch
from gateway.drivers.dlt645 import search as search_module
from tests.adapters.dlt645_slaves import Line, Slave, frame, split, wire

ENERGY = {"00010000": "00123456", "9010": "00123456"}


def meters(*addresses: str, think_ms: int = 50) -> list[Slave]:
    return [Slave(address=a, items=ENERGY, think_ms=think_ms) for a in addresses]


def searched(line: Line, **options) -> AddressSearch:
    search = AddressSearch(**options)
    line.until_finished(search)
    return search


def test_it_is_a_bus_driver() -> None:
    assert isinstance(AddressSearch(), BusDriver)


def test_one_meter_is_two_questions() -> None:
    line = Line(meters("170516665384"))
    search = searched(line)
    assert search.found == {"170516665384"}
    assert [split(r)[:2] for _, r in line.requests] == [
        ("AAAAAAAAAAAA", 0x13),
        ("170516665384", 0x11),
    ]
    assert search.unresolved == []


def test_an_empty_bus_is_asked_in_both_ways_and_twice() -> None:
    line = Line([])
    search = searched(line)
    assert search.found == set()
    assert [split(r)[1] for _, r in line.requests] == [0x13, 0x13, 0x11, 0x11]


def test_a_meter_that_only_knows_reading_is_found() -> None:
    def deaf_to_13(di: str, control: int, data: bytes) -> bytes:
        return b"" if control == 0x13 else frame("000000000161", 0xD1, b"\x02")

    line = Line([Slave(address="000000000161", replies=deaf_to_13)])
    assert searched(line).found == {"000000000161"}


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("together", [False, True], ids=["after each other", "at once"])
def test_several_are_told_apart(together, echo) -> None:
    numbers = ["201500000016", "201500000116", "201500000017", "398192000337"]
    slaves = meters(*numbers)
    for index, slave in enumerate(slaves):
        slave.think_ms = 50 if together else 50 + 60 * index
    search = searched(Line(slaves, echo=echo))
    assert search.found == set(numbers)
    assert search.unresolved == []


def test_numbers_that_differ_only_in_the_highest_digits() -> None:
    search = searched(Line(meters("010000000001", "020000000001")))
    assert search.found == {"010000000001", "020000000001"}
    assert search.probes < 6 * 250


@pytest.mark.parametrize("seed", range(4))
def test_a_full_bus(seed) -> None:
    random = Random(seed)
    village = random.randrange(10**8)
    numbers = {f"{village:08d}{random.randrange(10**4):04d}" for _ in range(64)}
    search = searched(Line(meters(*numbers)))
    assert search.found == numbers
    assert search.unresolved == []


def test_a_meter_that_misses_one_question_is_found_all_the_same() -> None:
    slaves = meters("000000000161", "000000000162", "000000000262")
    line = Line(slaves)
    swallowed: set[str] = set()

    def once_deaf(slave: Slave):
        def answer(di: str, control: int, data: bytes) -> bytes:
            key = f"{slave.address}{len(slave.asked)}"
            if len(slave.asked) % 2 and key not in swallowed:
                swallowed.add(key)
                return b""
            return frame(slave.address, 0x91, wire("00010000", "00000001"))

        return answer

    slaves[0].replies = once_deaf(slaves[0])
    assert searched(line).found == {s.address for s in slaves}


def test_a_collision_that_looks_like_a_meter_that_is_not_there() -> None:
    """The first answers of both at once make a good frame of a third number."""
    line = Line(meters("000000000161", "000000000162"))
    phantom = frame("000000000160", 0x91, wire("00010000", "00000001"))
    everybody = {"A" * 12, "A" * 10 + "60"}

    def several_at_once(data: bytes) -> bytes:
        return phantom if split(line.requests[-1][1])[0] in everybody else data

    line.disturb = several_at_once
    assert searched(line).found == {"000000000161", "000000000162"}


def test_two_meters_with_one_number_are_told() -> None:
    line = Line(
        [*meters("000000000161"), Slave(address="000000000161", items={"00010000": "1" * 8})]
    )
    search = searched(line)
    assert search.unresolved == ["000000000161"]


def test_noise_ends_and_is_told() -> None:
    every = [f"{n:012d}" for n in range(100)]  # somebody answers to each question
    line = Line(meters(*every), disturb=lambda _data: b"\x68\x00\xff\x13")
    search = searched(line)
    assert search.found == set()
    assert search.unresolved == [""]
    assert search.probes <= 4 + 2 * 100


def test_noise_before_every_answer_is_not_two_meters_for_ever(monkeypatch) -> None:
    line = Line(meters("000000000161"), disturb=lambda data: b"\x00\xff" + data)
    search = searched(line)
    assert search.found == {"000000000161"}
    assert search.unresolved == ["000000000161"]


def test_a_stranger_s_answer_is_no_meter() -> None:
    def stranger(di: str, control: int, data: bytes) -> bytes:
        return frame("000000000999", control | 0x80, wire("00010000", "00000001"))

    slaves = meters("000000000161", "000000000162")
    line = Line(slaves)
    search = AddressSearch()
    while search.probes < 10:
        line.turn(search) or line.sleep(search)
    slaves[0].replies = stranger
    line.until_finished(search)
    assert "000000000999" not in search.found
    assert search.counters["late_or_foreign"]


def test_1997_meters_that_answer_with_the_wildcard() -> None:
    def old(address: str):
        def answer(di: str, control: int, data: bytes) -> bytes:
            return frame("A" * 12, 0x81, wire("9010", "00027261"))

        return Slave(address=address, replies=answer)

    line = Line([old("000000000161"), old("000000000162")])
    search = searched(line, edition=1997)
    assert search.found == {"000000000161", "000000000162"}
    assert {split(r)[1] for _, r in line.requests} == {0x01}


def test_only_reading_requests_and_one_at_a_time() -> None:
    line = Line(meters("000000000161", "000000000162", "000000000163"))
    searched(line)
    times = [at for at, _ in line.requests]
    assert {split(r)[1] for _, r in line.requests} <= {0x11, 0x13}
    assert min(b - a for a, b in pairwise(times)) >= search_module.WINDOW_MS


def test_the_line_s_clock_set_back_loses_nothing() -> None:
    line = Line(meters("000000000161", "000000000162"), line_ms=10**9)
    search = AddressSearch()
    turns = 0
    while not search.finished:
        turns += 1
        if turns % 7 == 0:
            line.line_ms -= 60_000
        if not line.turn(search) and not search.finished:
            assert line.sleep(search) <= search_module.WINDOW_MAX_MS
    assert search.found == {"000000000161", "000000000162"}


def test_too_many_questions_end_the_search_and_are_told(monkeypatch) -> None:
    monkeypatch.setattr(search_module, "PROBES_MAX", 30)
    search = searched(Line(meters("000000000161", "000000000162")))
    assert search.probes == 30
    assert search.unresolved
