"""The GSM modem at the hub: the gateway's modem machine on a line of this machine.

One message at a time; what people send is read between them. The line is opened by the first
message and again after every loss. A PIN that opened no card is not tried again, not even after a
restart: three wrong ones lock it.
"""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from alarms.channel import ModemBusy, ModemRefused
from gateway.clock import line_ms
from gateway.driver import LineSettings
from gateway.drivers.gsm_sms.pdu import BadPdu, explain, submits
from gateway.second_path.gsm_modem import Event, Failed, Modem, NotReady, Ready, Received, Sent
from gateway.sources.serial_port import READ_BYTES, OpenLine, open_line

LINE: Final = LineSettings(baud=115200)
# The modem's own times decide; this only makes sure that they are looked at.
TICK_S: Final = 0.2
# A modem that has just been switched on takes this long until it may send.
READY_WITHIN_S: Final = 15.0
PIN_COMMAND: Final = b"AT+CPIN="
# How often the line is looked at while nothing is sent, and after it was lost.
LISTEN_S: Final = 0.5
REOPEN_S: Final = 10.0
# Messages that wait to be read; somebody's loop of messages fills no memory.
INBOX_MAX: Final = 100

OnText = Callable[[str, str], Awaitable[object]]


class HubModem:
    """`alarms.channel.SmsModem`. `log` hears of troubles, never of numbers or texts."""

    def __init__(self, port: str, pin: str, mark: Path, log: Callable[[str, str], None]) -> None:
        """`mark`: a file that remembers which PIN has been tried."""
        self._port = port
        self._pin = pin
        self._mark = mark
        self._log = log
        self._turn = asyncio.Lock()
        self._line: OpenLine | None = None
        self._modem = Modem()
        self._reference = 0
        self._inbox: deque[str] = deque(maxlen=INBOX_MAX)

    async def listen(self, on_text: OnText) -> None:
        """Until cancelled: hand on (number, text) of what arrives. A lost modem is tried again."""
        lost = False
        while True:
            try:
                async with self._turn:
                    self._step()
                lost = False
            except (OSError, ValueError) as error:
                self._close()
                if not lost:
                    self._log("modem_lost", type(error).__name__)
                lost = True
            while self._inbox:
                await self._hand_on(self._inbox.popleft(), on_text)
            await asyncio.sleep(REOPEN_S if lost else LISTEN_S)

    async def _hand_on(self, pdu_hex: str, on_text: OnText) -> None:
        """What is no plain text is no answer; neither is a part of a long one."""
        try:
            fields = explain(bytes.fromhex(pdu_hex))
            number, text = fields.get("number"), fields.get("text")
            if isinstance(number, str) and isinstance(text, str):
                await on_text(number, text)
        except BadPdu as error:
            self._log("sms_unreadable", str(error)[:100])
        except Exception as error:  # noqa: BLE001 - one message must not end the listening
            self._log("sms_not_taken", type(error).__name__)

    async def send(self, number: str, text: str) -> str:
        try:
            parts = submits(number, text, reference=self._reference)
        except ValueError as error:
            raise ModemRefused("no telephone number") from error
        async with self._turn:
            self._reference = (self._reference + 1) % 256
            try:
                await self._until_idle()
                self._modem.send(parts, line_ms())
                return await self._until_sent()
            except (OSError, ValueError) as error:
                self._close()
                self._log("modem_lost", type(error).__name__)
                raise ModemBusy(f"the modem's line: {type(error).__name__}") from error

    async def _until_idle(self) -> None:
        trouble = "no answer"
        for _look in range(int(READY_WITHIN_S / TICK_S)):
            if self._modem.idle:
                return
            for event in self._step():
                if isinstance(event, NotReady):
                    trouble = event.trouble
            await asyncio.sleep(TICK_S)
        raise ModemBusy(trouble)

    async def _until_sent(self) -> str:
        """The modem gives a message up by itself when the network keeps silent."""
        while True:
            for event in self._step():
                if isinstance(event, Sent):
                    return ",".join(str(number) for number in event.references)
                if isinstance(event, Failed):
                    raise (ModemRefused if event.final else ModemBusy)(event.detail)
            await asyncio.sleep(TICK_S)

    def _step(self) -> list[Event]:
        """What the line brought, what time brought, and our words out."""
        if self._line is None:
            self._line = open_line(self._port, LINE)
            self._modem = Modem(self._untried_pin(), inbox=True)
        events = [
            *self._modem.feed(self._line.read(READ_BYTES), line_ms()),
            *self._modem.tick(line_ms()),
        ]
        self._inbox += [event.pdu_hex for event in events if isinstance(event, Received)]
        if any(isinstance(event, Ready) for event in events):
            self._mark.unlink(missing_ok=True)
        out = self._modem.take_output()
        if PIN_COMMAND in out:
            self._mark.write_text(_digest(self._pin))
        if out:
            self._line.write(out)
        return events

    def _untried_pin(self) -> str | None:
        """Another PIN in the file is another try."""
        if not self._pin or (self._mark.exists() and self._mark.read_text() == _digest(self._pin)):
            return None
        return self._pin

    def _close(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.close()
        self._line = None


def _digest(pin: str) -> str:
    return hashlib.sha256(pin.encode()).hexdigest()
