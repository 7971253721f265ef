"""The search of a port, over pseudo-terminals with simulated devices at the other end.

The bytes are real, the time is simulated: half an hour of asking takes a second. The devices have
encoders of their own (`device_sims`, `tests/adapters/dlt645_slaves.py`).
"""

import asyncio
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from device_sims.devices.dlt645_meter import Bus, Dlt645Meter, MeterState
from device_sims.devices.ev1527_button import press_frames
from device_sims.transports.pty_line import PtyLine
from gateway.discover.finding import PlaceReport
from gateway.discover.port import CHATTER_BYTES, OpenLine, Plan, PortSearch, trouble
from gateway.driver import LineSettings
from gateway.registry import DRIVERS
from tests.adapters.simulated_time import SimulatedTimeLoop

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


class Wire:
    """A device on a pseudo-terminal. `opened` may speak when the search listens at a setting."""

    def __init__(
        self,
        link: Path,
        answer: Callable[[bytes], bytes] = lambda _data: b"",
        opened: Callable[[LineSettings], bytes] = lambda _line: b"",
    ) -> None:
        self.link = link
        self.answer, self.opened = answer, opened
        self.sent: list[bytes] = []
        self.settings: list[LineSettings] = []
        self.under_way = 0
        self.line = PtyLine(link, self._taken)

    def _taken(self, data: bytes) -> bytes:
        self.under_way -= len(data)
        reply = self.answer(data)
        self.under_way += len(reply)
        return reply

    def speak(self, data: bytes) -> None:
        self.under_way += len(data)
        self.line.write(data)

    def open(self, port: str, line: LineSettings) -> "Counted":
        self.settings.append(line)
        opened = Counted(OpenLine(port, line), self)
        self.speak(self.opened(line))
        return opened


class Counted:
    """The search's side of the line; bytes under way hold the simulated time."""

    def __init__(self, line: OpenLine, wire: Wire) -> None:
        self._line, self._wire = line, wire
        self.fileno, self.close = line.fileno, line.close

    def read(self, size: int) -> bytes:
        data = self._line.read(size)
        self._wire.under_way -= len(data)
        return data

    def write(self, data: bytes) -> None:
        self._wire.sent.append(data)
        self._wire.under_way += len(data)
        self._line.write(data)


def look(wire: Wire, plan: Plan, say: Callable[[str], None] = lambda _text: None) -> PlaceReport:
    loop = SimulatedTimeLoop()
    loop.busy = lambda: wire.under_way > 0
    search = PortSearch(
        port=str(wire.link),
        plan=plan,
        line_ms=lambda: round(loop.time() * 1000),
        say=say,
        open_port=wire.open,
    )

    async def run() -> None:
        wire.line.start()
        try:
            await search.run()
        finally:
            wire.line.close()

    finish(loop, run())
    return search.report()


def finish(loop: asyncio.AbstractEventLoop, work: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work)


def bus(*addresses: str) -> Bus:
    state = MeterState(energy_kwh=123.45, power_w=60.0, voltage_v=229.0)
    return Bus([Dlt645Meter(address, lambda: state) for address in addresses])


def test_one_meter_is_found_by_its_number_and_never_written_to(tmp_path: Path) -> None:
    meters = bus("000000000161")
    wire = Wire(tmp_path / "bus", meters.feed)
    report = look(wire, Plan())
    (found,) = report.findings
    assert (found.driver, found.address, found.line) == (
        "dlt645", "000000000161", LineSettings(baud=2400, parity="E"),
    )  # fmt: skip
    assert report.state == "ok"
    assert meters.refused == 0
    # Control codes of reading: 11, and 13 for the number (DL/T 645-2007, section 7).
    assert {request[4 + 8] for request in wire.sent} <= {0x11, 0x13}


def test_several_meters_of_a_bus_are_told_apart(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "bus", bus("000000000161", "000000000261", "202411000007").feed)
    report = look(wire, Plan(port_s=3000))
    assert [found.address for found in report.findings] == [
        "000000000161",
        "000000000261",
        "202411000007",
    ]


def test_a_search_that_takes_too_long_gives_what_it_has(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "bus", bus("000000000161", "000000000261", "202411000007").feed)
    report = look(wire, Plan(port_s=90))
    assert report.state == "late"
    assert "90 s" in report.notes[-1]
    assert [found.address for found in report.findings] == ["202411000007"]


def crc(data: bytes) -> bytes:
    """MODBUS over Serial Line V1.02, section 6.2.2, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value, odd = value >> 1, value & 1
            if odd:
                value ^= 0xA001
    return struct.pack("<H", value)


class Slaves:
    """Modbus devices by unit: registers by function and address, or a refusal."""

    def __init__(self, units: dict[int, dict[tuple[int, int], bytes]]) -> None:
        self.units = units
        self.functions: set[int] = set()
        self.asked: list[int] = []

    def answer(self, data: bytes) -> bytes:
        if len(data) != 8 or crc(data[:-2]) != data[-2:]:
            return b""  # a DL/T 645 question
        unit, function, address, count = struct.unpack(">BBHH", data[:-2])
        self.functions.add(function)
        self.asked.append(unit)
        if unit not in self.units:
            return b""
        registers = self.units[unit].get((function, address))
        if registers is None:
            body = bytes((unit, function | 0x80, 2))
        else:
            body = bytes((unit, function, 2 * count)) + registers.ljust(2 * count, b"\0")
        return body + crc(body)


def test_modbus_units_are_found_with_their_maps(tmp_path: Path) -> None:
    slaves = Slaves(
        {
            1: {(4, 0): struct.pack(">f", 230.4)},
            2: {(3, 0x2000): struct.pack(">f", 229.1)},
            5: {(4, 0): struct.pack(">H", 2301)},
            9: {(4, 0): struct.pack(">H", 3)},  # some sensor
            12: {},  # refuses both questions
        }
    )
    wire = Wire(tmp_path / "bus", slaves.answer)
    report = look(wire, Plan(units=range(1, 33)))
    maps = {found.address: found.row.get("map", "") for found in report.findings}
    assert maps == {"1": "sdm120", "2": "ddsu666", "5": "pzem004t", "9": "", "12": ""}
    assert [bool(found.needs) for found in report.findings] == [False, False, False, True, True]
    assert slaves.functions == {3, 4}
    assert 0 not in slaves.asked


def test_an_answer_of_another_unit_is_none(tmp_path: Path) -> None:
    """Late, or of another master's question: whoever was asked has not answered."""

    def answer(data: bytes) -> bytes:
        if len(data) != 8 or data[0] != 7:
            return b""
        body = bytes((8, data[1], 2 * data[5])) + struct.pack(">f", 230.4).ljust(2 * data[5], b"\0")
        return body + crc(body)

    report = look(Wire(tmp_path / "bus", answer), Plan(units=(6, 7, 8)))
    assert report.findings == ()


def test_an_empty_line_is_asked_everything_and_ends_within_its_time(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "none")
    said: list[str] = []
    report = look(wire, Plan(), said.append)
    assert (report.state, report.findings, report.notes) == ("ok", (), ())
    assert {line.baud for line in wire.settings} == {
        1200,
        4800,
        *(spec.line.baud for spec in DRIVERS.values() if spec.line is not None),
    }
    assert said[0].endswith("listening at 19200 8N1 (press buttons now)")


def test_buttons_pressed_while_it_listens(tmp_path: Path) -> None:
    def pressed(line: LineSettings) -> bytes:
        frames = press_frames("B1E1E") + press_frames("0A0B1", key=4)
        return frames if line == LineSettings(baud=19200) else b""

    wire = Wire(tmp_path / "rf", opened=pressed)
    report = look(wire, Plan())
    assert [(f.driver, f.address, f.what) for f in report.findings] == [
        ("ev1527", "0A0B1", "433 MHz button, key 4"),
        ("ev1527", "B1E1E", "433 MHz button, key 8"),
    ]
    assert wire.sent == []  # who speaks is not asked


def test_a_conversation_that_nobody_reads_is_not_interrupted(tmp_path: Path) -> None:
    noise = bytes(range(CHATTER_BYTES, 2 * CHATTER_BYTES))
    wire = Wire(tmp_path / "bus", bus("000000000161").feed, lambda _line: noise)
    report = look(wire, Plan())
    assert wire.sent == []
    assert report.findings == ()
    assert any("--insist" in note for note in report.notes)
    quiet = [True]

    def speaks_first(_line: LineSettings) -> bytes:
        return noise if len(second.settings) <= 5 and quiet else b""

    second = Wire(tmp_path / "again", bus("000000000161").feed, speaks_first)
    assert [f.address for f in look(second, Plan(insist=True)).findings] == ["000000000161"]


@pytest.mark.parametrize(
    ("error", "state", "word"),
    [
        (OSError(11, "Could not exclusively lock port"), "busy", "systemctl stop"),
        (OSError(16, "busy"), "busy", "in use by"),
        (OSError(13, "Permission denied"), "denied", "dialout"),
        (OSError(2, "No such file"), "missing", "plugged"),
        (OSError(5, "Input/output error"), "failed", "Input/output"),
    ],
)
def test_a_port_that_cannot_be_had_is_explained(
    tmp_path: Path, error: OSError, state: str, word: str
) -> None:
    (tmp_path / "port").touch()
    told, note = trouble(str(tmp_path / "port"), error)
    assert told == state
    assert word in note


def test_a_missing_port_is_a_report_and_not_an_exception(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "bus")
    wire.link.unlink()
    report = look(wire, Plan())
    assert report.state == "missing"


def test_who_holds_a_port_is_said(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "bus")
    held = OpenLine(str(wire.link), LineSettings(baud=9600))  # as a running gateway does
    try:
        assert look(wire, Plan()).state == "busy"
    finally:
        held.close()
