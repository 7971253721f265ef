"""The GSM modem's state machine under a script of answers, noise and passing time.

An input is a list of steps: 0-99 one of the modem's answers, 100-179 raw bytes of the input,
180-255 time passes. Promises: no exception; what is written is ESC, AT commands, or a PDU with
Ctrl-Z; a PIN is tried once; the buffer is bounded; the modem always has a next moment, and after
`tick` that is a later one.
"""

import re
from collections.abc import Hashable
from typing import Final

from gateway.drivers.gsm_sms.pdu import submits
from gateway.second_path.gsm_modem import LINE_BYTES_MAX, Modem
from tests.fuzz.engine import Target

STEPS_MAX: Final = 200
_LINES: Final = (
    b"OK", b"ERROR", b"+CMGS: 7\r\n\r\nOK", b"+CPIN: READY", b"+CPIN: SIM PIN", b"+CPIN: SIM PUK",
    b"+CREG: 0,1", b"+CREG: 0,2", b"+CEREG: 0,5", b"+CSQ: 17,99", b"+CSQ: 99,99", b"+CME ERROR: 10",
    b"+CMS ERROR: 331", b"+CMS ERROR: 21", b"RDY", b"+CDS: 25", b"000691", b"+CMGS: ",
    b'+CMTI: "SM",1', b"NO CARRIER", b"+CPIN: NOT READY", b"+CPIN: SIM PIN2", b"+CREG: 1,2",
    b"+CME ERROR: 14",
)  # fmt: skip
_ANSWERS: Final = (b"\r\n> ", b"> ", b"AT\r", *(b"\r\n" + line + b"\r\n" for line in _LINES))
_WRITTEN: Final = re.compile(rb"(?:\x1b|AT[A-Z0-9+=?,]*\r|[0-9A-F]+\x1a)*\Z")
_PIN: Final = b"AT+CPIN="
_MESSAGE: Final = submits("+8613800138000", "求助" * 40)


def run(data: bytes) -> frozenset[Hashable]:
    modem, now_ms, at, pins, taken = Modem("1234"), 0, 0, 0, 0
    happened: set[Hashable] = set()
    for _ in range(STEPS_MAX):
        events = [*modem.tick(now_ms)]
        if modem.idle:
            modem.send(_MESSAGE, now_ms)
        wake_ms = modem.wake_ms()
        assert wake_ms is not None, "asleep for ever"
        assert wake_ms > now_ms, "awake with nothing to do"
        if at < len(data):
            op, at = data[at], at + 1
            if op < 100:
                taken += _takes(modem, _ANSWERS[op % len(_ANSWERS)])
                events += modem.feed(_ANSWERS[op % len(_ANSWERS)], now_ms)
            elif op < 180:
                piece, at = data[at : at + op - 99], at + op - 99
                taken += _takes(modem, piece)
                events += modem.feed(piece, now_ms)
            else:
                now_ms += (op - 179) ** 3
        else:
            break
        written = modem.take_output()
        if written:
            assert _WRITTEN.match(written), written
            pins += written.count(_PIN)
            assert pins <= 1 + taken, "a PIN tried twice locks the card"
        assert modem.wake_ms() is not None, "asleep for ever"
        assert len(modem._buffer) <= LINE_BYTES_MAX
        for event in events:
            happened.add(type(event).__name__)
    return frozenset({*happened, *(name for name, count in modem.counters.items() if count)})


def _takes(modem: Modem, answer: bytes) -> bool:
    """A PIN that the card took may be needed again."""
    return modem._asked.startswith("AT+CPIN=") and b"OK" in answer


def target() -> Target:
    # By the places of the answers above: a good day, refusals, a locked card, restarts.
    good = bytes((3, 3, 3, 6, 3, 9, 3, 12, 3, 3, 3, 0, 5, 0, 5, 255, 255))
    seeds = [
        good,
        good[:11] + bytes((0, 15, 0, 16, 255)) * 9,
        bytes((3, 3, 3, 7, 3)) * 9,
        good[:11] + bytes((17, 255, 18, 19)) * 5,
        good[:11] + bytes((0, 255, 255)) * 5,
    ]
    return Target(name="gsm-modem", run=run, seeds=seeds, tokens=_ANSWERS)
