"""Health characteristics: an encoder of the tests' own, any bytes, clocks, faults, bridges."""

import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.item import Measurement, check_measurement
from contract.moment import MAX_MS
from gateway.driver import Decoded, DecodeRequest, Undecodable
from gateway.drivers.ble_health.characteristics import CHARACTERISTICS, NUMBERS, assigned_number
from gateway.drivers.ble_health.driver import (
    AHEAD_MAX_MS,
    BEHIND_MS,
    REPEATS_MAX,
    REPLAYED_AFTER_MS,
    STREAM_FAULT_EVERY_MS,
    HealthDriver,
    explain,
)
from gateway.drivers.ble_health.value import float32, sfloat
from gateway.registry import DRIVERS
from hearthwatch.__main__ import main

CHINA = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=CHINA)
NOW_MS = int(NOW.timestamp() * 1000)
NAN, NRES = b"\xff\x07", b"\x00\x08"


def sf(mantissa: int, exponent: int = 0) -> bytes:
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def fl(mantissa: int, exponent: int = 0) -> bytes:
    return struct.pack("<I", (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)


def stamp(at: datetime = NOW) -> bytes:
    t = at.astimezone(CHINA)
    return struct.pack("<H5B", t.year, t.month, t.day, t.hour, t.minute, t.second)


def pressure(systolic=120, diastolic=80, *, time=b"", pulse=None, user=None, status=None) -> bytes:
    flags, body = 0, sf(systolic) + sf(diastolic) + sf(93)
    if time:
        flags, body = flags | 2, body + time
    if pulse is not None:
        flags, body = flags | 4, body + pulse
    if user is not None:
        flags, body = flags | 8, body + bytes([user])
    if status is not None:
        flags, body = flags | 16, body + struct.pack("<H", status)
    return bytes([flags]) + body


def driver() -> HealthDriver:
    return HealthDriver("ble", timedelta(hours=8))


def outcome(number: str, data: bytes, on: HealthDriver | None = None, now_ms=NOW_MS):
    (one,) = (on or driver()).value("d", number, data, now_ms)
    return one


def items(number: str, data: bytes, on: HealthDriver | None = None, now_ms=NOW_MS):
    found = outcome(number, data, on, now_ms)
    assert isinstance(found, Decoded), found
    return list(found.measurements)


def item(number: str, data: bytes, on: HealthDriver | None = None, now_ms=NOW_MS) -> Measurement:
    (one,) = items(number, data, on, now_ms)
    return one


def fields(number: str, data: bytes) -> dict:
    return dict(outcome(number, data).fields)


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


def glucose(flags: int, *parts: bytes, at: datetime = NOW, sequence: int = 7) -> bytes:
    return struct.pack("<BH", flags, sequence) + stamp(at) + b"".join(parts)


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


def test_reserved_flags_and_later_fields_are_told_not_refused() -> None:
    data = bytes([0xE0]) + pressure()[1:] + b"\x01\x02"
    assert item("2A35", data).kind == "blood_pressure"
    shown = fields("2A35", data)
    assert (shown["reserved_flags"], shown["extra_bytes"]) == (0xE0, 2)


# Clocks and memories.


@pytest.mark.parametrize(
    ("age_ms", "attrs"),
    [
        (0, {}),
        (REPLAYED_AFTER_MS, {}),
        (REPLAYED_AFTER_MS + 1000, {"replayed": True}),
        (BEHIND_MS + 1000, {"replayed": True, "clock": "behind"}),
        (-AHEAD_MAX_MS, {}),
        (-AHEAD_MAX_MS - 1000, {"clock": "ahead", "clock_off_s": 601}),
    ],
)
def test_a_stamp_is_kept_and_judged(age_ms: int, attrs: dict) -> None:
    data = pressure(time=stamp(NOW - timedelta(milliseconds=age_ms)))
    made = item("2A35", data)
    assert made.measured_at_ms == NOW_MS - age_ms
    assert made.own_time
    assert made.attrs == attrs


@pytest.mark.parametrize(
    ("raw", "clock"),
    [
        ((0, 0, 0, 0, 0, 0), "unset"),
        ((0, 11, 23, 8, 0, 0), "unset"),
        ((2026, 0, 23, 8, 0, 0), "unset"),
        ((2026, 13, 1, 0, 0, 0), "invalid"),
        ((2026, 2, 29, 0, 0, 0), "invalid"),
        ((2026, 11, 23, 24, 0, 0), "invalid"),
        ((2026, 11, 23, 8, 60, 61), "invalid"),
        ((65535, 255, 255, 255, 255, 255), "invalid"),
        ((9999, 12, 31, 23, 59, 59), "invalid"),
        ((1969, 12, 31, 0, 0, 0), "invalid"),
    ],
)
def test_a_time_that_is_none_counts_as_now_and_is_told(raw: tuple, clock: str) -> None:
    made = item("2A35", pressure(time=struct.pack("<H5B", *raw)))
    assert made.measured_at_ms == NOW_MS
    assert not made.own_time
    assert made.attrs["clock"] == clock
    assert str(made.attrs["device_time"]).startswith(f"{raw[0]:04d}-")


def test_a_repeated_indication_is_the_same_reading_and_marked() -> None:
    d = driver()
    data = pressure(time=stamp(NOW - timedelta(minutes=3)), user=1)
    first, again = item("2A35", data, d), item("2A35", data, d, NOW_MS + 60_000)
    assert first.measured_at_ms == again.measured_at_ms
    assert "repeated" not in first.attrs
    assert again.attrs["repeated"] is True
    other = item("2A35", pressure(time=stamp(NOW - timedelta(minutes=3)), user=2), d)
    assert "repeated" not in other.attrs
    assert "repeated" not in item("2A35", pressure(), d).attrs
    assert "repeated" not in item("2A35", pressure(), d).attrs  # no time: may be a second one


def test_an_impossible_value_out_of_a_memory_is_told_once() -> None:
    d = driver()
    data = pressure(80, 120, time=stamp(NOW - timedelta(days=3)))
    assert item("2A35", data, d).attrs["fault"] == "implausible_value"
    assert items("2A35", data, d) == []
    unstamped = pressure(80, 120)
    assert len(items("2A35", unstamped, d)) == len(items("2A35", unstamped, d)) == 1


def test_what_has_been_seen_is_bounded() -> None:
    d = driver()
    for number in range(REPEATS_MAX + 10):
        item("2A35", pressure(time=stamp(NOW - timedelta(seconds=number + 1))), d)
    assert len(d._seen) == REPEATS_MAX


@given(st.binary(min_size=7, max_size=7))
def test_any_time_gives_an_instant_the_contract_carries(raw: bytes) -> None:
    made = item("2A35", pressure(time=raw))
    assert 0 <= made.measured_at_ms <= MAX_MS


# Any bytes.


@pytest.mark.parametrize("number", [*CHARACTERISTICS, *NUMBERS])
@given(data=st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(number: str, data: bytes) -> None:
    found = outcome(number, data)
    if isinstance(found, Undecodable):
        assert found.code in ("too_short", "out_of_range")
        return
    json.dumps(dict(found.fields), allow_nan=False)
    for made in found.measurements:
        check_measurement(made)
        assert all(isfinite(v) for v in made.values.values())
        json.dumps(dict(made.attrs), allow_nan=False)


LONGEST = {
    "2A18": glucose(15, b"\x00\x00", sf(55, -4), b"\x11", b"\x00\x00"),
    "2A19": b"\x50",
    "2A1C": b"\x06" + fl(372, -1) + stamp() + b"\x03",
    "2A34": bytes([0xFF]) + bytes(16),
    "2A35": pressure(time=stamp(), pulse=sf(70), user=1, status=0),
    "2A36": pressure(time=stamp(), pulse=sf(70), user=1, status=0),
    "2A37": b"\x09\x48\x00\x10\x00",
    "2A5E": b"\x0f" + sf(97) + sf(64) + stamp() + bytes(5) + sf(3),
    "2A5F": b"\x1f" + sf(97) * 6 + bytes(5) + sf(3),
    "2A9D": b"\x0e" + bytes(2) + stamp() + b"\x01" + bytes(4),
}


@pytest.mark.parametrize("number", CHARACTERISTICS)
def test_truncated_at_every_byte(number: str) -> None:
    whole = LONGEST[number]
    assert not isinstance(explain(number, whole), Undecodable)
    for end in range(len(whole)):
        cut = outcome(number, whole[:end])
        assert isinstance(cut, Undecodable), end
        assert cut.code == "too_short"
    assert "extra_bytes" not in fields(number, whole)


# Bytes without any flag, and what each flag adds, by the specifications' tables.
SIZES = {
    "2A18": (10, {0: 2, 1: 3, 3: 2}),
    "2A1C": (5, {1: 7, 2: 1}),
    "2A34": (3, {0: 3, 1: 1, 2: 1, 3: 3, 4: 3, 6: 2, 7: 1}),
    "2A35": (7, {1: 7, 2: 2, 3: 1, 4: 2}),
    "2A36": (7, {1: 7, 2: 2, 3: 1, 4: 2}),
    "2A37": (2, {0: 1, 3: 2}),
    "2A5E": (5, {0: 7, 1: 2, 2: 3, 3: 2}),
    "2A5F": (5, {0: 4, 1: 4, 2: 2, 3: 3, 4: 2}),
    "2A9D": (3, {1: 7, 2: 1, 3: 4}),
}


@pytest.mark.parametrize("number", SIZES)
def test_every_flag_adds_what_the_specification_says(number: str) -> None:
    least, added = SIZES[number]
    for flags in range(256):
        if number == "2A37" and flags & 0x10:
            continue  # intervals fill what is left
        size = least + sum(n for bit, n in added.items() if flags >> bit & 1)
        assert "extra_bytes" not in fields(number, bytes([flags]) + bytes(size - 1)), flags
        assert outcome(number, bytes([flags]) + bytes(size - 2)).fields == {"invalid": "too_short"}
        assert fields(number, bytes([flags]) + bytes(size))["extra_bytes"] == 1


def test_too_long_and_unknown() -> None:
    assert outcome("2A35", bytes(513)).code == "too_long"
    assert outcome("2AFF", b"\x00").code == "unknown_characteristic"


# Bridges and the command.


@pytest.mark.parametrize("name", ["2A35", "2a35", "0x2A35", "00002a35-0000-1000-8000-00805f9b34fb"])
def test_names_of_a_characteristic(name: str) -> None:
    assert assigned_number(name) == "2A35"
    (found,) = driver().decode(f"ble/cuff-1/{name}", pressure(), NOW_MS)
    assert [m.kind for m in found.measurements] == ["blood_pressure"]


@pytest.mark.parametrize("number", CHARACTERISTICS)
def test_text_and_bytes_are_told_apart(number: str) -> None:
    whole = LONGEST[number]
    found = [
        driver().decode(f"ble/d/{number}", payload, NOW_MS)
        for payload in (whole, whole.hex().encode(), whole.hex().upper().encode() + b"\n")
    ]
    assert found[0] == found[1] == found[2]


def test_the_form_can_be_demanded() -> None:
    def first(form: str, payload: bytes):
        built = DRIVERS["ble-health"].build({"payload": form})
        assert isinstance(built, HealthDriver)
        return built.decode("ble/d/2A34", payload, NOW_MS)[0]

    assert first("bytes", b"001234").fields["sequence"] == 0x3130
    assert first("hex", b"000100").fields["sequence"] == 1
    assert first("hex", b"\x00\x01\x00").code == "not_hexadecimal"


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        ("2a19", "50", {"battery_level": 80}),
        # Bytes that are digits in ASCII: with --hex they are the value, never text again.
        ("2a37", "00343536", {"heart_rate": 0x34}),
        ("2a37", "3034", {"heart_rate": 0x34}),
    ],
)
def test_hex_of_the_command_is_the_value(number: str, text: str, expected: dict, capsys) -> None:
    assert (
        main(["decode", "--driver", "ble-health", "--characteristic", number, "--hex", text]) == 0
    )
    line = json.loads(capsys.readouterr().out)
    assert {k: line["fields"][k] for k in expected} == expected


@given(st.binary(max_size=60))
def test_a_value_without_a_topic_is_never_taken_for_text(data: bytes) -> None:
    request = DecodeRequest(data=data, characteristic="2A37", now_ms=NOW_MS)
    assert DRIVERS["ble-health"].decode_once(request) == driver().value(
        "device", "2A37", data, NOW_MS
    )


def test_utc_is_not_assumed() -> None:
    built = DRIVERS["ble-health"].build({"utc_offset_minutes": 0})
    assert isinstance(built, HealthDriver)
    (found,) = built.value("d", "2A35", pressure(time=stamp()), NOW_MS)
    (made,) = found.measurements
    assert made.measured_at_ms == int(NOW.replace(tzinfo=UTC).timestamp() * 1000)
