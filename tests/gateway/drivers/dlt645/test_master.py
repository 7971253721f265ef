"""The master of a bus: one question at a time, nobody starved, whatever the clock does."""

from itertools import pairwise

import pytest

from contract.item import check_measurement
from gateway.driver import Decoded
from gateway.drivers.dlt645 import master as master_module
from gateway.drivers.dlt645.meter import BACKOFF_FIRST_MS, BACKOFF_MAX_MS
from gateway.drivers.dlt645.spec import build
from tests.adapters.dlt645_slaves import Line, Slave, frame, split, wire
from tests.gateway.drivers.dlt645.bus import ITEMS, POLL_MS, A, B, faults, master, powers


def asked_dis(line: Line) -> list[str]:
    return [split(raw)[2][:4][::-1].hex().upper() for _, raw in line.requests]


def test_a_round_is_one_reading_with_every_value_and_the_next_comes_a_poll_later() -> None:
    line = Line([Slave(address=A, items=ITEMS)])
    driver = master(A)
    begun_ms = line.now_ms
    line.run(driver, POLL_MS * 3 + 5_000)
    rounds = powers(line)
    assert len(rounds) == 4
    assert rounds[0].values == {
        "energy_kwh": 1234.56,
        "power_w": 251.2,
        "voltage_v": 230.1,
        "current_a": 1.5,
    }
    for reading in rounds:
        check_measurement(reading)
    starts = [reading.measured_at_ms - begun_ms for reading in rounds]
    assert all(b - a == POLL_MS for a, b in pairwise(starts[1:]))


# With panels: 1.2 kW flow out, which the top bit of the power says.
GIVING = {**ITEMS, "02030000": "812000", "00020000": "00008880"}


def test_a_meter_that_gives_is_asked_for_both_registers_from_then_on() -> None:
    line = Line([slave := Slave(address=A, items=GIVING)])
    driver = master(A)
    line.run(driver, POLL_MS * 2 + 5_000)
    slave.items = {**GIVING, "02030000": "002512"}
    line.run(driver, POLL_MS)
    first, *others = powers(line)
    assert first.values["power_w"] == -1200.0
    assert not first.attrs
    assert len(others) == 3
    for reading in others:
        assert reading.values["energy_kwh"] == 1234.56
        assert reading.attrs == {"reverse_energy_kwh": 88.8}
        check_measurement(reading)


def test_the_only_meter_of_a_line_is_asked_for_both_registers_too() -> None:
    line = Line([Slave(address=A, items=GIVING)])
    line.run(build({"discover": True}), POLL_MS * 3)
    assert powers(line)[-1].attrs == {"reverse_energy_kwh": 88.8}


def test_a_meter_that_never_gives_is_asked_for_nothing_more() -> None:
    line = Line([slave := Slave(address=A, items={**ITEMS, "00020000": "00000000"})])
    line.run(master(A), POLL_MS * 3)
    assert "00020000" not in slave.asked
    assert not any(reading.attrs for reading in powers(line))


def test_a_list_of_items_is_what_is_asked_for() -> None:
    line = Line([slave := Slave(address=A, items=GIVING)])
    line.run(master(A, items=["energy", "power"]), POLL_MS * 3)
    assert "00020000" not in slave.asked
    line = Line([Slave(address=A, items=GIVING)])
    line.run(master(A, items=["energy", "reverse_energy"]), 5_000)
    assert powers(line)[0].attrs == {"reverse_energy_kwh": 88.8}


def test_a_meter_that_gives_and_has_no_such_register_is_read_as_before() -> None:
    without = {di: data for di, data in GIVING.items() if di != "00020000"}
    line = Line([slave := Slave(address=A, items=without)])
    line.run(master(A), POLL_MS * 4)
    assert slave.asked.count("00020000") == 1
    assert len(powers(line)) >= 4
    assert all(reading.values["energy_kwh"] == 1234.56 for reading in powers(line))


def test_one_request_is_outstanding_and_the_line_rests_before_the_next() -> None:
    line = Line([Slave(address=a, items=ITEMS, think_ms=300) for a in (A, B)])
    line.run(master(A, B, turnaround_ms=100), POLL_MS)
    times = [at for at, _ in line.requests]
    assert len(times) >= 8
    assert min(b - a for a, b in pairwise(times)) >= 300 + 100


def test_nothing_else_is_sent_while_an_answer_is_awaited() -> None:
    line = Line([])
    driver = master(A, reply_timeout_ms=1000)
    assert line.turn(driver)
    for _ in range(9):
        line.passes(100)
        assert not line.turn(driver)
    line.passes(100)
    assert line.turn(driver)
    assert driver.counters["retry"] == 1


@pytest.mark.parametrize("retries", [0, 2, 5])
def test_a_silent_meter_is_asked_again_so_often_and_then_let_go(retries) -> None:
    line = Line([Slave(address=A, alive=False)])
    driver = master(A, retries=retries, reply_timeout_ms=500)
    line.run(driver, BACKOFF_FIRST_MS - 1)
    assert len(line.requests) == 1 + retries
    assert set(asked_dis(line)) == {"00010000"}


def test_back_off_grows_to_its_limit_and_the_fault_is_told_once() -> None:
    line = Line([Slave(address=A, alive=False)])
    driver = master(A, retries=0, reply_timeout_ms=500)
    line.run(driver, 60 * 60_000)
    gaps = [round((b - a) / 1000) for (a, _), (b, _) in pairwise(line.requests)]
    assert gaps[:5] == [30, 60, 120, 240, 300]
    assert set(gaps[5:]) == {BACKOFF_MAX_MS // 1000}
    assert faults(line) == [(f"dlt645-{A}", {"fault": "no_answer"})]


def test_a_meter_that_comes_back_is_read_and_its_recovery_is_told() -> None:
    slave = Slave(address=A, items=ITEMS, alive=False)
    line = Line([slave])
    driver = master(A)
    line.run(driver, 20 * 60_000)
    slave.alive = True
    line.run(driver, BACKOFF_MAX_MS + POLL_MS)
    assert len(powers(line)) >= 1
    assert [attrs for _, attrs in faults(line)] == [
        {"fault": "no_answer"},
        {"recovered": "no_answer"},
    ]


def test_a_reply_in_the_last_moment_counts_and_a_slow_one_extends_the_wait() -> None:
    """Bytes still arriving are waited for, but noise holds the bus no longer than its limit."""
    line = Line([])
    driver = master(A, reply_timeout_ms=1000)
    line.turn(driver)
    reply = frame(A, 0x91, wire("00010000", ITEMS["00010000"]))
    for byte in reply[:-1]:
        line.passes(150)
        line.outcomes += driver.tick(line.now_ms, line.line_ms)
        line.outcomes += driver.feed(bytes((byte,)), line.now_ms, line.line_ms)
    assert not driver.counters["timeout"]
    line.outcomes += driver.feed(reply[-1:], line.now_ms, line.line_ms)
    assert any(isinstance(o, Decoded) and o.fields.get("value") == 1234.56 for o in line.outcomes)


def test_endless_noise_does_not_hold_the_bus() -> None:
    line = Line([])
    driver = master(A, retries=0, reply_timeout_ms=1000)
    line.turn(driver)
    asked_at = line.line_ms
    while not driver.counters["timeout"]:
        line.passes(100)
        line.outcomes += driver.feed(b"\x55", line.now_ms, line.line_ms)
        line.outcomes += driver.tick(line.now_ms, line.line_ms)
        assert line.line_ms - asked_at <= master_module.REPLY_WAIT_MAX_MS
    assert driver.counters["junk_bytes"]


def test_a_bus_with_more_to_do_than_time_serves_all_alike() -> None:
    numbers = [f"{n:012d}" for n in range(1, 6)]
    line = Line([Slave(address=n, items=ITEMS, think_ms=400) for n in numbers])
    line.run(master(*numbers, poll_s=1), 10 * 60_000)
    rounds = [len(powers(line, f"dlt645-{n}")) for n in numbers]
    assert min(rounds) > 50
    assert max(rounds) - min(rounds) <= 1


def test_every_reading_holds_what_was_answered_in_its_own_round() -> None:
    slave = Slave(address=A, items=ITEMS)
    line = Line([slave])
    slave.items = {**ITEMS, "02040000": "004331"}
    driver = master(A, items=["energy", "power", "voltage", "reactive_power"])
    line.run(driver, 30_000)
    slave.items = {"00010000": "00123457", "02030000": "000000"}
    line.run(driver, POLL_MS)
    first, second = powers(line)
    assert first.values["energy_kwh"] == 1234.56
    assert first.attrs == {"reactive_power_var": 433.1}
    assert second.values == {"energy_kwh": 1234.57, "power_w": 0.0}
    assert second.attrs == {}


def test_sixty_dead_meters_never_starve_four_living_ones() -> None:
    numbers = [f"{n:012d}" for n in range(1, 65)]
    living = {numbers[5], numbers[20], numbers[40], numbers[63]}
    line = Line([Slave(address=n, items=ITEMS, alive=n in living) for n in numbers])
    driver = master(*numbers)
    line.run(driver, 60 * 60_000)
    begun = line.now_ms - 60 * 60_000
    for number in living:
        readings = [m.measured_at_ms - begun for m in powers(line, f"dlt645-{number}")]
        settled = [at for at in readings if at > 20 * 60_000]
        assert len(settled) >= 30
        assert max(b - a for a, b in pairwise(settled)) <= 2 * POLL_MS
        assert readings[0] <= 6 * 60_000
    told = {device for device, attrs in faults(line) if "fault" in attrs}
    assert told == {f"dlt645-{n}" for n in numbers if n not in living}


def test_a_dark_line_is_asked_once_per_meter_and_comes_back() -> None:
    numbers = [f"{n:012d}" for n in range(1, 9)]
    slaves = [Slave(address=n, items=ITEMS) for n in numbers]
    line = Line(slaves)
    driver = master(*numbers)
    line.run(driver, 5 * POLL_MS)
    for slave in slaves:
        slave.alive = False
    line.requests.clear()
    line.run(driver, 40_000 + POLL_MS)
    first = [split(raw)[0] for _, raw in line.requests[:10]]
    # Three tries prove the first silent, then one each: the line is cut, not eight meters dead.
    assert first[:3] == [first[0]] * 3
    assert len(set(first[3:])) == 7
    for slave in slaves:
        slave.alive = True
    before = len(line.measured())
    line.run(driver, BACKOFF_MAX_MS + POLL_MS)
    assert {m.device for m in line.measured()[before:]} == {f"dlt645-{n}" for n in numbers}


@pytest.mark.parametrize("jump_ms", [-3_600_000, -86_400_000 * 400, 3_600_000, 86_400_000 * 30])
def test_the_domain_s_clock_may_jump(jump_ms) -> None:
    """No meter is silent longer than one poll of real time, and no reading is from the future."""
    line = Line([Slave(address=a, items=ITEMS) for a in (A, B)])
    driver = master(A, B)
    line.run(driver, 2 * POLL_MS)
    line.now_ms += jump_ms
    before = len(powers(line))
    line.run(driver, POLL_MS + 5_000)
    assert len(powers(line)) > before
    assert powers(line)[-1].measured_at_ms <= line.now_ms


@pytest.mark.parametrize("jump_ms", [-4_000, -1_000_000, 10_000_000])
def test_the_line_s_clock_may_jump_while_an_answer_is_awaited(jump_ms) -> None:
    line = Line([])
    driver = master(A, retries=0, reply_timeout_ms=1000)
    line.turn(driver)
    line.line_ms += jump_ms
    waited = 0
    while not driver.counters["timeout"]:
        waited += line.sleep(driver)
        line.outcomes += driver.tick(line.now_ms, line.line_ms)
        assert waited <= 2000
    assert len(line.requests) == 1


def test_a_clock_that_stands_still_does_not_stop_the_line() -> None:
    """The domain's clock may be frozen (a demonstration): time-outs run on the line's."""
    line = Line([Slave(address=A, alive=False)])
    driver = master(A, retries=1, reply_timeout_ms=500)
    frozen = line.now_ms
    for _ in range(30):
        line.now_ms = frozen
        line.turn(driver)
        line.line_ms += 100
    assert driver.counters["timeout"] == 2


def test_discovery_finds_the_only_meter_and_reads_it() -> None:
    line = Line([Slave(address="170516665384", items=ITEMS)])
    driver = build({"discover": True, "items": ["energy", "power"]})
    line.run(driver, 10_000)
    assert split(line.requests[0][1])[:2] == ("A" * 12, 0x13)
    (reading,) = powers(line, "dlt645-170516665384")
    assert reading.values == {"energy_kwh": 1234.56, "power_w": 251.2}


def test_discovery_goes_on_until_a_meter_answers_and_then_stops() -> None:
    slave = Slave(address="170516665384", items=ITEMS, alive=False)
    line = Line([slave])
    driver = build({"discover": True, "device": "kitchen"})
    line.run(driver, 5 * master_module.DISCOVERY_INTERVAL_MS)
    questions = [raw for _, raw in line.requests if split(raw)[1] == 0x13]
    assert 5 <= len(questions) <= 5 * 3
    slave.alive = True
    line.run(driver, 2 * master_module.DISCOVERY_INTERVAL_MS)
    asked = len([raw for _, raw in line.requests if split(raw)[1] == 0x13])
    assert powers(line, "kitchen")
    line.run(driver, 5 * master_module.DISCOVERY_INTERVAL_MS)
    assert len([raw for _, raw in line.requests if split(raw)[1] == 0x13]) == asked


def test_discovery_takes_no_number_that_is_none() -> None:
    def odd(di: str, control: int, data: bytes) -> bytes:
        return frame("A" * 12, 0x93, b"\xaa" * 6)

    line = Line([Slave(address="000000000161", replies=odd)])
    line.run(build({"discover": True}), 10_000)
    assert {split(raw)[1] for _, raw in line.requests} == {0x13}


def test_only_reading_control_codes_ever_leave() -> None:
    def hostile(di: str, control: int, data: bytes) -> bytes:
        return frame(A, 0x94, b"\x00" * 8)

    line = Line([Slave(address=A, replies=hostile), Slave(address=B, items=ITEMS)])
    line.run(master(A, B), 20 * POLL_MS)
    assert {split(raw)[1] for _, raw in line.requests} <= {0x11, 0x12, 0x13, 0x01}


def test_a_line_that_is_never_silent_is_asked_all_the_same_and_its_fault_is_told() -> None:
    driver = master(A)
    requests, outcomes = [], []
    for at_ms in range(0, 10 * 60_000, 20):
        outcomes += driver.feed(b"\x5a", at_ms)
        outcomes += driver.tick(at_ms)
        request = driver.next_request(at_ms)
        if request is not None:
            requests.append(at_ms)
    told = [
        dict(m.attrs)
        for o in outcomes
        if isinstance(o, Decoded)
        for m in o.measurements
        if m.kind == "device_health"
    ]
    assert told == [{"fault": "no_answer"}]
    assert len(requests) >= 6
    assert min(b - a for a, b in pairwise(requests)) >= 1000


def test_a_noisy_line_still_rests_before_a_question() -> None:
    """Noise that stops is waited for; the limit counts from when something became due."""
    driver = master(A)
    driver.feed(b"\x5a", 0)
    assert driver.next_request(0) is None
    assert driver.wake(0).line_ms == master_module.TURNAROUND_MS
    driver.feed(b"\x5a", 2000)
    assert driver.next_request(2000) is None
    assert driver.next_request(2000 + master_module.TURNAROUND_MS) is not None
