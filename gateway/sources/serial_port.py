"""A serial line: opened, read without blocking, opened again when it was unplugged.

Works with any name that leads to a tty: /dev/serial/by-id/…, a USB adapter, a pseudo-terminal.
"""

import asyncio
import os
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import serial
from serial.tools import list_ports

from gateway.clock import line_ms
from gateway.driver import AnsweringDriver, BusDriver, LineSettings, StreamDriver
from gateway.sources.intake import Intake

# What `open_line` gives; other parts name it so, without the library.
OpenLine = serial.Serial

RECONNECT_FIRST_S: Final = 0.5
RECONNECT_MAX_S: Final = 10.0
# One read; a line at 115200 baud brings this much in a third of a second.
READ_BYTES: Final = 4096
# Silence after which a half frame is no longer awaited (a frame's inner gaps are far shorter).
QUIET_S: Final = 2.0
# Longest sleep of a bus whose driver names no time.
IDLE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    name: str
    port: str
    line: LineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSeen:
    """A serial port that the system knows: its device and what its adapter calls itself."""

    device: str
    title: str


def ports_of_this_machine() -> list[PortSeen]:
    found = list_ports.comports()
    return [PortSeen(device=str(port.device), title=str(port.description)) for port in found]


def open_line(port: str, line: LineSettings) -> OpenLine:
    """A port that reads without waiting, ours alone; OSError or ValueError when it can't be had.

    SerialException is an OSError; pyserial's flock refuses a port that another of us has.
    """
    # A pseudo-terminal has no parity, and the kernel refuses to be asked for one twice.
    simulated = os.path.realpath(port).startswith("/dev/pts/")
    return serial.Serial(
        port,
        baudrate=line.baud,
        bytesize=line.bytesize,
        parity="N" if simulated else line.parity,
        stopbits=line.stopbits,
        timeout=0,
        exclusive=True,
    )


class SerialSource:
    """One line with one driver."""

    def __init__(
        self,
        settings: SerialSettings,
        driver: StreamDriver | BusDriver,
        intake: Intake,
        *,
        now_ms: Callable[[], int],
        real_delay_s: Callable[[float], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._intake = intake
        self._now_ms = now_ms
        self._real_delay_s = real_delay_s
        self._log = log
        self._port: serial.Serial | None = None
        self._activity = asyncio.Event()
        self._lost: str | None = None

    async def run(self) -> None:
        """Read for ever; a missing or lost port is tried again with growing pauses."""
        delay_s = RECONNECT_FIRST_S
        while True:
            try:
                self._open()
                self._log("serial_open", f"{self._settings.name}: {self._settings.port}")
                delay_s = RECONNECT_FIRST_S
                await self._serve()
            except (OSError, serial.SerialException, ValueError, termios.error) as error:
                self._log("serial_lost", f"{self._settings.name}: {error}")
            finally:
                self._close()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    def _open(self) -> None:
        self._port = open_line(self._settings.port, self._settings.line)
        self._lost = None
        asyncio.get_running_loop().add_reader(self._port.fileno(), self._readable)

    def _close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            asyncio.get_running_loop().remove_reader(port.fileno())
            port.close()
            self._flush()

    def _flush(self) -> None:
        """The line went quiet or closed: half a frame is reported and forgotten."""
        driver = self._driver
        if isinstance(driver, BusDriver):
            return  # a bus knows its own times
        try:
            self._intake.take(self._settings.name, driver.flush(self._now_ms(), line_ms()))
        except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the line
            self._intake.failed(self._settings.name, error, b"")

    def _readable(self) -> None:
        port = self._port
        if port is None:
            return
        data = b""
        try:
            data = port.read(READ_BYTES)
            if not data:
                raise serial.SerialException("end of file: unplugged")
            self._intake.take(
                self._settings.name, self._driver.feed(data, self._now_ms(), line_ms())
            )
            if isinstance(self._driver, AnsweringDriver):
                self._write(self._driver.take_reply())
        except (OSError, serial.SerialException) as error:
            self._lost = str(error)
            asyncio.get_running_loop().remove_reader(port.fileno())
        except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the line
            self._intake.failed(self._settings.name, error, data)
        self._activity.set()

    def _write(self, data: bytes | None) -> None:
        """Requests are a few dozen bytes: a line that doesn't take them at once is stuck."""
        if not data or self._port is None:
            return
        try:
            written = os.write(self._port.fileno(), data)
        except BlockingIOError:
            written = 0
        if written < len(data):
            raise serial.SerialException(f"the line took {written} of {len(data)} bytes")

    async def _serve(self) -> None:
        while self._lost is None:
            self._activity.clear()
            wait_s = self._turn() if isinstance(self._driver, BusDriver) else QUIET_S
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation beside the event.
                async with asyncio.timeout(wait_s):
                    await self._activity.wait()
            except TimeoutError:
                self._flush()
        raise serial.SerialException(self._lost)

    def _turn(self) -> float:
        """One turn of a bus master; returns how long to wait for bytes."""
        driver = self._driver
        if not isinstance(driver, BusDriver):
            return IDLE_S
        now_ms, line = self._now_ms(), line_ms()
        try:
            self._intake.take(self._settings.name, driver.tick(now_ms, line))
            self._write(driver.next_request(now_ms, line))
            wake = driver.wake(now_ms, line)
        except (OSError, serial.SerialException):
            raise
        except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the line
            self._intake.failed(self._settings.name, error, b"")
            return IDLE_S
        waits = [IDLE_S]
        if wake.now_ms is not None:
            waits.append(self._real_delay_s((wake.now_ms - now_ms) / 1000))
        if wake.line_ms is not None:
            waits.append((wake.line_ms - line) / 1000)
        return max(0.001, min(waits))
