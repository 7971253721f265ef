"""One serial port looked at: first listened to, then asked. Nothing that writes is ever sent.

A port whose device speaks by itself is not asked at all, and neither is one with a conversation
that nobody here can read: another master may be at work on it. Whether a modem is there is asked
last, so that a line with a meter never gets a byte of it; first only where the port's name or what
was heard says modem.
"""

import asyncio
import errno
import os
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.discover.finding import Finding, PlaceReport, State, line_text
from gateway.discover.holders import holders
from gateway.discover.listening import Chunk, lines, recognise
from gateway.discover.modbus_scan import ModbusScan
from gateway.discover.modem_probe import MODEM_LINES, UNASKED, ModemProbe, named_like_a_modem
from gateway.driver import LineSettings, Outcome, Wake
from gateway.drivers.dlt645 import AddressSearch
from gateway.sources.serial_port import open_line

# DL/T 645 meters leave the factory with 2400 8E1; 9600 is usual in new installations, 1200 the
# only speed of many of the 1997 edition (DL/T 645-2007, section 5.2; DL/T 645-1997, section 4).
DLT645_LINES: Final = tuple(LineSettings(baud=b, parity="E") for b in (2400, 9600, 4800, 1200))
DLT645_1997_LINES: Final = tuple(LineSettings(baud=b, parity="E") for b in (1200, 2400))
# PZEM and DDSU666 come with 9600 8N1, SDM120 with 2400 8N1; 8E1 is the specification's default.
MODBUS_LINES: Final = (
    LineSettings(baud=9600),
    LineSettings(baud=2400),
    LineSettings(baud=9600, parity="E"),
    LineSettings(baud=19200, parity="E"),
)
# Listening ends early when so much came: two seconds of a P1 port, ten of an oximeter.
HEARD_BYTES_MAX: Final = 4096
# An undriven line gives a glitch byte now and then; more is somebody's conversation.
CHATTER_BYTES: Final = 16
_READ_BYTES: Final = 4096
_HEX_SHOWN: Final = 24


class Line(Protocol):
    """An open port."""

    def fileno(self) -> int: ...
    def read(self, size: int) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class OpenLine:
    """pyserial's port, with writing that never waits: a stuck line must not hold up the others."""

    def __init__(self, port: str, line: LineSettings) -> None:
        self._port = open_line(port, line)
        self.fileno = self._port.fileno
        self.close = self._port.close

    def read(self, size: int) -> bytes:
        return bytes(self._port.read(size))

    def write(self, data: bytes) -> None:
        try:
            written = os.write(self.fileno(), data)
        except BlockingIOError:
            written = 0
        if written < len(data):
            raise OSError(errno.EIO, f"the line took {written} of {len(data)} bytes")


class Probe(Protocol):
    """A search that is used like a bus driver until it is finished."""

    @property
    def finished(self) -> bool: ...
    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None: ...
    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]: ...
    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]: ...
    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """listen_s: at each line setting; port_s: for all of a port; insist: ask on a busy line too."""

    listen_s: float = 11.0  # a DSMR 2-4 meter sends every ten seconds
    port_s: float = 300.0
    units: Sequence[int] = tuple(range(1, 33))
    insist: bool = False


@dataclass(slots=True, kw_only=True)
class PortSearch:
    """One port; `report` tells what is known at any moment, also after an interruption."""

    port: str
    plan: Plan
    line_ms: Callable[[], int]
    say: Callable[[str], None]
    open_port: Callable[[str, LineSettings], Line] = OpenLine
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    state: State = "stopped"
    _until_ms: int = 0
    _heard_bytes: int = 0
    _modem_heard: bool = False

    def report(self) -> PlaceReport:
        return PlaceReport(
            transport="serial",
            place=self.port,
            state=self.state,
            findings=tuple(self.findings),
            notes=tuple(self.notes),
        )

    async def run(self) -> None:
        self._until_ms = self.line_ms() + round(self.plan.port_s * 1000)
        try:
            await self._listen_to_all()
            if not self.findings and self._may_ask():
                await self._ask_all()
            self.state = "late" if self._late() else "ok"
            if self.state == "late":
                self.notes.append(f"the {self.plan.port_s:.0f} s for this port were over")
        except (OSError, ValueError, termios.error) as error:
            self.state, note = trouble(self.port, error)
            self.notes.append(note)

    def _late(self) -> bool:
        return self.line_ms() >= self._until_ms

    # Listening.

    async def _listen_to_all(self) -> None:
        for line in lines():
            if self._late():
                return
            self.say(f"{self.port}: listening at {line_text(line)} (press buttons now)")
            chunks = await self._listen(line)
            self.findings += recognise(chunks, line)
            if self.findings:
                return
            data = b"".join(chunk.data for chunk in chunks)
            if UNASKED.search(data):
                self._modem_heard = True
                return
            self._heard_bytes = max(self._heard_bytes, len(data))
            if data:
                start = data[:_HEX_SHOWN].hex(" ")
                self.notes.append(f"{len(data)} bytes at {line_text(line)} nobody reads: {start}")

    async def _listen(self, line: LineSettings) -> list[Chunk]:
        chunks: list[Chunk] = []
        opened = self.open_port(self.port, line)
        until_ms = min(self._until_ms, self.line_ms() + round(self.plan.listen_s * 1000))
        try:
            async with _Readable(opened) as readable:
                heard = 0
                while heard < HEARD_BYTES_MAX and (left := until_ms - self.line_ms()) > 0:
                    data = await readable.bytes_within(left)
                    if data:
                        chunks.append(Chunk(line_ms=self.line_ms(), data=data))
                        heard += len(data)
        finally:
            opened.close()
        return chunks

    def _may_ask(self) -> bool:
        if self._modem_heard or self._heard_bytes < CHATTER_BYTES or self.plan.insist:
            return True
        self.notes.append(
            "somebody speaks on this line and was not interrupted by questions;"
            " when it is only noise, --insist asks all the same"
        )
        return False

    # Asking.

    async def _ask_all(self) -> None:
        first = self._modem_heard or named_like_a_modem(self.port)
        if first:
            await self._ask_modem()
        if not (self.findings or self._late() or self._modem_heard):
            await self._ask_meters()
        if not (self.findings or self._late() or first):
            await self._ask_modem()

    async def _ask_modem(self) -> None:
        for line in MODEM_LINES:
            self.say(f"{self.port}: asking for a GSM modem at {line_text(line)}")
            probe = ModemProbe()
            try:
                await self._ask(line, probe)
            finally:
                self.findings += probe.findings(self.port, line)
            if self.findings or self._late():
                return

    async def _ask_meters(self) -> None:
        for edition, settings in ((2007, DLT645_LINES), (1997, DLT645_1997_LINES)):
            for line in settings:
                await self._ask_dlt645(line, edition)
                if self.findings or self._late():
                    return
        for line in MODBUS_LINES:
            await self._ask_modbus(line)
            if self.findings or self._late():
                return

    async def _ask_dlt645(self, line: LineSettings, edition: int) -> None:
        self.say(f"{self.port}: asking for DL/T 645-{edition} meters at {line_text(line)}")
        search = AddressSearch(edition=edition)
        try:
            await self._ask(line, search)
        finally:
            row = {} if edition == 2007 else {"version": edition}
            self.findings += [
                Finding(
                    driver="dlt645",
                    address=address,
                    what=f"DL/T 645-{edition} meter",
                    quality="answers by its number",
                    line=line,
                    table="meters",
                    row={"address": address, "device": f"dlt645-{address}", **row},
                )
                for address in sorted(search.found)
            ]
            if search.unresolved:
                ends = ", ".join(f"…{end}" for end in search.unresolved[:5])
                self.notes.append(
                    f"unreadable answers at {line_text(line)} to numbers ending with {ends}:"
                    " two meters of one number, noise, or meters that know no wildcard"
                )

    async def _ask_modbus(self, line: LineSettings) -> None:
        self.say(f"{self.port}: asking Modbus units at {line_text(line)}")
        scan = ModbusScan(self.plan.units)
        try:
            await self._ask(line, scan)
        finally:
            self.findings += scan.findings(line)
            if scan.unreadable:
                units = ", ".join(str(unit) for unit in sorted(scan.unreadable)[:8])
                self.notes.append(f"unreadable answers at {line_text(line)} of units {units}")

    async def _ask(self, line: LineSettings, probe: Probe) -> None:
        """Let a search ask until it is finished or the port's time is over."""
        opened = self.open_port(self.port, line)
        try:
            async with _Readable(opened) as readable:
                while not probe.finished and not self._late():
                    now = self.line_ms()
                    probe.tick(now, now)
                    if probe.finished:
                        return
                    request = probe.next_request(now, now)
                    if request:
                        opened.write(request)
                    wake = probe.wake(now, now).line_ms
                    left = self._until_ms if wake is None else min(wake, self._until_ms)
                    data = await readable.bytes_within(max(1, left - now))
                    if data:
                        now = self.line_ms()
                        probe.feed(data, now, now)
        finally:
            opened.close()


class _Readable:
    """Bytes of an open line, awaited on the event loop."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._arrived = asyncio.Event()
        self._data = b""
        self._lost: OSError | None = None

    async def __aenter__(self) -> "_Readable":
        asyncio.get_running_loop().add_reader(self._line.fileno(), self._read)
        return self

    async def __aexit__(self, *_error: object) -> None:
        asyncio.get_running_loop().remove_reader(self._line.fileno())

    async def bytes_within(self, wait_ms: int) -> bytes:
        """What comes next; empty when nothing came in time. OSError when it was unplugged."""
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._arrived.wait()
        except TimeoutError:
            return b""
        self._arrived.clear()
        data, self._data = self._data, b""
        if self._lost is not None:
            if not data:
                raise self._lost
            self._arrived.set()  # the next call tells it
        return data

    def _read(self) -> None:
        """Read here and now: a second look at the same bytes would find none."""
        try:
            data = self._line.read(_READ_BYTES)
            if not data:
                raise OSError(errno.ENODEV, "unplugged")
            self._data += data
        except OSError as error:
            self._lost = error
            asyncio.get_running_loop().remove_reader(self._line.fileno())
        self._arrived.set()


def trouble(port: str, error: Exception) -> tuple[State, str]:
    """Why a port could not be read, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EAGAIN, errno.EBUSY) or "lock" in str(error).lower():
        who = ", ".join(holders(port)) or "another program (root sees which: sudo)"
        return "busy", (
            f"in use by {who}; a running gateway is stopped with systemctl stop hearthwatch-gateway"
        )
    if number in (errno.EACCES, errno.EPERM):
        return "denied", "this user may not open it: add the user to the group dialout"
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV) or not os.path.exists(port):
        return "missing", "it is not there: is the adapter plugged in?"
    return "failed", str(error)
