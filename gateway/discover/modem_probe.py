"""Is there a GSM modem on a line, with which card and signal? Pure: used like a bus driver.

First a knock of a few bytes; only who answers it like a modem is asked more, by the state machine
that the second path uses. No message is sent and no PIN is tried.
"""

import re
from typing import Final

from contract.item import Scalar
from gateway.discover.finding import Finding
from gateway.driver import LineSettings, Outcome, Wake
from gateway.second_path.gsm_modem import Event, Modem, NotReady, Ready, Trouble

# All that a line without a modem gets: at 115200 that is a third of a millisecond. The first
# character ends whatever earlier questions left in a modem's command line.
KNOCK: Final = b"\rAT\r"
# A modem answers AT at once; one that has just woken up within a second (27.007 names no limit).
KNOCK_MS: Final = 1_500
# A round of questions takes a second; without a network the modem is asked again meanwhile.
QUESTIONS_MS: Final = 15_000
# Modems of today, and the fixed speed of many older ones.
MODEM_LINES: Final = (LineSettings(baud=115_200), LineSettings(baud=9_600))
# What a modem says unasked: results with a plus or a caret, as no meter or button does.
UNASKED: Final = re.compile(rb"\r\n[+^][A-Z]{3,12}(?::|\r)")
# Makers and words in the name that the system gives a modem's port, and never an RS-485 adapter's.
_NAMES: Final = re.compile(r"modem|gsm|lte|huawei|zte|simtech|simcom|quectel|fibocom|sierra", re.I)
_ANSWER_BYTES_MAX: Final = 256

_TROUBLES: Final[dict[Trouble, str]] = {
    "no_answer": "answers AT and nothing more",
    "sim_missing": "no SIM card",
    "sim_locked": "the SIM card asks for its PIN",
    "no_network": "SIM card ready, no network yet",
}


def named_like_a_modem(port: str) -> bool:
    return _NAMES.search(port.rpartition("/")[2]) is not None


class ModemProbe:
    """One line setting. `found` is None while nobody answered like a modem."""

    def __init__(self) -> None:
        self.finished = False
        self.answered = False
        self._knock_until_ms: int | None = None
        self._until_ms = 0
        self._heard = b""
        self._modem = Modem()
        self._last: Event | None = None

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        line = now_ms if line_ms is None else line_ms
        if self._knock_until_ms is None:
            self._knock_until_ms = line + KNOCK_MS
            return KNOCK
        return self._modem.take_output() or None

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        if self.answered:
            self._take(self._modem.feed(data, line))
            return []
        self._heard = (self._heard + data)[-_ANSWER_BYTES_MAX:]
        if b"\r\nOK\r\n" in self._heard:
            self.answered = True
            self._until_ms = line + QUESTIONS_MS
        return []

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        if self.answered:
            self._take(self._modem.tick(line))
            self.finished = self.finished or line >= self._until_ms
        elif self._knock_until_ms is not None:
            self.finished = line >= self._knock_until_ms
        return []

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        line = now_ms if line_ms is None else line_ms
        if not self.answered:
            return Wake(line_ms=self._knock_until_ms)
        times = [t for t in (self._until_ms, self._modem.wake_ms()) if t is not None]
        return Wake(line_ms=max(line, min(times)))

    def _take(self, events: list[Event]) -> None:
        """Waiting may bring a network, but no card and no PIN."""
        for event in events:
            self._last = event
            lasts = isinstance(event, NotReady) and event.trouble in {"sim_missing", "sim_locked"}
            self.finished = self.finished or lasts or isinstance(event, Ready)

    def findings(self, port: str, line: LineSettings) -> list[Finding]:
        if not self.answered:
            return []
        row: dict[str, Scalar] = {"port": port}
        if line.baud != MODEM_LINES[0].baud:
            row["baud"] = line.baud
        return [
            Finding(
                driver="gsm-sms",
                address="AT port",
                what="GSM modem",
                quality=self._state(),
                line=line,
                table="second_path.sms",
                row=row,
                needs='numbers = ["+8613800138000"], who is to be told',
            )
        ]

    def _state(self) -> str:
        match self._last:
            case Ready(signal_dbm=None):
                return "SIM card ready, registered, signal unknown"
            case Ready(signal_dbm=dbm):
                return f"SIM card ready, registered, signal {dbm} dBm"
            case NotReady(trouble=trouble):
                return _TROUBLES[trouble]
            case _:
                return _TROUBLES["no_answer"]
