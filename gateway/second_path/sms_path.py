"""The second path by short message: the modem's line, what was sent, and what is told of it."""

import asyncio
import contextlib
import hashlib
import os
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from contract.item import Item, Scalar
from gateway.clock import line_ms
from gateway.device_health import health
from gateway.driver import Decoded, LineSettings
from gateway.drivers.gsm_sms.pdu import BadPdu, explain, submits
from gateway.second_path.gsm_modem import Event, Failed, Modem, NotReady, Ready, Report, Sent
from gateway.second_path.sms_plan import SENT_MAX, SentSms, Sms, SmsPlan, SmsSettings
from gateway.sources.intake import Intake
from gateway.sources.serial_port import READ_BYTES, OpenLine, open_line
from gateway.spool.sent_book import SentBook

# How often overdue calls are looked at; a second beside the ten.
LOOK_S: Final = 1.0
REOPEN_FIRST_S: Final = 0.5
REOPEN_MAX_S: Final = 10.0
# Calls looked at together; a village's burst of presses goes in a few rounds.
ITEMS_MAX: Final = 200
PIN_COMMAND: Final = b"AT+CPIN="
# The name under which the modem's health is told.
DEVICE: Final = "gsm-modem"
# Status values of a report below it are success, between it and 63 still being tried (9.2.3.15).
_DELIVERED_MAX: Final = 0x1F
_TRYING_MAX: Final = 0x3F


class Lane(Protocol):
    """The activation lane as this path needs it."""

    def overdue_items(self, after_s: float, limit: int) -> Sequence[Item]: ...


class SmsPath:
    """A part of the gateway's process, on its event loop."""

    def __init__(
        self,
        settings: SmsSettings,
        lane: Lane,
        intake: Intake,
        *,
        book_file: Path,
        now_ms: Callable[[], int],
        clock_synced: Callable[[], bool],
        log: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._lane = lane
        self._intake = intake
        self._book_file = book_file
        self._now_ms = now_ms
        self._clock_synced = clock_synced
        self._log = log
        self._modem = Modem(settings.pin)
        self._port: OpenLine | None = None
        self._lost: str | None = None
        self._activity = asyncio.Event()
        self._current: Sms | None = None
        self._reference = 0
        self._trouble = ""
        self._pin_mark = book_file.with_name("sim-pin-tried")
        self._refused: set[str] = set()
        self._undelivered = False
        self.sent = 0

    async def run(self) -> None:
        """Until cancelled; a missing or lost modem is tried again with growing pauses."""
        book = self._open_book()
        plan = SmsPlan(self._settings, self._sent_before(book))
        delay_s = REOPEN_FIRST_S
        try:
            while True:
                try:
                    self._open()
                    delay_s = REOPEN_FIRST_S
                    await self._serve(plan, book)
                except (OSError, ValueError, termios.error) as error:
                    self._log("modem_lost", f"{self._settings.port}: {error}")
                    self._in_trouble("modem_unavailable")
                finally:
                    self._close(plan)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, REOPEN_MAX_S)
        finally:
            if book is not None:
                book.close()

    def _open_book(self) -> SentBook | None:
        """Without a disk messages are sent all the same: twice is better than never."""
        try:
            return SentBook(self._book_file)
        except OSError as error:
            self._log("sms_book_failed", str(error))
            return None

    def _sent_before(self, book: SentBook | None) -> list[SentSms]:
        rows = book.rows(SENT_MAX) if book is not None else []
        return [SentSms(item=i, number=n, device=d, at_ms=at) for i, n, d, at in rows]

    def _open(self) -> None:
        line = LineSettings(baud=self._settings.baud)
        self._port = open_line(self._settings.port, line)
        self._lost = None
        self._modem = Modem(self._untried_pin())
        asyncio.get_running_loop().add_reader(self._port.fileno(), self._activity.set)
        self._log("modem_open", self._settings.port)

    def _close(self, plan: SmsPlan) -> None:
        port, self._port = self._port, None
        if port is not None:
            asyncio.get_running_loop().remove_reader(port.fileno())
            port.close()
        if self._current is not None:
            plan.failed(self._current, self._now_ms(), final=False)
            self._current = None

    async def _serve(self, plan: SmsPlan, book: SentBook | None) -> None:
        while True:
            self._activity.clear()
            for event in (*self._heard(), *self._modem.tick(line_ms())):
                await self._happened(event, plan, book)
            if self._modem.idle and self._current is None:
                self._start(plan)
            self._write()
            wake_ms = self._modem.wake_ms()
            wait_s = LOOK_S if wake_ms is None else (wake_ms - line_ms()) / 1000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_S, max(0.0, wait_s))):
                    await self._activity.wait()

    def _start(self, plan: SmsPlan) -> None:
        waiting = self._lane.overdue_items(self._settings.after_s, ITEMS_MAX)
        overdue = [item for item in waiting if item.attrs.get("action") != "clear"]
        sms = plan.next(overdue, self._now_ms(), clock_synced=self._clock_synced())
        if sms is None:
            return
        self._current = sms
        self._reference += 1
        parts = submits(sms.number, sms.text, reference=self._reference, report=True)
        self._modem.send(parts, line_ms())

    async def _happened(self, event: Event, plan: SmsPlan, book: SentBook | None) -> None:
        match event:
            case Ready():
                self._pin_mark.unlink(missing_ok=True)
                self._recovered()
            case NotReady(trouble=trouble):
                self._in_trouble(trouble)
            case Sent():
                await self._left(plan, book)
            case Failed(detail=detail, final=final):
                self._not_left(detail, plan, final=final)
            case Report(pdu_hex=pdu_hex):
                self._reported(pdu_hex)

    async def _left(self, plan: SmsPlan, book: SentBook | None) -> None:
        sms, self._current = self._current, None
        if sms is None:
            return
        rows = plan.sent(sms, self._now_ms())
        if sms.number in self._refused:
            self._refused.discard(sms.number)
            self._tell({"recovered": "sms_refused", "number": sms.number[-4:]})
        self.sent += 1
        if book is not None:
            try:
                told = [(row.item, row.number, row.device, row.at_ms) for row in rows]
                await asyncio.to_thread(book.add, told, SENT_MAX)
            except OSError as error:
                self._log("sms_book_failed", str(error))
        # Told when a restart would know of it.
        self._log("sms_sent", f"{sms.device}: {len(sms.items)} calls to ...{sms.number[-4:]}")

    def _not_left(self, detail: str, plan: SmsPlan, *, final: bool) -> None:
        sms, self._current = self._current, None
        if sms is None:
            return
        self._log("sms_failed", f"{sms.device} to ...{sms.number[-4:]}: {detail}")
        if plan.failed(sms, self._now_ms(), final=final) and sms.number not in self._refused:
            self._refused.add(sms.number)
            self._tell({"fault": "sms_refused", "detail": detail, "number": sms.number[-4:]})

    def _reported(self, pdu_hex: str) -> None:
        try:
            status = explain(bytes.fromhex(pdu_hex)).get("status")
        except (BadPdu, ValueError) as error:
            self._log("sms_report_unreadable", str(error))
            return
        if not isinstance(status, int) or _DELIVERED_MAX < status <= _TRYING_MAX:
            return
        arrived = status <= _DELIVERED_MAX
        self._log("sms_delivered" if arrived else "sms_not_delivered", f"status {status}")
        if arrived is self._undelivered:
            self._undelivered = not arrived
            attr = "recovered" if arrived else "fault"
            self._tell({attr: "sms_not_delivered", "status": status})

    # The line.

    def _untried_pin(self) -> str | None:
        """A PIN that opened no card is not tried again, not even after a restart of the gateway:
        three wrong ones lock it. Another PIN in the file is another try."""
        pin = self._settings.pin
        if pin is None:
            return None
        try:
            tried = self._pin_mark.read_text()
        except OSError:
            return pin
        return None if tried == _digest(pin) else pin

    def _heard(self) -> list[Event]:
        if self._port is None or self._lost is not None:
            raise OSError(self._lost or "closed")
        data = self._port.read(READ_BYTES)
        return self._modem.feed(data, line_ms()) if data else []

    def _write(self) -> None:
        data = self._modem.take_output()
        if not data or self._port is None:
            return
        if PIN_COMMAND in data:
            with contextlib.suppress(OSError):  # a full disk must not keep the card closed
                self._pin_mark.write_text(_digest(self._settings.pin or ""))
        try:
            written = os.write(self._port.fileno(), data)
        except BlockingIOError:
            written = 0
        if written < len(data):
            raise OSError(f"the line took {written} of {len(data)} bytes")

    # What is told of it.

    def _in_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._log("modem_trouble", trouble)
            self._tell({"fault": trouble})

    def _recovered(self) -> None:
        if self._trouble:
            ended, self._trouble = self._trouble, ""
            self._tell({"recovered": ended})

    def _tell(self, attrs: dict[str, Scalar]) -> None:
        told = health(DEVICE, self._now_ms(), attrs)
        self._intake.take(DEVICE, [Decoded(fields={}, measurements=(told,))])


def _digest(pin: str) -> str:
    return hashlib.sha256(pin.encode()).hexdigest()
