"""What answers mean: every kind of item, signs, absent phases, damage, status words, 1997."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.item import ATTR_LENGTH_MAX, Measurement, check_measurement
from gateway.driver import Undecodable
from gateway.drivers.dlt645.frame import Frame, Framer
from gateway.drivers.dlt645.items import (
    ALIASES_1997,
    ALIASES_2007,
    ITEMS,
    READABLE,
    Block,
    attributes_of,
    digits,
)
from gateway.drivers.dlt645.meaning import Meaning, explain
from gateway.drivers.dlt645.status import flags
from tests.adapters.dlt645_slaves import frame, wire

ADDRESS = "000000000161"


def understood(di: str, written: str, control: int | None = None) -> Meaning | Undecodable:
    """The answer about an identifier; data as written, highest digits first."""
    control = control or (0x91 if len(di) == 8 else 0x81)
    (found,) = Framer().feed(frame(ADDRESS, control, wire(di, written)))
    assert isinstance(found, Frame)
    return explain(found)


def said(di: str, written: str) -> dict:
    meaning = understood(di, written)
    assert isinstance(meaning, Meaning)
    return {**meaning.values, **meaning.attrs}


@pytest.mark.parametrize(
    ("di", "written", "expected"),
    [
        ("00010000", "12345678", {"energy_kwh": 123456.78}),
        ("00010000", "92345678", {"energy_kwh": 923456.78}),  # the top bit is no sign here
        ("00000000", "80000150", {"energy_kwh": -1.5}),
        ("00010200", "00000062", {"energy_t2_kwh": 0.62}),
        ("00020000", "00000126", {"reverse_energy_kwh": 1.26}),
        ("00020400", "00000126", {"reverse_energy_t4_kwh": 1.26}),
        ("00030000", "80010023", {"combined_reactive1_energy_kvarh": -100.23}),
        ("00040100", "00010023", {"combined_reactive2_energy_t1_kvarh": 100.23}),
        ("00050000", "00010023", {"quadrant1_reactive_energy_kvarh": 100.23}),
        ("00080000", "90010023", {"quadrant4_reactive_energy_kvarh": 900100.23}),
        ("00090000", "00010023", {"forward_apparent_energy_kvah": 100.23}),
        ("00150000", "00010023", {"energy_a_kwh": 100.23}),
        ("00290000", "00010023", {"energy_b_kwh": 100.23}),
        ("003D0000", "00010023", {"energy_c_kwh": 100.23}),
        ("003E0000", "00010023", {"reverse_energy_c_kwh": 100.23}),
        ("002B0000", "80010023", {"combined_reactive1_energy_b_kvarh": -100.23}),
        ("02010100", "2352", {"voltage_v": 235.2}),
        ("02010300", "2262", {"voltage_c_v": 226.2}),
        ("02020100", "801500", {"current_a": -1.5}),
        ("02020200", "001500", {"current_b_a": 1.5}),
        ("02030000", "802512", {"power_w": -251.2}),
        ("02030100", "002512", {"active_power_a_w": 251.2}),
        ("02040000", "804331", {"reactive_power_var": -433.1}),
        ("02050000", "805006", {"apparent_power_va": 80500.6}),
        ("02060000", "8950", {"power_factor": -0.95}),
        ("02060200", "0950", {"power_factor_b": 0.95}),
        ("02800001", "000188", {"neutral_current_a": 0.188}),
        ("02800002", "4998", {"frequency_hz": 49.98}),
        ("02800003", "802512", {"minute_active_power_w": -251.2}),
        ("02800007", "8105", {"meter_temperature_c": -10.5}),
        ("02800008", "0362", {"clock_battery_v": 3.62}),
        ("0280000A", "00123456", {"battery_worked_min": 123456}),
        ("00900200", "00019856", {"balance_cny": 198.56}),
        ("03300D00", "000027", {"cover_open_count": 27}),
        ("04000101", "16011101", {"meter_date": "2016-01-11"}),
        ("04000102", "235958", {"meter_time": "23:59:58"}),
        ("9010", "00142679", {"energy_kwh": 1426.79}),
        ("9013", "00142679", {"energy_t3_kwh": 1426.79}),
        ("9110", "00142679", {"forward_reactive_energy_kvarh": 1426.79}),
        ("B612", "0223", {"voltage_b_v": 223.0}),
        ("B621", "0150", {"current_a": 1.5}),
        ("B630", "002512", {"power_w": 251.2}),
        ("B640", "0150", {"reactive_power_var": 1500.0}),
        ("B653", "0950", {"power_factor_c": 0.95}),
        ("C010", "16011101", {"meter_date": "2016-01-11"}),
        ("C011", "235958", {"meter_time": "23:59:58"}),
    ],
)
def test_single_items(di, written, expected) -> None:
    assert said(di, written) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("di", "written", "expected"),
    [
        (
            "0001FF00",
            "00000002 00000003 00000060 00000062 00000129",
            {
                "energy_kwh": 1.29,
                "energy_t1_kwh": 0.62,
                "energy_t2_kwh": 0.60,
                "energy_t3_kwh": 0.03,
                "energy_t4_kwh": 0.02,
            },
        ),
        ("0001FF00", "00000062 00000129", {"energy_kwh": 1.29, "energy_t1_kwh": 0.62}),
        (
            "0201FF00",
            "2201 2202 2303",
            {"voltage_v": 230.3, "voltage_b_v": 220.2, "voltage_c_v": 220.1},
        ),
        ("0201FF00", "FFFF FFFF 2303", {"voltage_v": 230.3}),
        ("0202FF00", "FFFFFF 801000 000188", {"current_a": 0.188, "current_b_a": -1.0}),
        (
            "0203FF00",
            "000300 000200 000100 000600",
            {
                "power_w": 60.0,
                "active_power_a_w": 10.0,
                "active_power_b_w": 20.0,
                "active_power_c_w": 30.0,
            },
        ),
        ("B61F", "0221 0222 0223", {"voltage_v": 223, "voltage_b_v": 222, "voltage_c_v": 221}),
    ],
)
def test_blocks(di, written, expected) -> None:
    assert said(di, written.replace(" ", "")) == pytest.approx(expected)


def test_a_block_with_more_numbers_than_the_standard_has_names_for() -> None:
    meaning = understood("0201FF00", "2204" + "2203" + "2202" + "2201")
    assert isinstance(meaning, Meaning)
    assert meaning.fields["block"] == [220.1, 220.2, 220.3, 220.4]
    assert len(meaning.values) + len(meaning.attrs) == 3


@pytest.mark.parametrize("di", sorted(ITEMS))
def test_ff_in_every_byte_is_no_value(di) -> None:
    item = ITEMS[di]
    form = item.form if isinstance(item, Block) else item
    count = len(item.names) if isinstance(item, Block) else 1
    assert said(di, "FF" * form.size_bytes * count) == {}


@pytest.mark.parametrize("di", sorted(ITEMS))
@pytest.mark.parametrize("bad", ["A", "F"])
def test_digits_that_are_none_are_damage_and_never_a_value(di, bad) -> None:
    """In any place: the first, the last, and in one phase of several."""
    item = ITEMS[di]
    form = item.form if isinstance(item, Block) else item
    count = len(item.names) if isinstance(item, Block) else 1
    for place in {0, 1, form.size_bytes, 2 * form.size_bytes * count - 1}:
        written = "0" * place + bad + "0" * (2 * form.size_bytes * count - 1 - place)
        if form.signed and place == 0:
            continue  # the sign bit and 2, or 7
        meaning = understood(di, written)
        assert isinstance(meaning, Undecodable), written
        assert meaning.code == "bad_digits"
        assert meaning.fields["di"] == di


@pytest.mark.parametrize("di", sorted(READABLE - {"0001FF00"}))
def test_one_byte_more_or_less_is_the_wrong_length(di) -> None:
    item = ITEMS.get(di)
    form = item.form if isinstance(item, Block) else item
    size = form.size_bytes if form else {"04000101": 4, "C010": 4, "04000401": 6}.get(di, 3)
    if di.startswith("040005"):
        size = 14 if di.endswith("FF") else 2
    for wrong in (size + 1, size - 1, 0):
        meaning = understood(di, "00" * wrong)
        assert isinstance(meaning, Undecodable)
        assert meaning.code == "bad_length"


def test_the_whole_size_of_a_number_counts() -> None:
    """One byte less than a block's number must not slide into the next phase."""
    assert isinstance(understood("0202FF00", "0000" * 2), Undecodable)


@pytest.mark.parametrize("written", ["16131101", "16003101", "16013201", "16000001"])
def test_a_date_that_no_calendar_has(written) -> None:
    assert said("04000101", written) == {}


@pytest.mark.parametrize("written", ["240000", "236000", "235960"])
def test_a_time_that_no_clock_shows(written) -> None:
    assert said("04000102", written) == {}


def test_status_words() -> None:
    assert said("04000501", "0004") == {"status_1": "clock_battery_low"}
    assert said("04000503", "0018") == {"status_3": "programming_allowed,relay_open"}
    assert said("04000504", "0101") == {"status_4": "voltage_lost,current_interrupted"}
    assert said("04000502", "0000") == {"status_2": ""}
    assert flags(3, b"\x00\x80") == ("bit_15",)
    block = said("040005FF", "0020 0000 0000 0002 0010 0000 0004".replace(" ", ""))
    assert block["status_1"] == "clock_battery_low"
    assert block["status_3"] == "relay_open"
    assert block["status_4"] == "undervoltage"
    assert block["status_7"] == "power_down"
    assert len(block) == 7


@given(st.binary(min_size=14, max_size=14))
def test_any_status_fits_the_contract(raw) -> None:
    attrs = said("040005FF", raw.hex())
    assert all(len(str(v)) <= ATTR_LENGTH_MAX for v in attrs.values())
    measurement = Measurement(
        device="m", kind="power", measured_at_ms=1, received_at_ms=1, attrs=attrs
    )
    check_measurement(measurement)


def test_nothing_is_hidden_when_every_bit_is_set() -> None:
    for name, text in said("040005FF", "FF" * 14).items():
        assert text.count(",") == 15, name
        assert len(text) <= ATTR_LENGTH_MAX


@pytest.mark.parametrize("di", sorted(READABLE))
def test_what_an_answer_brings_is_what_attributes_of_says(di) -> None:
    """The configuration's limit is counted with it."""
    item = ITEMS.get(di)
    form = item.form if isinstance(item, Block) else item
    count = len(item.names) if isinstance(item, Block) else 1
    written = "01" * (form.size_bytes * count if form else 0)
    if form is None:
        written = {"040005FF": "01" * 14, "04000101": "01010101", "C010": "01010101"}.get(
            di, "01" * (2 if di.startswith("040005") else 6 if di == "04000401" else 3)
        )
    meaning = understood(di, written)
    assert isinstance(meaning, Meaning)
    assert set(meaning.attrs) == attributes_of(di)


def test_every_alias_can_be_read() -> None:
    assert set(ALIASES_2007.values()) | set(ALIASES_1997.values()) <= READABLE


@given(st.integers(0, 10**8 - 1), st.booleans())
def test_digits_read_as_written(number, negative) -> None:
    raw = bytearray(bytes.fromhex(f"{number:08d}")[::-1])
    signed = number < 80_000_000
    if signed and negative:
        raw[-1] |= 0x80
    assert digits(bytes(raw), signed=signed) == (-number if signed and negative else number)


@given(st.binary(min_size=1, max_size=6))
def test_digits_are_decimal_or_nothing(raw) -> None:
    number = digits(raw, signed=False)
    text = raw[::-1].hex()
    assert number == (int(text) if all(c in "0123456789" for c in text) else None)


@pytest.mark.parametrize(
    ("control", "expected"), [(0xD1, ["other", "no_requested_data"]), (0xC1, None)]
)
def test_error_words_are_bits_in_2007_and_numbers_in_1997(control, expected) -> None:
    (found,) = Framer().feed(frame(ADDRESS, control, b"\x03"))
    assert isinstance(found, Frame)
    meaning = explain(found)
    assert isinstance(meaning, Meaning)
    assert meaning.error == 3
    assert meaning.fields.get("flags") == expected


def test_an_error_without_its_byte_is_damage() -> None:
    (found,) = Framer().feed(frame(ADDRESS, 0xD1))
    assert isinstance(found, Frame)
    assert isinstance(explain(found), Undecodable)
