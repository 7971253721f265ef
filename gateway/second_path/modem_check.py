"""Ask a modem how it is, once: for `gateway doctor`. Nothing is sent, no PIN is tried."""

import os
import select
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.driver import LineSettings
from gateway.second_path.gsm_modem import Event, Modem, NotReady, Ready
from gateway.second_path.sms_plan import SmsSettings
from gateway.sources.serial_port import READ_BYTES, open_line

# A round of questions takes a second; a modem that was just plugged in takes some.
PATIENCE_S: Final = 15.0

MODEM_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_answer": "is it the modem's AT port, and the right baud? Some have three ports",
        "sim_missing": "put a SIM card in; it must allow short messages",
        "sim_locked": "take the PIN off the card in a telephone, or set pin_file (tried once)",
        "no_network": "wait a minute, try another place or an antenna, check the card's contract",
    }
)


def asked(settings: SmsSettings) -> tuple[Event | None, str]:
    """The first Ready, or the last trouble and its name; the gateway must not be running."""
    try:
        port = open_line(settings.port, LineSettings(baud=settings.baud))
    except (OSError, ValueError) as error:
        return None, f"{settings.port}: {error}"
    modem = Modem()
    last: Event | None = None
    until_s = time.monotonic() + PATIENCE_S
    try:
        while (now_s := time.monotonic()) < until_s and not _clear(last):
            ready, _, _ = select.select([port.fileno()], [], [], 0.1)
            data = port.read(READ_BYTES) if ready else b""
            now_ms = int(now_s * 1000)
            for event in (*modem.feed(data, now_ms), *modem.tick(now_ms)):
                last = event
            if output := modem.take_output():
                os.write(port.fileno(), output)
    except OSError as error:
        return None, f"{settings.port}: {error}"
    finally:
        port.close()
    return last, last.trouble if isinstance(last, NotReady) else "no_answer"


def _clear(event: Event | None) -> bool:
    """Waiting would change nothing: all is well, or the card needs a hand."""
    if isinstance(event, NotReady):
        return event.trouble in {"sim_missing", "sim_locked"}
    return isinstance(event, Ready)
