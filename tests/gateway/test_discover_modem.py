"""GSM modems among the ports, over pseudo-terminals in simulated time."""

import tomllib
from pathlib import Path

import pytest

from device_sims.devices.gsm_modem import GsmModem
from gateway.config import load
from gateway.discover.command import _marked, _ports
from gateway.discover.modem_probe import KNOCK, MODEM_LINES, UNASKED, named_like_a_modem
from gateway.discover.port import Plan
from gateway.discover.report import table, toml
from gateway.driver import LineSettings
from tests.gateway.test_discover_ports import Wire, bus, look

QUICK = Plan(listen_s=1, units=(1,))
MODEMS = {
    "ready": (GsmModem(), "SIM card ready, registered, signal -79 dBm"),
    "for LTE alone": (GsmModem(only_lte=True), "SIM card ready, registered, signal -79 dBm"),
    "of unknown signal": (GsmModem(signal=99), "SIM card ready, registered, signal unknown"),
    "without a card": (GsmModem(sim="missing"), "no SIM card"),
    "locked": (GsmModem(sim="locked"), "the SIM card asks for its PIN"),
    "without a network": (GsmModem(registered=False), "SIM card ready, no network yet"),
}


@pytest.mark.parametrize(("modem", "state"), MODEMS.values(), ids=MODEMS.keys())
def test_a_modem_is_found_with_its_card_and_signal(tmp_path, modem, state):
    report = look(Wire(tmp_path / "port", modem.feed), QUICK)
    (found,) = report.findings
    assert (found.driver, found.what, found.quality) == ("gsm-sms", "GSM modem", state)
    assert found.line == LineSettings(baud=115_200)
    assert (modem.sent, modem.pin_tries) == ([], 0)
    assert not [command for command in modem.commands if command.startswith("AT+CMGS")]


def test_a_line_with_a_meter_never_gets_a_byte_of_it(tmp_path):
    meters = bus("000000000161")
    wire = Wire(tmp_path / "bus", meters.feed)
    assert [found.driver for found in look(wire, QUICK).findings] == ["dlt645"]
    assert not any(b"AT" in sent for sent in wire.sent)
    assert meters.refused == 0


def test_a_silent_line_gets_a_knock_at_each_setting_and_nothing_more(tmp_path):
    wire = Wire(tmp_path / "port")
    assert look(wire, QUICK).findings == ()
    knocks = [sent for sent in wire.sent if b"AT" in sent]
    assert knocks == [KNOCK] * len(MODEM_LINES)
    # After everything that a meter could have answered.
    assert wire.sent[-len(knocks) :] == knocks


def test_a_port_that_is_named_like_a_modem_is_asked_for_one_first(tmp_path):
    modem = GsmModem()
    wire = Wire(tmp_path / "usb-HUAWEI_Mobile-if02", modem.feed)
    assert [found.driver for found in look(wire, QUICK).findings] == ["gsm-sms"]
    assert wire.sent[0] == KNOCK


def test_the_other_ports_of_a_modem_are_looked_at_like_any_port(tmp_path):
    meters = bus("000000000161")
    wire = Wire(tmp_path / "usb-modem-if00", meters.feed)
    assert [found.driver for found in look(wire, QUICK).findings] == ["dlt645"]


@pytest.mark.parametrize("name", ["usb-FTDI_FT232R_USB_UART", "usb-1a86_USB_Serial", "ttyAMA0"])
def test_adapters_of_meters_are_not_named_like_modems(name):
    assert not named_like_a_modem(f"/dev/modems/{name}-if00-port0")


def test_a_modem_that_speaks_unasked_is_asked_at_once(tmp_path):
    modem = GsmModem()
    words = b"\r\n^RSSI:17\r\n" * 3
    wire = Wire(tmp_path / "port", modem.feed, lambda line: words if line.baud == 115_200 else b"")
    assert [found.driver for found in look(wire, QUICK).findings] == ["gsm-sms"]
    assert wire.sent[0] == KNOCK


def test_a_line_that_speaks_like_a_modem_is_asked_nothing_else(tmp_path):
    wire = Wire(tmp_path / "port", opened=lambda _line: b"\r\n^RSSI:17\r\n" * 3)
    assert look(wire, QUICK).findings == ()
    assert set(wire.sent) == {KNOCK}


def test_words_of_meters_are_not_those_of_a_modem():
    p1 = b"/ISk5\\2MT382-1000\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(101209113020W)\r\n"
    assert UNASKED.search(p1) is None
    assert UNASKED.search(b"\r\n+CREG: 2\r\n")


def test_old_modems_are_asked_at_9600_too(tmp_path):
    modem = GsmModem()
    wire = Wire(tmp_path / "port")
    wire.answer = lambda data: modem.feed(data) if wire.settings[-1].baud == 9_600 else b""
    report = look(wire, QUICK)
    (found,) = report.findings
    assert found.row == {"port": str(wire.link), "baud": 9_600}


def test_a_stranger_that_answers_ok_and_nothing_more_costs_bounded_time(tmp_path):
    wire = Wire(tmp_path / "port", lambda data: b"\r\nOK\r\n" if data == KNOCK else b"")
    (found,) = look(wire, QUICK).findings
    assert found.quality == "answers AT and nothing more"
    assert len(wire.sent) < 100


CONFIG = """
gateway = "gw-1"
data_dir = "spool"
[uplink]
host = "127.0.0.1"
"""


def test_the_table_is_what_gateway_toml_takes_once_a_number_is_there(tmp_path):
    report = look(Wire(tmp_path / "port", GsmModem().feed), QUICK)
    lines = toml([report])
    assert lines[0] == "# [second_path.sms]"
    assert tomllib.loads("\n".join(lines)) == {}
    taken = [line.removeprefix("# ") for line in lines if line.startswith(("# [", "# port"))]
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG + "\n".join([*taken, 'numbers = ["+8613800138000"]']))
    config = load(path)
    assert config.second_path.sms is not None
    assert config.second_path.sms.port == report.place
    # And then it is marked, and not given again; its port is among those that are looked at.
    assert report.place in _ports(None, config)
    marked = _marked(report, config)
    assert [found.configured for found in marked.findings] == [True]
    assert toml([marked]) == []
    assert "in gateway.toml" in table([marked])[1]


def test_a_modem_on_another_port_than_the_configured_is_new(tmp_path):
    report = look(Wire(tmp_path / "port", GsmModem().feed), QUICK)
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG + '[second_path.sms]\nport = "/dev/ttyUSB9"\nnumbers = ["+861380013"]')
    moved = _marked(report, load(path))
    assert [found.configured for found in moved.findings] == [False]


def test_a_modem_is_given_as_a_comment_beside_a_meters_table(tmp_path: Path):
    modem = look(Wire(tmp_path / "modem", GsmModem().feed), QUICK)
    meter = look(Wire(tmp_path / "meter", bus("000000000161").feed), QUICK)
    document = tomllib.loads("\n".join(toml([modem, meter])))
    assert [source["driver"] for source in document["serial"]] == ["dlt645"]
