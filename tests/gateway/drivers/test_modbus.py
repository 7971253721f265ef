"""Modbus meters: a master that takes no answer for another's."""

import math
import struct

import pytest

from contract.item import check_measurement
from gateway.drivers.modbus import master, meter
from gateway.drivers.modbus.frame import (
    read_request,
)
from tests.gateway.drivers.modbus_bench import (
    OWN,
    PZEM,
    PZEM_DATA,
    SDM,
    SDM_A,
    SDM_B,
    Bench,
    exception,
    floats,
    read_of,
    response,
)


def test_meters_with_different_maps_share_a_line() -> None:
    bench = Bench(SDM, PZEM)
    assert read_of(bench.ask()) == (1, 4, 0, 0x20)
    bench.hear(response(1, 4, SDM_A))
    assert read_of(bench.ask()) == (1, 4, 0x46, 6)
    bench.hear(response(1, 4, SDM_B))
    assert read_of(bench.ask()) == (2, 4, 0, 10)
    bench.hear(response(2, 4, PZEM_DATA))
    sdm, pzem = bench.found
    assert (sdm.device, pzem.device) == ("sdm", "pzem")
    assert sdm.values == {
        "voltage_v": 230.2,
        "current_a": 1.5,
        "power_w": 345.3,
        "power_factor": 0.98,
        "frequency_hz": 50.01,
        "energy_kwh": 1234.567,
    }
    assert sdm.attrs == {"reverse_energy_kwh": 0.25}
    # Low word first, and Wh: the published reading of this frame.
    assert pzem.values["energy_kwh"] == 0.002
    assert pzem.values["voltage_v"] == 225.9


def test_ddsu666_gives_kilowatts_from_holding_registers() -> None:
    bench = Bench({"unit": 9, "map": "ddsu666"})
    assert read_of(bench.ask()) == (9, 3, 0x2000, 0x10)
    bench.hear(response(9, 3, floats(0x10, r0=229.9, r2=2.0, r4=0.4567, rA=1.0, rE=49.98)))
    assert read_of(bench.ask()) == (9, 3, 0x4000, 2)
    bench.hear(response(9, 3, floats(2, r0=88.5)))
    [found] = bench.found
    assert found.device == "modbus-9"
    assert found.values["power_w"] == 456.7
    assert found.values["energy_kwh"] == 88.5


@pytest.mark.parametrize(
    ("wrong", "counter"),
    [
        (response(7, 4, SDM_A), "wrong_unit"),
        (response(1, 3, SDM_A), "wrong_function"),
        (response(1, 4, SDM_B), "wrong_length"),
        (read_request(1, 4, 0, 0x20), "echo"),
        (exception(7, 4, 2), "wrong_unit"),
        (response(1, 4, SDM_A)[:-1] + b"\x99", "crc"),
        (response(1, 4, SDM_A)[:40], "incomplete"),
    ],
    ids=["unit", "function", "length", "echo", "foreign exception", "crc", "cut"],
)
def test_what_is_not_the_answer_is_counted_and_the_request_repeated(wrong, counter) -> None:
    bench = Bench(SDM)
    first = bench.ask()
    bench.hear(wrong)
    assert bench.found == []
    assert bench.ask() == first
    assert bench.master.counters[counter] == 1
    assert [d.code for d in bench.damage] == ([counter] if counter in ("crc", "incomplete") else [])
    bench.hear(response(1, 4, SDM_A))
    bench.round(response(1, 4, SDM_B))
    assert bench.found[0].values["voltage_v"] == 230.2


def test_an_answer_behind_echo_and_glitches_in_pieces_is_taken() -> None:
    bench = Bench(SDM)
    request = bench.ask()
    for byte in b"\x00" + request + b"\x00\xff" + response(1, 4, SDM_A) + b"\x00":
        bench.keep(bench.master.feed(bytes((byte,)), bench.now, bench.line))
        bench.wait(1)
    bench.round(response(1, 4, SDM_B))
    assert bench.found[0].values["power_w"] == 345.3
    assert bench.damage == []
    assert bench.master.counters["timeout"] == 0


def test_an_answer_that_began_before_the_question_is_not_its_answer() -> None:
    bench = Bench(PZEM)
    bench.round(response(2, 4, PZEM_DATA))
    stray = response(2, 4, bytes(20))
    bench.hear(stray[:12])
    bench.ask()
    bench.hear(stray[12:])
    assert len(bench.found) == 1


def test_a_late_answer_is_never_taken_for_the_next_question() -> None:
    """Both questions have one shape: only time can tell their answers apart."""
    bench = Bench(OWN, retries=1, reply_timeout_ms=500)
    voltage = response(5, 4, struct.pack(">f", 230.0))
    bench.ask()
    bench.ask()  # repeated: now two answers may be on their way
    bench.hear(voltage)
    asked_at = None
    deadline = bench.line + 10_000
    late_at = bench.line + 900
    while asked_at is None and bench.line < deadline:
        bench.keep(bench.master.tick(bench.now, bench.line))
        if bench.line == late_at:
            bench.keep(bench.master.feed(voltage, bench.now, bench.line))
        if bench.master.next_request(bench.now, bench.line) is not None:
            asked_at = bench.line
        bench.wait(10)
    assert asked_at is not None
    assert asked_at > late_at
    assert bench.master.counters["late"] == 1
    bench.hear(response(5, 4, struct.pack(">f", 100.0)))
    assert bench.found[0].values == {"voltage_v": 230.0, "power_w": 100.0}


def test_an_answer_to_an_earlier_try_leaves_one_to_come() -> None:
    bench = Bench(OWN, reply_timeout_ms=500)
    voltage = response(5, 4, struct.pack(">f", 230.0))
    bench.ask()
    bench.ask()  # the second try, just sent
    second = bench.line
    bench.hear(voltage)  # the first one's answer
    bench.ask()
    assert bench.line >= second + 500 + master.LATE_REPLY_MS
    # It was waited for once: the next rounds lose no time over it.
    bench.hear(voltage)
    bench.ask()
    started = bench.line
    bench.hear(voltage)
    bench.ask()
    assert bench.line - started < 500


def test_a_dead_meter_is_a_fault_and_does_not_starve_the_other() -> None:
    bench = Bench(SDM, PZEM)
    start, good = bench.now, 0
    gaps, last = [], bench.now
    while bench.now < start + 900_000:
        request = bench.ask()
        if request[0] == 2:
            bench.hear(response(2, 4, PZEM_DATA))
            gaps.append(bench.now - last)
            last = bench.now
            good += 1
    faults = [m for m in bench.found if m.kind == "device_health"]
    assert [(m.device, m.attrs) for m in faults] == [("sdm", {"fault": "no_answer"})]
    assert faults[0].measured_at_ms - start < 120_000
    # Never a stall of more than one poll interval beyond the plan.
    assert max(gaps) <= 20_000
    assert good >= 85
    while bench.found[-1].attrs != {"recovered": "no_answer"}:
        request = bench.ask()
        answers = {(1, 0x20): SDM_A, (1, 6): SDM_B, (2, 10): PZEM_DATA}
        bench.hear(response(request[0], 4, answers[request[0], request[5]]))
    assert bench.found[-2].values["voltage_v"] == 230.2


def test_a_cut_line_is_asked_ever_more_rarely() -> None:
    bench = Bench(SDM, PZEM)
    start = bench.now
    asked = 0
    while bench.now < start + 3_600_000:
        bench.ask()
        asked += 1
    assert asked < 45
    assert [m.attrs["fault"] for m in bench.found] == ["no_answer"] * 2


def test_refused_registers_are_left_alone_for_a_day() -> None:
    bench = Bench(SDM)
    bench.round(response(1, 4, SDM_A), exception(1, 4, 2))
    assert bench.found[0].values == {
        "voltage_v": 230.2,
        "current_a": 1.5,
        "power_w": 345.3,
        "power_factor": 0.98,
    }
    addresses = []
    for _ in range(20):
        addresses.append(read_of(bench.ask())[2])
        bench.hear(response(1, 4, SDM_A))
    assert set(addresses) == {0}
    bench.wait(meter.UNSUPPORTED_MS)
    bench.round(response(1, 4, SDM_A))
    assert read_of(bench.ask())[2] == 0x46
    assert bench.master.counters["exceptions"] == 1


def test_a_busy_meter_is_asked_again_and_told_when_it_stays_so() -> None:
    bench = Bench(PZEM)
    bench.round(*[exception(2, 4, 6)] * 4)
    assert [m.attrs for m in bench.found] == [{"fault": "no_data"}]
    bench.round(response(2, 4, PZEM_DATA))
    assert [m.kind for m in bench.found] == ["device_health", "power", "device_health"]
    assert bench.found[-1].attrs == {"recovered": "no_data"}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -3.0, 1e9])
def test_what_cannot_be_true_is_a_fault_once_and_never_a_reading(bad) -> None:
    bench = Bench(SDM)
    broken = SDM_A[:0] + struct.pack(">f", bad) + SDM_A[4:]
    for _ in range(5):
        bench.round(response(1, 4, broken), response(1, 4, SDM_B))
    readings = [m for m in bench.found if m.kind == "power"]
    faults = [m for m in bench.found if m.kind == "device_health"]
    assert len(readings) == 5
    assert all("voltage_v" not in m.values and m.values["power_w"] == 345.3 for m in readings)
    assert [m.attrs["fault"] for m in faults] == ["implausible_value"]
    assert faults[0].attrs["quantity"] == "voltage_v"
    for measurement in bench.found:
        check_measurement(measurement)
    bench.round(response(1, 4, SDM_A), response(1, 4, SDM_B))
    bench.round(response(1, 4, broken), response(1, 4, SDM_B))
    assert bench.found[-1].attrs["fault"] == "implausible_value"


def test_clocks_set_back_delay_nothing() -> None:
    bench = Bench(SDM)
    bench.round(response(1, 4, SDM_A), response(1, 4, SDM_B))
    bench.now -= 86_400_000
    bench.ask(within_ms=11_000)
    bench.line -= 3_000
    bench.hear(response(1, 4, SDM_A))
    bench.ask(within_ms=11_000)
    # The other way round: a demonstration's domain clock runs far ahead of the line's.
    fast = Bench(SDM)
    fast.ask()
    fast.now += 60_000
    assert fast.master.tick(fast.now, fast.line + 10) == []
    fast.hear(response(1, 4, SDM_A))
    fast.round(response(1, 4, SDM_B))
    assert len(fast.found) == 1


def test_minus_zero_is_zero() -> None:
    bench = Bench(SDM)
    bench.round(response(1, 4, floats(0x20, rC=-0.0, r0=230.0)), response(1, 4, SDM_B))
    assert math.copysign(1, bench.found[0].values["power_w"]) == 1


def test_silence_is_kept_before_every_request() -> None:
    bench = Bench(SDM)
    bench.ask()
    bench.hear(response(1, 4, SDM_A))
    assert bench.master.next_request(bench.now, bench.line) is None
    heard = bench.line
    bench.ask()
    assert bench.line - heard >= master.TURNAROUND_MS


def test_a_line_that_is_never_silent_is_noticed() -> None:
    bench = Bench(SDM)
    asked = 0
    for _ in range(180_000 // 20):
        bench.keep(bench.master.tick(bench.now, bench.line))
        asked += bench.master.next_request(bench.now, bench.line) is not None
        bench.wait(20)
        bench.keep(bench.master.feed(b"\x55", bench.now, bench.line))
    assert asked >= 5
    assert [m.attrs for m in bench.found] == [{"fault": "no_answer"}]
    bench.wait(1000)
    bench.round(response(1, 4, SDM_A), response(1, 4, SDM_B))
    assert bench.found[-1].attrs == {"recovered": "no_answer"}
