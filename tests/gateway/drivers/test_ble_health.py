"""Values of health devices over Bluetooth, as the specifications give them, and what is read."""

import struct
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.item import check_measurement
from gateway.driver import Undecodable
from gateway.drivers.ble_health.driver import (
    STREAM_FAULT_EVERY_MS,
)
from gateway.drivers.ble_health.value import float32, sfloat
from tests.gateway.drivers.ble_health_values import (
    NOW,
    NOW_MS,
    driver,
    fields,
    fl,
    glucose,
    item,
    items,
    outcome,
    pressure,
    sf,
    stamp,
)

NAN, NRES = b"\xff\x07", b"\x00\x08"


# Numbers.


@given(st.integers(-2045, 2045), st.integers(-8, 7))
def test_sfloat(mantissa: int, exponent: int) -> None:
    # 0x800-0x802 are taken, so the smallest number is -2045.
    if exponent == 0 or mantissa < 2046:
        assert sfloat(sf(mantissa, exponent)) == pytest.approx(mantissa * 10.0**exponent)


@given(st.integers(-(2**23) + 3, 2**23 - 3), st.integers(-128, 127))
def test_float(mantissa: int, exponent: int) -> None:
    assert float32(fl(mantissa, exponent)) == pytest.approx(mantissa * 10.0**exponent)


@pytest.mark.parametrize(
    ("mantissa", "expected"),
    [(0x7FF, None), (0x800, None), (0x801, None), (0x7FE, "Infinity"), (0x802, "-Infinity")],
)
def test_specials_are_no_readings(mantissa: int, expected: str | None) -> None:
    special = struct.pack("<H", mantissa)
    assert fields("SFLOAT", special) == {"value": expected}
    assert items("2A5F", b"\x00" + special + special) == []
    data = b"\x00" + special + sf(80) + sf(93)
    made = item("2A35", data)
    assert (made.kind, made.attrs["fault"], made.attrs["reason"]) == (
        "device_health",
        "implausible_value",
        "incomplete",
    )
    assert items("2A35", b"\x00" + special * 3) == []


def test_float_specials_whatever_the_exponent() -> None:
    for mantissa in (0x7FFFFF, 0x800000, 0x800001, 0x7FFFFE, 0x800002):
        assert items("2A1C", b"\x00" + fl(mantissa)) == []
    assert float32(fl(0x7FFFFF, 5)) is None


# Characteristics.


def test_blood_pressure_in_full() -> None:
    made = item("2A35", pressure(time=stamp(), pulse=sf(712, -1), user=2, status=0x2F))
    assert made.kind == "blood_pressure"
    assert made.values == {
        "systolic_mmhg": 120,
        "diastolic_mmhg": 80,
        "mean_mmhg": 93,
        "pulse_bpm": 71.2,
    }
    assert made.attrs == {
        "user": 2,
        "body_movement": True,
        "cuff_fit": "loose",
        "irregular_pulse": True,
        "position": "improper",
        "pulse_range": "above",
    }
    assert made.measured_at_ms == NOW_MS
    calm = item("2A35", pressure(user=255, status=0x10))
    assert calm.attrs == {
        "body_movement": False,
        "cuff_fit": "ok",
        "irregular_pulse": False,
        "pulse_range": "below",
    }


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (0x01, {"body_movement": True}),
        (0x02, {"cuff_fit": "loose"}),
        (0x04, {"irregular_pulse": True}),
        (0x08, {"pulse_range": "above"}),
        (0x10, {"pulse_range": "below"}),
        (0x18, {}),
        (0x20, {"position": "improper"}),
        (0xFFC0, {}),
    ],
)
def test_each_bit_of_a_cuffs_status(status: int, told: dict) -> None:
    calm = {"body_movement": False, "cuff_fit": "ok", "irregular_pulse": False}
    assert item("2A35", pressure(status=status)).attrs == {**calm, **told}


def test_kilopascals() -> None:
    made = item("2A35", b"\x01" + sf(160, -1) + sf(107, -1) + sf(124, -1))
    assert made.values == {"systolic_mmhg": 120, "diastolic_mmhg": 80.3, "mean_mmhg": 93}


def test_the_pressure_of_an_inflating_cuff_is_no_reading() -> None:
    data = b"\x00" + sf(131) + NAN + NAN
    assert items("2A36", data) == []
    assert fields("2A36", data)["cuff_pressure"] == 131
    assert items("2A36", pressure(status=0)) == []


@pytest.mark.parametrize(
    ("systolic", "diastolic", "reason"),
    [
        (301, 80, "out_of_range"),
        (39, 25, "out_of_range"),
        (120, 19, "out_of_range"),
        (16, 11, "out_of_range"),
        (80, 120, "diastolic_not_below_systolic"),
        (100, 100, "diastolic_not_below_systolic"),
        (100, 91, "pulse_pressure"),
    ],
)
def test_impossible_pressures_are_kept_as_faults(systolic, diastolic, reason) -> None:
    made = item("2A35", pressure(systolic, diastolic, time=stamp(), user=1))
    assert (made.kind, dict(made.values)) == ("device_health", {})
    assert made.attrs["fault"] == "implausible_value"
    assert made.attrs["reason"] == reason
    assert made.attrs["reading"] == "blood_pressure"
    assert made.attrs["systolic_mmhg"] == systolic
    assert made.attrs["user"] == 1
    assert made.urgent
    check_measurement(made)


@pytest.mark.parametrize(("systolic", "diastolic"), [(300, 200), (40, 20), (100, 90)])
def test_the_limits_themselves_are_possible(systolic, diastolic) -> None:
    assert item("2A35", pressure(systolic, diastolic)).kind == "blood_pressure"


def test_a_good_reading_ends_the_fault_once() -> None:
    d = driver()
    item("2A35", pressure(80, 120), d)
    good, ended = items("2A35", pressure(), d)
    assert good.kind == "blood_pressure"
    assert ended.attrs == {"recovered": "implausible_value"}
    assert not ended.urgent
    assert len(items("2A35", pressure(), d)) == 1


def test_an_impossible_pulse_costs_only_itself() -> None:
    made = item("2A35", pressure(pulse=sf(2000)))
    assert made.values["systolic_mmhg"] == 120
    assert "pulse_bpm" not in made.values
    assert made.attrs["implausible_pulse_bpm"] == 2000


def test_oximeters() -> None:
    spot = b"\x01" + sf(97) + sf(64) + stamp(NOW - timedelta(minutes=1))
    made = item("2A5E", spot)
    assert made.values == {"spo2_pct": 97, "pulse_bpm": 64}
    assert made.measured_at_ms == NOW_MS - 60_000
    unset = item("2A5E", b"\x11" + spot[1:])
    assert (unset.measured_at_ms, unset.attrs["clock"]) == (NOW_MS, "unset")
    full = b"\x1f" + b"".join(sf(n) for n in (96, 70, 95, 71, 94, 72))
    full += struct.pack("<H", 1 << 5) + b"\x20\x00\x00" + sf(35, -1)
    made = item("2A5F", full)
    assert made.values == {"spo2_pct": 96, "pulse_bpm": 70}
    assert made.attrs == {"quality": "poor_signal", "signal": "low_perfusion"}
    shown = fields("2A5F", full)
    assert (shown["spo2_fast"], shown["spo2_slow"], shown["pulse_amplitude_pct"]) == (95, 94, 3.5)


@pytest.mark.parametrize("bit", [10, 11, 12, 13, 15])
def test_measurements_that_are_nobodys(bit: int) -> None:
    data = b"\x02" + sf(97) + sf(64) + struct.pack("<H", 1 << bit)
    assert items("2A5E", data) == []


@pytest.mark.parametrize("bit", [3, 11, 12, 13, 15])
def test_no_finger_no_reading(bit: int) -> None:
    assert items("2A5F", b"\x08" + sf(97) + sf(64) + (1 << bit).to_bytes(3, "little")) == []


def test_a_broken_oximeter_says_so_and_doesnt_flood() -> None:
    d = driver()
    broken = b"\x08" + sf(97) + sf(64) + (1 << 14).to_bytes(3, "little")
    assert item("2A5F", broken, d).attrs["fault"] == "sensor_malfunction"
    assert items("2A5F", broken, d, NOW_MS + 1000) == []
    assert items("2A5F", broken, d, NOW_MS + STREAM_FAULT_EVERY_MS) != []
    assert len(items("2A5F", b"\x00" + sf(97) + sf(64), d)) == 2
    assert item("2A5F", b"\x00" + sf(120) + sf(64), d).attrs["fault"] == "implausible_value"


def test_stored_oximetry_is_marked() -> None:
    data = b"\x03" + sf(97) + sf(64) + stamp() + struct.pack("<H", 1 << 9)
    assert item("2A5E", data).attrs["replayed"] is True


def test_glucose_units_agree() -> None:
    molar = item("2A18", glucose(6, sf(55, -4), b"\x11"))
    mass = item("2A18", glucose(2, sf(99, -5), b"\x11"))
    assert molar.values == mass.values == {"glucose_mmol_l": 5.5}
    assert molar.attrs == {"sequence": 7, "sample": "capillary_blood", "site": "finger"}
    assert molar.measured_at_ms == NOW_MS


@given(st.integers(-1000, 0))
def test_glucose_time_offset_is_signed(minutes: int) -> None:
    made = item("2A18", glucose(7, struct.pack("<h", minutes), sf(55, -4), b"\x11"))
    assert made.measured_at_ms == NOW_MS + minutes * 60_000


def test_control_solution_is_nobodys_blood() -> None:
    assert items("2A18", glucose(6, sf(55, -4), b"\x1a")) == []
    assert items("2A18", glucose(6, sf(55, -4), b"\x41")) == []


@pytest.mark.parametrize(
    ("bit", "fault"),
    [(1, "sensor_malfunction"), (2, "sample_insufficient"), (7, "too_hot"), (10, "device_fault")],
)
def test_a_meter_that_doubts_itself_gives_a_fault(bit: int, fault: str) -> None:
    data = glucose(14, sf(55, -4), b"\x11", struct.pack("<H", 1 << bit))
    made = item("2A18", data)
    assert (made.kind, made.attrs["fault"]) == ("device_health", fault)
    assert made.attrs["glucose_mmol_l"] == 5.5


def test_a_result_beyond_the_meter_is_told_without_a_number() -> None:
    made = item("2A18", glucose(8, struct.pack("<H", 1 << 5)))
    assert made.attrs["fault"] == "result_too_high"
    shown = item("2A18", glucose(14, sf(333, -4), b"\x11", struct.pack("<H", 1 << 5)))
    assert (shown.kind, shown.attrs["beyond_range"]) == ("glucose", "high")


def test_mg_sent_as_mmol_is_a_fault() -> None:
    assert item("2A18", glucose(6, sf(99, -3), b"\x11")).attrs["reason"] == "out_of_range"


def test_glucose_context_is_decoded_and_no_reading() -> None:
    data = bytes([0xFF]) + struct.pack("<H", 7) + b"\x00" + b"\x01" + sf(50, -3) + b"\x03"
    data += b"\x51" + struct.pack("<HB", 0xFFFF, 60) + b"\x02" + sf(3, -3) + sf(64, -1)
    assert items("2A34", data) == []
    assert fields("2A34", data) == {
        "sequence": 7,
        "extended_flags": 0,
        "carbohydrate": "breakfast",
        "carbohydrate_kg": 0.05,
        "meal": "fasting",
        "tester": "self",
        "health": "no_issues",
        "exercise_s": None,
        "exercise_intensity_pct": 60,
        "medication": "short_insulin",
        "medication_amount": 0.003,
        "medication_unit": "L",
        "hba1c_pct": 6.4,
    }


def test_temperature() -> None:
    made = item("2A1C", b"\x06" + fl(372, -1) + stamp() + b"\x03")
    assert (made.values, made.attrs) == ({"temperature_c": 37.2}, {"site": "ear"})
    assert item("2A1C", b"\x01" + fl(986, -1)).values == {"temperature_c": 37}
    assert item("2A1C", b"\x00" + fl(986, -1)).attrs["reason"] == "out_of_range"


def test_heart_rate() -> None:
    assert item("2A37", b"\x16\x48\x00\x04").values == {"pulse_bpm": 72}
    assert item("2A37", b"\x01\xfa\x00").values == {"pulse_bpm": 250}
    assert items("2A37", b"\x04\x48") == []
    assert items("2A37", b"\x00\x00") == []
    assert item("2A37", b"\x01\x2c\x01").attrs["fault"] == "implausible_value"
    assert fields("2A37", b"\x10\x48\x00\x04\x00")["extra_bytes"] == 1


def test_weight() -> None:
    data = b"\x0f" + struct.pack("<H", 15432) + stamp() + b"\x01" + struct.pack("<HH", 229, 689)
    made = item("2A9D", data)
    assert made.values == {"weight_kg": 69.998}
    assert made.attrs == {"user": 1}
    shown = fields("2A9D", data)
    assert (shown["bmi"], shown["height"], shown["height_unit"]) == (22.9, 68.9, "in")
    assert items("2A9D", b"\x00\xff\xff") == []
    assert item("2A9D", b"\x00\x01\x00").attrs["reason"] == "out_of_range"


def test_battery() -> None:
    assert item("2A19", b"\x50").values == {"battery_pct": 80}
    assert item("2A19", b"\x50").kind == "device_health"
    refused = outcome("2A19", b"\x65")
    assert isinstance(refused, Undecodable)
    assert refused.code == "out_of_range"
