"""Oximeter packets: one reading for a settled minute or a spot check, none without a finger."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.config import ConfigError
from contract.item import check_measurement
from gateway.driver import Decoded, Undecodable
from gateway.drivers.cms50 import JUNK_BYTES_MAX, SPEC, explain, split

START = 1_795_000_000_000
# 50 packets a second instead of 60: a whole number of milliseconds each.
PACKET_MS = 20


def packet(spo2=97, pulse=72, signal=6, *, finger_out=False, searching=False, probe=False) -> bytes:
    return bytes(
        (
            0x80 | signal | (0x10 if finger_out else 0),
            50,
            4 | (0x40 if pulse & 0x80 else 0) | (0x20 if searching else 0) | (0x10 if probe else 0),
            pulse & 0x7F,
            spo2,
        )
    )


OUT = packet(0, 0, 0, finger_out=True)
SEARCHING = packet(0, 0, 2, searching=True)


class Bench:
    def __init__(self) -> None:
        self.driver = SPEC.build({"device": "oxi"})
        self.at = 1_000_000
        self.found = []
        self.damage = []

    def keep(self, outcomes) -> None:
        self.found += [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
        self.damage += [o for o in outcomes if isinstance(o, Undecodable)]

    def send(self, data: bytes, seconds: float) -> None:
        """The same packet for a while, half a second of them in one read."""
        for _ in range(round(seconds * 2)):
            self.at += 25 * PACKET_MS
            self.keep(self.driver.feed(data * 25, START + self.at, self.at))

    def quiet(self) -> None:
        self.at += 2000
        self.keep(self.driver.flush(START + self.at, self.at))

    @property
    def readings(self):
        return [m for m in self.found if m.kind == "oximetry"]


def test_a_continuous_measurement_gives_one_reading_a_minute() -> None:
    bench = Bench()
    bench.send(OUT, 5)
    bench.send(SEARCHING, 5)
    bench.send(packet(80, 140), 5)  # the device's first guess
    bench.send(packet(96, 71), 330)  # the last 25 s are no minute, and no spot check either
    bench.send(OUT, 30)
    assert len(bench.readings) == 5
    bench.send(packet(93, 80), 30)
    bench.send(OUT, 5)
    assert [m.attrs["mode"] for m in bench.readings] == ["continuous"] * 5 + ["spot"]
    for reading in bench.readings[:5]:
        assert reading.values == {"spo2_pct": 96.0, "pulse_bpm": 71.0}
        assert reading.attrs == {
            "mode": "continuous",
            "quality": "good",
            "signal_strength": 6,
            "valid_pct": 100,
            "duration_s": 60,
        }
        check_measurement(reading)
    times = [m.measured_at_ms for m in bench.readings[:5]]
    assert {b - a for a, b in pairwise(times)} == {60_000}


@pytest.mark.parametrize("end", ["finger out", "unplugged"])
def test_a_spot_check_gives_one_reading_at_its_end(end) -> None:
    bench = Bench()
    bench.send(packet(94, 200, 2), 30)
    assert bench.readings == []
    if end == "finger out":
        bench.send(OUT, 60)
    else:
        bench.quiet()
        bench.quiet()
    [reading] = bench.readings
    assert reading.values == {"spo2_pct": 94.0, "pulse_bpm": 200.0}
    assert reading.attrs["mode"] == "spot"
    assert reading.attrs["quality"] == "low"
    assert 18 <= reading.attrs["duration_s"] <= 21


def test_a_finger_of_a_few_seconds_is_no_measurement() -> None:
    bench = Bench()
    for _ in range(5):
        bench.send(packet(), 15)
        bench.send(OUT, 5)
    assert bench.readings == []
    assert bench.driver.counters["too_short"] == 5


def test_a_finger_that_moves_does_not_end_the_measurement() -> None:
    bench = Bench()
    for _ in range(8):
        bench.send(packet(), 9.5)
        bench.send(OUT, 0.5)
    assert [m.attrs["mode"] for m in bench.readings] == ["continuous"]
    assert 90 <= bench.readings[0].attrs["valid_pct"] <= 100


def test_a_minute_that_is_mostly_searching_gives_nothing() -> None:
    bench = Bench()
    bench.send(packet(), 12)
    bench.send(SEARCHING, 75)
    assert bench.readings == []
    assert bench.driver.counters["unsettled"] == 1


def test_the_middle_value_stands_and_not_one_outlier() -> None:
    bench = Bench()
    bench.send(packet(), 12)
    bench.send(packet(50, 30), 20)
    bench.send(packet(), 45)
    assert bench.readings[0].values == {"spo2_pct": 97.0, "pulse_bpm": 72.0}


def test_what_cannot_be_true_is_a_fault_once_and_never_a_reading() -> None:
    bench = Bench()
    bench.send(packet(), 10)
    bench.send(packet(120, 72), 200)
    assert bench.readings == []
    faults = [m for m in bench.found if m.kind == "device_health"]
    assert [m.attrs["fault"] for m in faults] == ["implausible_value"]
    assert faults[0].attrs["quantity"] == "spo2_pct"


def test_a_probe_error_that_lasts_is_a_fault_once() -> None:
    bench = Bench()
    bench.send(packet(0, 0, 0, probe=True), 3)
    bench.send(OUT, 1)
    assert bench.found == []
    bench.send(packet(0, 0, 0, probe=True), 60)
    assert [m.attrs for m in bench.found] == [{"fault": "probe_error"}]
    bench.send(OUT, 1)
    assert bench.found[-1].attrs == {"recovered": "probe_error"}


def test_a_pause_of_the_line_begins_a_new_measurement() -> None:
    bench = Bench()
    bench.send(packet(), 30)
    bench.at += 3_600_000  # no flush came: the gateway was asleep
    ended = bench.at
    bench.send(packet(90), 30)
    bench.quiet()
    assert [m.values["spo2_pct"] for m in bench.readings] == [97.0, 90.0]
    assert all(m.attrs["duration_s"] <= 20 for m in bench.readings)
    assert bench.readings[0].measured_at_ms == START + ended - 3_600_000


def test_a_bad_minute_does_not_take_the_spot_check_behind_it() -> None:
    bench = Bench()
    bench.send(packet(), 11)
    bench.send(SEARCHING, 61)
    assert bench.driver.counters["unsettled"] == 1
    bench.send(packet(95), 30)
    bench.send(OUT, 5)
    [reading] = bench.readings
    assert (reading.values["spo2_pct"], reading.attrs["mode"]) == (95.0, "spot")


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 7])
def test_pieces_garbage_and_a_start_in_mid_packet(cut) -> None:
    stream = packet()[2:] + packet() * 20 + b"\xff\x90\x7f\x80" + packet() * 20
    whole, junk, rest = split(stream)
    assert (whole, rest) == ([packet()] * 40, b"")
    assert len(junk) == 7
    bench = Bench()
    for at in range(0, len(stream), cut):
        bench.keep(bench.driver.feed(stream[at : at + cut], START, bench.at))
    assert bench.driver.counters["packets"] == 40
    assert bench.driver.counters["junk_bytes"] == 7
    assert bench.damage == []


def test_wrong_parity_is_told_and_memory_is_bounded() -> None:
    bench = Bench()
    for _ in range(50):
        bench.keep(bench.driver.feed(b"\x01" * 100, START, bench.at))
    assert {d.code for d in bench.damage} == {"sync"}
    assert all(len(d.raw) <= JUNK_BYTES_MAX for d in bench.damage)
    assert len(bench.damage) <= 10


def test_a_download_is_named_and_gives_no_reading() -> None:
    bench = Bench()
    download = bytes.fromhex("F28000" * 3 + "808172" + "F0C45F" * 100)
    bench.keep(bench.driver.feed(download, START, bench.at))
    bench.quiet()
    assert [d.code for d in bench.damage] == ["recorded"]
    assert bench.found == []


@given(st.integers(0, 255), st.integers(0, 127), st.booleans())
def test_a_valid_packet_has_values_that_can_be_true(pulse, spo2, searching) -> None:
    fields = explain(packet(spo2, pulse, searching=searching))
    assert fields["pulse_rate"] == pulse
    assert fields["valid"] == (not searching and pulse >= 18 and 1 <= spo2 <= 100)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 90_000)), max_size=30))
def test_any_bytes_give_only_readings_of_the_contract(steps) -> None:
    bench = Bench()
    for data, after_ms in steps:
        bench.at += after_ms
        bench.keep(bench.driver.feed(data, START + bench.at, bench.at))
    bench.quiet()
    before = len(bench.readings)
    bench.send(packet(), 25)
    bench.quiet()
    assert len(bench.readings) == before + 1
    for measurement in bench.found:
        check_measurement(measurement)


@pytest.mark.parametrize(
    ("config", "message"),
    [({}, "cms50.device: missing"), ({"devise": "o"}, "did you mean 'device'")],
)
def test_mistakes_in_the_configuration_are_named(config, message) -> None:
    with pytest.raises(ConfigError, match=message):
        SPEC.build(config)
