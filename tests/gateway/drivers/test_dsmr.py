"""P1 telegrams: framing, checksums, units, and one believed reading in a while."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.config import ConfigError
from contract.item import check_measurement
from gateway.crc16 import crc16
from gateway.driver import Decoded, DecodeRequest, Undecodable
from gateway.drivers.dsmr import SPEC
from gateway.drivers.dsmr.spec import SILENCE_MS
from gateway.drivers.dsmr.telegram import CRC_START, TELEGRAM_BYTES_MAX, Framer, Telegram

VECTORS = {
    v["id"]: v["input"]["text"].encode("latin-1")
    for v in json.loads((Path(__file__).parents[2] / "vectors" / "dsmr_p1.json").read_text())
}
V5 = VECTORS["dsmr-v5_two_mbus"]
V3 = VECTORS["dsmr-v3"]
START = 1_795_000_000_000


def sealed(*lines: str, ident: str = "/ISK5\\TEST") -> bytes:
    """A telegram with a right CRC."""
    content = "\r\n".join((ident, "", *lines)).encode() + b"\r\n!"
    return content + f"{crc16(content, CRC_START):04X}\r\n".encode()


def port(**config):
    return SPEC.build({"device": "p1", **config})


def measured(outcomes):
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def test_a_telegram_a_second_gives_a_reading_in_a_while() -> None:
    driver = port(every_s=30)
    found = [m for s in range(121) for m in measured(driver.feed(V5, START + 1000 * s, 1000 * s))]
    assert [(m.measured_at_ms - START) // 1000 for m in found] == [0, 30, 60, 90, 120]
    assert found[0].values == {
        "voltage_v": 229.9,
        "current_a": 0.0,
        "energy_kwh": 2375.582,
        "power_w": 111.0,
    }
    assert found[0].attrs == {
        "voltage_b_v": 229.2,
        "voltage_c_v": 222.9,
        "current_b_a": 0.0,
        "current_c_a": 1.0,
        "reverse_energy_kwh": 0.0,
        "tariff": "0001",
    }
    assert driver.counters["telegrams"] == 121


def test_wh_and_w_are_read_as_such_and_what_is_given_counts_negative() -> None:
    [reading] = measured(port().feed(VECTORS["dsmr-sagemcom_t210_d_r"], START))
    assert reading.values == {"energy_kwh": 6545.766, "power_w": 286.0}
    [reading] = measured(port().feed(VECTORS["dsmr-iskra_ie"], START))
    assert reading.values["power_w"] == -100.0


@pytest.mark.parametrize("name", [n for n in VECTORS if n != "dsmr-v5-corrupt"])
def test_every_split_of_a_telegram_gives_the_same(name) -> None:
    raw = VECTORS[name]
    whole = Framer().feed(raw)
    assert len(whole) == 1
    assert isinstance(whole[0], Telegram)
    for at in range(0, len(raw), 7):
        framer = Framer()
        assert framer.feed(raw[:at]) + framer.feed(raw[at:]) == whole
    framer = Framer()
    assert [t for i in range(len(raw)) for t in framer.feed(raw[i : i + 1])] == whole


@given(st.data())
def test_a_damaged_telegram_with_crc_is_refused_and_the_next_is_read(data) -> None:
    at = data.draw(st.integers(0, len(V5) - 5))
    broken = V5[:at] + bytes((V5[at] ^ 1 << data.draw(st.integers(0, 6)),)) + V5[at + 1 :]
    found = [o for o in Framer().feed(broken + V5 + V5) if isinstance(o, Telegram)]
    assert found[-1].crc == "56DD"
    # A bit of the CRC's own letter case, or of a line end, is not damage to what was said.
    assert all(t.objects == found[-1].objects for t in found)


@given(st.integers(0, len(V5) - 3))
def test_a_telegram_cut_anywhere_is_told_and_the_next_is_read(at) -> None:
    found = Framer().feed(V5[:at] + V5)
    telegrams = [o for o in found if isinstance(o, Telegram)]
    assert [t.crc for t in telegrams] == ["56DD"]
    assert [o.code for o in found if isinstance(o, Undecodable)] == (["incomplete"] if at else [])


def test_a_telegram_without_crc_counts_when_the_one_before_agrees() -> None:
    driver = port(every_s=0)
    assert measured(driver.feed(V3, START)) == []
    [reading] = measured(driver.feed(V3, START + 10_000))
    assert reading.values == {"energy_kwh": 24691.356, "power_w": 1190.0}
    # A digit lost on the way makes another number: nobody believes it, and it costs no other.
    assert measured(driver.feed(V3.replace(b"12345.678", b"1234.678"), START + 20_000)) == []
    assert len(measured(driver.feed(V3, START + 30_000))) == 1
    # Nor a power that lost one, whatever the register says.
    assert measured(driver.feed(V3.replace(b"001.19", b"01.19"), START + 40_000)) == []
    # A lost line too: one tariff alone is not the register.
    lines = [line for line in V3.split(b"\r\n") if b"1.8.2" not in line]
    assert measured(driver.feed(b"\r\n".join(lines), START + 50_000)) == []
    assert driver.counters["not_agreed"] == 4


@pytest.mark.parametrize(
    "raw",
    [
        V3.replace(b"1-0:1.7.0(001.19*kW)", b"1-0:1.7.0(001.19*kW"),
        V3.replace(b"1-0:1.7.0(001.19*kW)", b"\xff\xfe"),
        V5.replace(b"56DD", b""),
        VECTORS["dsmr-fluvius_v171"].replace(b"3AD7", b""),
        b"/x\r\n\r\n!\r\n",
        sealed(*["1-0:1.7.0(1*kW)"] * 300),
    ],
    ids=[
        "bracket",
        "garbage line",
        "version 5 without crc",
        "Belgian without crc",
        "empty",
        "too many lines",
    ],
)
def test_a_telegram_with_wrong_lines_is_refused(raw) -> None:
    [found] = Framer().feed(raw)
    assert isinstance(found, Undecodable)
    assert found.code == "bad_telegram"


def test_an_endless_telegram_is_dropped() -> None:
    framer = Framer()
    found = []
    for _ in range(40):
        found += framer.feed(b"/" + b"x" * 997)
        assert framer.buffered_bytes <= TELEGRAM_BYTES_MAX + 1000
    found += framer.feed(b"\r\n/" + b"x" * (TELEGRAM_BYTES_MAX + 10))
    assert found[-1].code == "too_long"
    assert isinstance(framer.feed(V5)[-1], Telegram)


def test_an_endless_line_in_small_pieces_is_dropped() -> None:
    framer = Framer()
    found = framer.feed(b"/")
    for _ in range(TELEGRAM_BYTES_MAX // 10 + 1):
        found += framer.feed(b"x" * 10)
    assert [one.code for one in found] == ["too_long"]
    assert framer.buffered_bytes == 0


def test_a_telegram_that_another_cuts_off_is_told_at_once() -> None:
    framer = Framer()
    assert framer.feed(b"/ISK5\\TEST") == []
    [cut] = framer.feed(b"/")
    assert isinstance(cut, Undecodable)
    assert cut.raw == b"/ISK5\\TEST"
    whole = sealed("1-0:1.8.0(000001.000*kWh)", "1-0:1.7.0(00.100*kW)").rstrip()
    assert framer.feed(whole[1:]) == []
    assert [type(one) for one in framer.flush()] == [Telegram]


def test_silence_is_a_fault_once_and_the_next_telegram_ends_it() -> None:
    driver = port(every_s=0)
    driver.feed(V5, START, 0)
    outcomes = [o for s in range(2, 900, 2) for o in driver.flush(START + s * 1000, s * 1000)]
    [fault] = measured(outcomes)
    assert fault.attrs == {"fault": "no_data"}
    assert fault.measured_at_ms - START == SILENCE_MS
    back = measured(driver.feed(V5, START + 900_000, 900_000))
    assert [m.kind for m in back] == ["device_health", "power"]
    assert back[0].attrs == {"recovered": "no_data"}
    # A port that never brought anything but noise is silent too.
    noisy = port()
    heard = [
        m for s in range(0, 300, 2) for m in measured(noisy.feed(b"\x00\x7f", START, s * 1000))
    ]
    assert [m.attrs for m in heard] == [{"fault": "no_data"}]


def test_what_cannot_be_true_is_a_fault_once_and_never_a_reading() -> None:
    driver = port(every_s=0)
    raw = sealed("1-0:1.8.0(000001.000*kWh)", "1-0:32.7.0(9999.9*V)", "1-0:1.7.0(99999*kW)")
    found = [m for n in range(4) for m in measured(driver.feed(raw, START + n))]
    assert [m.values for m in found if m.kind == "power"] == [{"energy_kwh": 1.0}] * 4
    faults = [m.attrs for m in found if m.kind == "device_health"]
    assert [f["fault"] for f in faults] == ["implausible_value"]
    for measurement in found:
        check_measurement(measurement)


def test_what_cannot_be_true_is_no_attribute_either() -> None:
    driver = port(every_s=0)
    lines = ("1-0:1.8.0(000001.000*kWh)", "1-0:72.7.0(0229.0*V)", "1-0:51.7.0(001*A)")
    [good] = measured(driver.feed(sealed(*lines), START))
    assert good.attrs == {"voltage_c_v": 229.0, "current_b_a": 1.0}
    broken = sealed(*lines, "1-0:52.7.0(6553.5*V)", "1-0:2.8.0(999999999.999*kWh)")
    reading, fault = measured(driver.feed(broken, START + 1000))
    assert reading.attrs == good.attrs
    assert fault.attrs["quantity"] in {"voltage_b_v", "reverse_energy_kwh"}
    # Attributes alone are no reading.
    assert measured(port(every_s=0).feed(sealed("1-0:52.7.0(229.0*V)"), START)) == []


def test_a_value_of_an_earlier_month_is_not_the_register_s() -> None:
    lines = ("1-0:1.8.0*96(00006.1*kWh)", "1-0:1.8.0*255(00100.5*kWh)", "1-0:1.7.0*255(250*W)")
    [outcome] = port(every_s=0).feed(sealed(*lines), START)
    [reading] = measured([outcome])
    assert reading.values == {"energy_kwh": 100.5, "power_w": 250.0}
    assert outcome.fields["objects"]["1-0:1.8.0*96"] == ["00006.1*kWh"]


def test_a_value_in_an_unexpected_unit_is_shown_and_not_believed() -> None:
    raw = sealed("1-0:1.8.0(000001.000*kW)", "1-0:1.7.0(1.5*kW)", "1-0:32.7.0(nan*V)")
    [outcome] = port().feed(raw, START)
    assert isinstance(outcome, Decoded)
    assert outcome.fields["import_total"] == 1.0
    assert outcome.measurements[0].values == {"power_w": 1500.0}


@given(st.lists(st.binary(max_size=200) | st.sampled_from([V3, V5, V5[:300]]), max_size=8))
def test_any_bytes_give_only_readings_of_the_contract(chunks) -> None:
    driver = port(every_s=0)
    for number, chunk in enumerate(chunks):
        for measurement in measured(driver.feed(chunk, START + number)):
            check_measurement(measurement)
    driver.flush(START)
    assert len(measured(driver.feed(V5, START + 99))) >= 1


def test_decode_takes_a_telegram_without_its_last_line_end_and_names_noise() -> None:
    [found] = SPEC.decode_once(DecodeRequest(data=V5.rstrip(), now_ms=1))
    assert isinstance(found, Decoded)
    [noise] = SPEC.decode_once(DecodeRequest(data=b"hello", now_ms=1))
    assert isinstance(noise, Undecodable)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "dsmr.device: missing"),
        ({"device": "a b"}, "dsmr.device"),
        ({"device": "p1", "every": 3}, "did you mean 'every_s'"),
        ({"device": "p1", "every_s": -1}, "expected 0 to"),
    ],
)
def test_mistakes_in_the_configuration_are_named(config, message) -> None:
    with pytest.raises(ConfigError, match=message):
        SPEC.build(config)
