"""Times, memories and damage of health devices over Bluetooth, and how a value may be written."""

import json
import struct
from datetime import UTC, timedelta
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.item import check_measurement
from contract.moment import MAX_MS
from gateway.driver import DecodeRequest, Undecodable
from gateway.drivers.ble_health.characteristics import CHARACTERISTICS, NUMBERS, assigned_number
from gateway.drivers.ble_health.driver import (
    AHEAD_MAX_MS,
    BEHIND_MS,
    REPEATS_MAX,
    REPLAYED_AFTER_MS,
    HealthDriver,
    explain,
)
from gateway.registry import DRIVERS
from hearthwatch.__main__ import main
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
