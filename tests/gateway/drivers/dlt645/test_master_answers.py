"""What comes back to the master of a bus: only its own answers count, whole and sound ones."""

import pytest

from gateway.driver import Undecodable
from gateway.drivers.dlt645 import master as master_module
from gateway.drivers.dlt645.meter import UNSUPPORTED_MS
from gateway.drivers.dlt645.spec import build
from tests.adapters.dlt645_slaves import Line, Slave, frame, split, wire
from tests.gateway.drivers.dlt645.bus import ITEMS, POLL_MS, A, B, faults, master, powers


def damage(line: Line) -> list[str]:
    return [o.code for o in line.outcomes if isinstance(o, Undecodable)]


WRONG = {
    "another meter's answer": frame(B, 0x91, wire("00010000", "00999999")),
    "an answer to another question": frame(A, 0x91, wire("02030000", "002512")),
    "a follow-up nobody asked for": frame(A, 0x92, wire("00010000", "00999999") + b"\x01"),
    "an address": frame(A, 0x93, bytes.fromhex(A)[::-1]),
    "an answer of the other edition": frame(A, 0x81, wire("9010", "00999999")),
    "an answer from nobody": frame("A" * 12, 0x91, wire("00010000", "00999999")),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_answer_is_counted_and_the_right_one_still_awaited(kind) -> None:
    line = Line([])
    driver = master(A)
    line.turn(driver)
    assert driver.feed(WRONG[kind], line.now_ms, line.line_ms) == []
    assert driver.counters["late_or_foreign"] == 1
    right = frame(A, 0x91, wire("00010000", "00123456"))
    (outcome,) = driver.feed(right, line.now_ms, line.line_ms)
    assert outcome.fields["value"] == 1234.56


def test_a_late_answer_is_counted_and_never_taken_for_the_next_question() -> None:
    line = Line([])
    driver = master(A, retries=0, reply_timeout_ms=500, items=["energy", "power"])
    line.turn(driver)
    first = split(line.requests[-1][1])[2][::-1].hex().upper()
    assert first == "00010000"
    line.passes(500)
    line.outcomes += driver.tick(line.now_ms, line.line_ms)
    late = frame(A, 0x91, wire("00010000", "00999999"))
    line.outcomes += driver.feed(late, line.now_ms, line.line_ms)
    assert driver.counters["late_or_foreign"] == 1
    assert powers(line) == []


def test_echo_is_counted_and_answers_behind_it_count() -> None:
    line = Line([Slave(address=A, items=ITEMS)], echo=True)
    driver = master(A)
    line.run(driver, 10_000)
    assert len(powers(line)) == 1
    assert driver.counters["echo"] == len(line.requests)
    assert driver.counters["late_or_foreign"] == 0


def test_noise_around_every_answer_costs_nothing() -> None:
    line = Line(
        [Slave(address=A, items=ITEMS)], disturb=lambda d: b"\x00\x68\xff" + d + b"\x16\x55"
    )
    driver = master(A)
    line.run(driver, POLL_MS * 5)
    assert len(powers(line)) == 5
    assert driver.counters["junk_bytes"] > 0


def test_a_damaged_answer_is_reported_and_asked_again() -> None:
    seen = []

    def first_damaged(data: bytes) -> bytes:
        seen.append(data)
        return data[:-2] + bytes((data[-2] ^ 1, data[-1])) if len(seen) == 1 else data

    line = Line([Slave(address=A, items=ITEMS)], disturb=first_damaged)
    driver = master(A)
    line.run(driver, 20_000)
    assert damage(line) == ["checksum"]
    assert driver.counters["retry"] == 1
    assert len(powers(line)[0].values) == 4


def test_wrong_digits_are_a_fault_of_that_item_and_never_a_value() -> None:
    items = {**ITEMS, "02010100": "2A01"}
    line = Line([Slave(address=A, items=items)])
    driver = master(A)
    line.run(driver, 10_000)
    assert damage(line) == ["bad_digits"]
    assert driver.counters["bad_digits"] == 1
    (reading,) = powers(line)
    assert "voltage_v" not in reading.values
    assert reading.values["power_w"] == 251.2


def test_only_wrong_digits_are_a_fault_of_the_meter() -> None:
    line = Line([Slave(address=A, items={di: "A" * len(v) for di, v in ITEMS.items()})])
    driver = master(A, fault_after_rounds=2)
    line.run(driver, 10 * 60_000)
    assert powers(line) == []
    assert faults(line) == [(f"dlt645-{A}", {"fault": "no_data"})]


def test_what_a_meter_has_not_is_asked_again_after_a_day() -> None:
    items = {di: v for di, v in ITEMS.items() if di != "02030000"}
    line = Line([slave := Slave(address=A, items=items)])
    driver = master(A, poll_s=3600)
    line.run(driver, UNSUPPORTED_MS - 3_600_000)
    assert slave.asked.count("02030000") == 1
    assert slave.asked.count("00010000") >= 23
    slave.items = ITEMS
    line.run(driver, 3 * 3_600_000)
    assert "power_w" in powers(line)[-1].values


def test_an_unauthorised_item_is_asked_again_in_the_next_round() -> None:
    def guarded(di: str, control: int, data: bytes) -> bytes:
        if di == "02030000":
            return frame(A, 0xD1, b"\x04")
        return frame(A, 0x91, wire(di, ITEMS[di]))

    line = Line([slave := Slave(address=A, replies=guarded)])
    driver = master(A)
    line.run(driver, POLL_MS * 4 + 5000)
    assert slave.asked.count("02030000") == 5
    assert driver.counters["error_replies"] == 5


def test_an_answer_in_several_frames_is_put_together() -> None:
    whole = bytes.fromhex("0000000200000003000000600000006200000129")[::-1]

    def in_pieces(di: str, control: int, data: bytes) -> bytes:
        head = wire("0001FF00")
        if control == 0x11:
            return frame(A, 0xB1, head + whole[:7])
        sequence = data[4]
        piece = {1: whole[7:14], 2: whole[14:]}[sequence]
        return frame(A, 0xB2 if sequence == 1 else 0x92, head + piece + bytes((sequence,)))

    line = Line([Slave(address=A, replies=in_pieces)])
    line.run(master(A, items=["energy_tariffs"]), 10_000)
    (reading,) = powers(line)
    assert reading.values == {"energy_kwh": 1.29}
    assert reading.attrs["energy_t4_kwh"] == 0.02


def test_a_piece_with_the_wrong_number_is_not_taken() -> None:
    def wrong_number(di: str, control: int, data: bytes) -> bytes:
        head = wire("0001FF00")
        if control == 0x11:
            return frame(A, 0xB1, head + bytes(8))
        return frame(A, 0x92, head + bytes(12) + b"\x07")

    line = Line([Slave(address=A, replies=wrong_number)])
    driver = master(A, items=["energy_tariffs"])
    line.run(driver, 10_000)
    assert powers(line) == []
    assert driver.counters["late_or_foreign"] == 3


@pytest.mark.parametrize(
    ("rest", "code"), [(b"\x00" * 3, "bad_length"), (b"\xbb" * 4, "bad_digits")]
)
def test_pieces_that_make_no_whole_are_damage(rest, code) -> None:
    def bad(di: str, control: int, data: bytes) -> bytes:
        head = wire("0001FF00")
        if control == 0x11:
            return frame(A, 0xB1, head + bytes(4))
        return frame(A, 0x92, head + rest + b"\x01")

    line = Line([Slave(address=A, replies=bad)])
    line.run(master(A, items=["energy_tariffs"]), 5_000)
    assert powers(line) == []
    assert damage(line) == [code]


def test_a_meter_that_always_has_more_is_cut_off() -> None:
    def endless(di: str, control: int, data: bytes) -> bytes:
        if control == 0x11:
            return frame(A, 0xB1, wire("0001FF00") + bytes(4))
        return frame(A, 0xB2, wire("0001FF00") + bytes(4) + data[4:5])

    line = Line([slave := Slave(address=A, replies=endless)])
    line.run(master(A, items=["energy_tariffs"]), 10_000)
    assert damage(line) == ["too_many_follow_ups"]
    assert len(slave.asked) == 1 + master_module.FOLLOW_UPS_MAX


def test_the_edition_of_1997() -> None:
    old = {"9010": "00142679", "B611": "0223", "B621": "0150", "B630": "002512"}
    line = Line([slave := Slave(address=A, items=old)])
    driver = build({"meters": [{"address": A, "version": 1997}]})
    line.run(driver, 10_000)
    (reading,) = powers(line)
    assert reading.values == {
        "energy_kwh": 1426.79,
        "voltage_v": 223.0,
        "current_a": 1.5,
        "power_w": 251.2,
    }
    assert {split(raw)[1] for _, raw in line.requests} == {0x01}
    assert sorted(slave.asked) == sorted(old)


def test_1997_meters_may_answer_with_the_wildcard() -> None:
    def shy(di: str, control: int, data: bytes) -> bytes:
        return frame("A" * 12, 0x81, wire("9010", "00027261"))

    line = Line([Slave(address=A, replies=shy)])
    meters = [{"address": A, "version": 1997, "items": ["energy"]}]
    line.run(build({"meters": meters}), 10_000)
    assert powers(line)[0].values == {"energy_kwh": 272.61}
