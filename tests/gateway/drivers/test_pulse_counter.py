"""S0 pulses: each counted once, nothing to remember across a restart, no zero for a cut cable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.config import ConfigError
from contract.item import check_measurement
from gateway.driver import Decoded, Undecodable
from gateway.drivers.pulse_counter import DEBOUNCE_MS, LINE_BYTES_MAX, SPEC

START = 1_795_000_000_000


def counter(**config):
    return SPEC.build({"device": "meter", "impulses_per_kwh": 1000, **config})


class Bench:
    def __init__(self, **config) -> None:
        self.driver = counter(**config)
        self.at = 0
        self.found = []
        self.damage = []

    def keep(self, outcomes) -> None:
        self.found += [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
        self.damage += [o for o in outcomes if isinstance(o, Undecodable)]

    def feed(self, data: bytes = b"\x00", after_ms: int = 0) -> None:
        self.at += after_ms
        self.keep(self.driver.feed(data, START + self.at, self.at))

    def quiet(self, ms: int) -> None:
        """As the serial line does: a flush for every two seconds of silence."""
        end = self.at + ms
        while self.at + 2000 <= end:
            self.at += 2000
            self.keep(self.driver.flush(START + self.at, self.at))
        self.at = end

    @property
    def readings(self):
        return [m for m in self.found if m.kind == "power"]

    @property
    def energy_wh(self) -> float:
        return sum(m.values["energy_interval_wh"] for m in self.readings)


def test_a_steady_load_is_told_with_its_power_and_all_its_energy() -> None:
    bench = Bench()
    for _ in range(601):
        bench.feed(after_ms=3600)  # 1 kW
    assert bench.energy_wh == pytest.approx(601, abs=17)
    assert [m.values["power_w"] for m in bench.readings[1:]] == [1000.0] * (len(bench.readings) - 1)
    assert [m.attrs["interval_s"] for m in bench.readings[1:3]] == [61.2, 61.2]
    # What the last interval still holds comes with the silence.
    bench.quiet(60_000)
    assert bench.energy_wh == pytest.approx(601)
    assert bench.readings[-1].measured_at_ms == START + 601 * 3600
    for measurement in bench.found:
        check_measurement(measurement)


def test_a_restart_loses_no_energy_that_was_told_and_counts_none_twice() -> None:
    total = 0.0
    for _ in range(5):
        bench = Bench(every_s=1)
        for _ in range(20):
            bench.feed(after_ms=4000)
        total += bench.energy_wh
    assert total == pytest.approx(100)


def test_a_home_that_uses_little_is_told_slowly_and_never_as_zero() -> None:
    bench = Bench()
    bench.feed()
    for _ in range(4):
        bench.quiet(1_800_000)
        bench.feed()
    assert len(bench.readings) == 5
    assert [m.values["power_w"] for m in bench.readings[1:]] == [2.0] * 4


def test_a_cut_cable_is_a_fault_once_and_never_a_zero() -> None:
    bench = Bench()
    bench.feed()
    bench.quiet(20 * 3_600_000)
    assert len(bench.readings) == 1
    faults = [m for m in bench.found if m.kind == "device_health"]
    assert [m.attrs for m in faults] == [{"fault": "no_data"}]
    assert faults[0].measured_at_ms == START + 6 * 3_600_000
    bench.feed()
    assert bench.found[-2].attrs == {"recovered": "no_data"}
    # Nor as hardly any use for twenty hours.
    assert bench.readings[-1].attrs["interval_s"] == 0
    assert bench.readings[-1].values == {"energy_interval_wh": 1.0}


def test_a_bouncing_contact_is_one_pulse() -> None:
    bench = Bench(every_s=1)
    for _ in range(50):
        bench.feed(b"\x80", after_ms=3000)
        bench.feed(b"\xff", after_ms=9)
        bench.feed(b"\x00", after_ms=9)
    assert bench.driver.counters["pulses"] == 50
    assert bench.driver.counters["bounces"] == 100


def test_pulses_that_waited_for_a_busy_gateway_all_count() -> None:
    bench = Bench(every_s=1)
    bench.feed()
    bench.feed(b"\x00" * 20, after_ms=2000)
    assert bench.driver.counters["pulses"] == 21
    # More than there was time for is noise.
    bench.feed(b"\x00" * 500, after_ms=2000)
    assert bench.driver.counters["pulses"] == 21 + 2000 // DEBOUNCE_MS


def test_two_pulses_that_came_late_together_are_energy_and_no_power() -> None:
    bench = Bench()
    bench.feed()
    bench.feed(after_ms=60)
    bench.quiet(120_000)
    assert bench.energy_wh == pytest.approx(2)
    assert all("power_w" not in m.values for m in bench.found)


def test_more_than_the_main_fuse_lets_through_is_a_fault_and_no_reading() -> None:
    bench = Bench(every_s=10)
    bench.feed()
    for _ in range(600):
        bench.feed(after_ms=60)  # 60 kW: a contact that never rests
    assert len(bench.readings) == 1
    faults = [m.attrs["fault"] for m in bench.found if m.kind == "device_health"]
    assert faults == ["implausible_value"]


def test_lines_of_a_counter_circuit_are_pulses_however_they_are_cut() -> None:
    for cut in (1, 2, 5, 100):
        bench = Bench(mode="line", every_s=1, debounce_ms=0)
        text = b"P 1\r\n\r\nP 2\r\nP 3\nP"
        for at in range(0, len(text), cut):
            bench.feed(text[at : at + cut], after_ms=100)
        bench.quiet(10_000)
        bench.feed(b" 4\n")
        assert bench.driver.counters["pulses"] == 4


def test_an_endless_line_is_told_once_and_is_no_pulse() -> None:
    bench = Bench(mode="line", every_s=1)
    for _ in range(50):
        bench.feed(b"x" * (LINE_BYTES_MAX // 2 + 1), after_ms=100)
    bench.feed(b"\nP 1\n", after_ms=100)
    assert [d.code for d in bench.damage] == ["too_long"]
    assert bench.driver.counters["pulses"] == 1


def test_clocks_set_back_lose_no_energy() -> None:
    driver = counter(every_s=10)
    found = []
    for number in range(100):
        now = START + number * 3600 - (86_400_000 if number >= 50 else 0)
        outcomes = driver.feed(b"\x00", now, number * 3600)
        found += [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
    powers = [m.values.get("power_w") for m in found]
    assert sum(m.values["energy_interval_wh"] for m in found) == pytest.approx(100, abs=2)
    assert set(powers) <= {None, 1000.0}


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 400_000)), max_size=30))
def test_any_bytes_count_each_pulse_in_one_reading(steps) -> None:
    for mode in ("byte", "line"):
        bench = Bench(mode=mode, power_w_max=500_000, impulses_per_kwh=1000)
        for data, after_ms in steps:
            bench.feed(data, after_ms)
        bench.quiet(120_000)
        told = sum(m.attrs["pulses"] for m in bench.readings)
        refused = bench.driver.counters["implausible_pulses"]
        assert told + refused == bench.driver.counters["pulses"]
        for measurement in bench.found:
            check_measurement(measurement)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"device": "m"}, "impulses_per_kwh: missing"),
        ({"impulses_per_kwh": 1000}, "device: missing"),
        ({"device": "m", "impulses_per_kwh": 0}, "expected 1 to"),
        ({"device": "m", "impulses_per_kwh": 1, "impulses": 1}, "did you mean 'impulses_per_kwh'"),
        ({"device": "m", "impulses_per_kwh": 1, "mode": "lines"}, "did you mean 'line'"),
        ({"device": "m/", "impulses_per_kwh": 1}, "pulse-counter.device"),
    ],
)
def test_mistakes_in_the_configuration_are_named(config, message) -> None:
    with pytest.raises(ConfigError, match=message):
        SPEC.build(config)
