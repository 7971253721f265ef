"""A GSM modem on a serial line, as a state machine: bytes and time in, bytes and events out. Pure.

It is woken (ESC ends a hung prompt), made to talk plainly (echo off, numbered errors, PDU mode),
asked for its SIM card, its network and its signal, and then given one message after the other:

    AT+CMGS=<octets>  →  "> "  →  PDU in hexadecimal, Ctrl-Z  →  +CMGS: <reference>, OK

Source: 3GPP TS 27.007 (commands, +CME ERROR: 9.2), 3GPP TS 27.005 (short messages, +CMS ERROR:
3.2.5). A PIN is tried once and never guessed: three wrong ones lock the card.
"""

import re
from collections import Counter, deque
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

from gateway.drivers.gsm_sms.pdu import Submit

# A modem answers plain commands within a second; searching a network it can take five.
COMMAND_TIMEOUT_MS: Final = 5_000
PROMPT_TIMEOUT_MS: Final = 5_000
# The network's word on a message (27.005 names no limit; makers name 40 to 180 s).
SENT_TIMEOUT_MS: Final = 60_000
# Between two rounds of questions while something is missing, and while all is well.
LOOK_AGAIN_MS: Final = 5_000
WATCH_MS: Final = 60_000
# The longest answer is a status report in hexadecimal; what is longer is noise.
LINE_BYTES_MAX: Final = 1024
CTRL_Z: Final = b"\x1a"
ESCAPE: Final = b"\x1b"

Trouble = Literal["no_answer", "sim_missing", "sim_locked", "no_network"]

# Errors that no second try mends: about the number or the subscription (27.005, 3.2.5).
FINAL_CODES: Final = frozenset({1, 8, 10, 21, 28, 30, 50, 69})
_SIM_MISSING: Final = frozenset({10, 13, 15, 310, 313, 315})
# The card starts still.
_SIM_BUSY: Final = frozenset({14, 314})
_RESTARTED: Final = re.compile(r"RDY|\^SYSSTART|PB DONE|NORMAL POWER DOWN")
# Whether changes are told unasked, and the state; told unasked the state comes first, and the place
# behind it is quoted or hexadecimal (27.007, 7.2).
_REGISTRATION: Final = re.compile(r"\+C[EG]?REG: ?(\d{1,2})(?:, ?(\d{1,2})(?:,|$))?")
# At home and abroad, each in full, for short messages alone, and with calls by another network.
_REGISTERED: Final = frozenset({"1", "5", "6", "7", "9", "10"})
_SIM_STATE: Final = re.compile(r'\+CPIN: ?"?([A-Z0-9 -]+?)"?$')
_ERROR: Final = re.compile(r"\+CM[ES] ERROR: ?(\d+)|ERROR$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Messages can be sent. signal_dbm: None when the modem does not know."""

    signal_dbm: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    trouble: Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """All parts were taken by the network."""

    references: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The message did not leave; final: no other try will do better. detail: the modem's word."""

    detail: str
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A status report arrived; its PDU in hexadecimal."""

    pdu_hex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message of somebody arrived; its PDU in hexadecimal. Only for a modem with an inbox."""

    pdu_hex: str


Event = Ready | NotReady | Sent | Failed | Report | Received
# The questions that make a modem ready, in their order.
_ROUND: Final = (
    "AT", "ATE0", "AT+CMEE=1", "AT+CPIN?", "AT+CREG?", "AT+CSQ", "AT+CMGF=0", "AT+CNMI=2,0,0,1,0",
)  # fmt: skip
_WATCH: Final = ("AT+CPIN?", "AT+CREG?", "AT+CSQ")
# Some modems refuse these; nothing depends on them.
# Status reports come to the line; messages stay on the card, or with an inbox come as well (27.005,
# 3.4.1).
_REPORTS_ONLY: Final = "AT+CNMI=2,0,0,1,0"
_MESSAGES_TOO: Final = "AT+CNMI=2,2,0,1,0"
_OPTIONAL: Final = frozenset({"AT+CMEE=1", "AT+CSQ", _REPORTS_ONLY, _MESSAGES_TOO, "AT+CEREG?"})


class Modem:
    """`take_output` after every call: what must be written to the line."""

    def __init__(self, pin: str | None = None, *, inbox: bool = False) -> None:
        """inbox: what people send is wanted too."""
        asked = {_REPORTS_ONLY: _MESSAGES_TOO} if inbox else {}
        self._round = tuple(asked.get(command, command) for command in _ROUND)
        self.counters: Counter[str] = Counter()
        self.ready = False
        self._pin = pin
        self._buffer = b""
        self._out = bytearray()
        self._todo: deque[str] = deque(self._round)
        self._asked = ""
        self._deadline_ms: int | None = None
        self._next_round_ms: int | None = None
        self._said: list[str] = []
        self._signal_dbm: int | None = None
        self._parts: deque[Submit] = deque()
        self._phase: Literal["commands", "prompt", "sent"] = "commands"
        self._references: list[int] = []
        # What the line after the next header is.
        self._next_is: type[Report] | type[Received] | None = None
        self._started = False

    @property
    def idle(self) -> bool:
        """Whether a message may be given."""
        return self.ready and self._phase == "commands" and not self._asked and not self._parts

    def take_output(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out

    def wake_ms(self) -> int | None:
        """When time alone will change something."""
        # The next round of questions waits for the answer that is under way.
        return self._next_round_ms if self._deadline_ms is None else self._deadline_ms

    def send(self, parts: Sequence[Submit], line_ms: int) -> None:
        """Give a message; only while `idle`."""
        if not self.idle or not parts:
            raise ValueError("the modem is not free")
        self._parts = deque(parts)
        self._references = []
        self._send_part(line_ms)

    def feed(self, data: bytes, line_ms: int) -> list[Event]:
        """Bytes of the line, however they are cut."""
        out: list[Event] = []
        self._buffer += data
        while True:
            if self._phase == "prompt" and self._buffer.rstrip(b" ").endswith(b">"):
                self._buffer = b""
                self._prompted(line_ms)
            line, found, rest = self._buffer.partition(b"\n")
            if not found:
                break
            self._buffer = rest
            out += self._line(line.decode("ascii", "replace").strip(), line_ms)
        if len(self._buffer) > LINE_BYTES_MAX:
            self.counters["noise_bytes"] += len(self._buffer)
            self._buffer = b""
        return out

    def tick(self, line_ms: int) -> list[Event]:
        """Time: the first command, answers that do not come, the next round of questions."""
        if not self._started:
            self._started = True
            self._out += ESCAPE
            self._next(line_ms)
            return []
        if self._deadline_ms is not None and line_ms >= self._deadline_ms:
            return self._overdue(line_ms)
        due = self._next_round_ms is not None and line_ms >= self._next_round_ms
        if due and not self._asked and self._phase == "commands":
            self._todo = deque(_WATCH if self.ready else self._round)
            self._next_round_ms = None
            self._next(line_ms)
        return []

    # Commands.

    def _next(self, line_ms: int) -> None:
        self._asked = self._todo.popleft()
        self._said = []
        self._deadline_ms = line_ms + COMMAND_TIMEOUT_MS
        self._out += self._asked.encode() + b"\r"

    def _line(self, text: str, line_ms: int) -> list[Event]:
        if not text or text == self._asked or text.startswith("AT+CMGS="):
            return []  # empty, or the echo
        if self._next_is is not None:
            event, self._next_is = self._next_is(pdu_hex=text), None
            return [event]
        if text.startswith(("+CDS:", "+CMT:")):
            self._next_is = Report if text.startswith("+CDS:") else Received
            return []
        if self._started and _RESTARTED.match(text):
            return self._restarted(line_ms)
        if self._phase != "commands":
            return self._message_line(text, line_ms)
        if not self._asked:
            self.counters["unasked"] += 1
            return []
        if text == "OK":
            return self._answered(line_ms)
        if _ERROR.match(text):
            return self._refused(text, line_ms)
        self._said.append(text)
        return []

    def _answered(self, line_ms: int) -> list[Event]:
        asked, said = self._asked, self._said
        self._asked, self._deadline_ms = "", None
        if asked.startswith("AT+CPIN="):
            # It is right, and may be needed again after a power failure.
            self._pin = asked.removeprefix("AT+CPIN=")
        if asked == "AT+CPIN?":
            states = {found[1] for text in said if (found := _SIM_STATE.match(text))}
            if "READY" not in states:
                return self._closed(states, line_ms)
        if asked in {"AT+CREG?", "AT+CEREG?"} and not _registered(said):
            if asked == "AT+CREG?":
                # A modem for LTE alone is registered there and nowhere else.
                self._todo.appendleft("AT+CEREG?")
            else:
                return self._missing("no_network", line_ms)
        if asked == "AT+CSQ":
            self._signal_dbm = _signal_dbm(said)
        return self._go_on(line_ms)

    def _go_on(self, line_ms: int) -> list[Event]:
        if self._todo:
            self._next(line_ms)
            return []
        self._next_round_ms = line_ms + WATCH_MS
        self.ready = True
        return [Ready(signal_dbm=self._signal_dbm)]

    def _refused(self, text: str, line_ms: int) -> list[Event]:
        asked = self._asked
        self._asked, self._deadline_ms = "", None
        self.counters["errors"] += 1
        if asked.startswith("AT+CPIN="):
            return self._missing("sim_locked", line_ms)
        if asked == "AT+CPIN?":
            return self._missing(_sim_trouble(_code(text)), line_ms)
        if asked == "AT+CREG?":
            self._todo.appendleft("AT+CEREG?")
        elif asked == "AT+CEREG?":
            return self._missing("no_network", line_ms)
        elif asked not in _OPTIONAL:
            return self._missing("no_answer", line_ms)
        return self._go_on(line_ms)

    def _closed(self, states: Set[str], line_ms: int) -> list[Event]:
        """The card can't be used, for what it says: only `SIM PIN` is about the PIN we know."""
        if not states:
            return self._missing("no_answer", line_ms)
        if "SIM PIN" not in states:
            gone = states <= {"NOT READY", "NOT INSERTED"}
            return self._missing("sim_missing" if gone else "sim_locked", line_ms)
        pin, self._pin = self._pin, None
        if pin is None:
            return self._missing("sim_locked", line_ms)
        # Then the rest of the round; a card takes seconds to open, the next round asks again.
        self._todo.clear()
        self._todo.append(f"AT+CPIN={pin}")
        self._todo.extend(self._round)
        self._next(line_ms)
        return []

    def _missing(self, trouble: Trouble, line_ms: int) -> list[Event]:
        self.ready = False
        self._todo.clear()
        self._next_round_ms = line_ms + LOOK_AGAIN_MS
        return [NotReady(trouble=trouble)]

    def _restarted(self, line_ms: int) -> list[Event]:
        """The modem lost its power for a moment: everything has to be said again."""
        self.counters["restarts"] += 1
        out = self._give_up("the modem restarted", final=False) if self._parts else []
        self.ready = False
        self._asked, self._deadline_ms = "", None
        self._phase = "commands"
        self._todo.clear()
        self._next_round_ms = line_ms + LOOK_AGAIN_MS
        return out

    def _overdue(self, line_ms: int) -> list[Event]:
        self._deadline_ms = None
        self.counters["timeouts"] += 1
        if self._phase != "commands":
            waited = "the prompt" if self._phase == "prompt" else "the network's word"
            self._out += ESCAPE
            return [
                *self._give_up(f"{waited} did not come", final=False),
                *self._missing("no_answer", line_ms),
            ]
        self._asked = ""
        self._out += ESCAPE
        return self._missing("no_answer", line_ms)

    # Messages.

    def _send_part(self, line_ms: int) -> None:
        self._phase = "prompt"
        self._said = []
        self._deadline_ms = line_ms + PROMPT_TIMEOUT_MS
        self._out += f"AT+CMGS={self._parts[0].tpdu_bytes}\r".encode()

    def _prompted(self, line_ms: int) -> None:
        self._phase = "sent"
        self._deadline_ms = line_ms + SENT_TIMEOUT_MS
        self._out += self._parts[0].hex.encode() + CTRL_Z

    def _message_line(self, text: str, line_ms: int) -> list[Event]:
        if _ERROR.match(text):
            self._deadline_ms = None
            code = _code(text)
            return self._give_up(text, final=code in FINAL_CODES)
        if self._phase == "sent" and text.startswith("+CMGS:"):
            reference = re.match(r"\+CMGS: ?(\d{1,3})", text)
            self._references.append(int(reference[1]) if reference else 0)
        elif self._phase == "sent" and text == "OK" and self._references:
            return self._part_done(line_ms)
        return []

    def _part_done(self, line_ms: int) -> list[Event]:
        self._parts.popleft()
        self._deadline_ms = None
        self.counters["parts"] += 1
        if self._parts:
            self._send_part(line_ms)
            return []
        self._phase = "commands"
        references, self._references = self._references, []
        return [Sent(references=references)]

    def _give_up(self, detail: str, *, final: bool) -> list[Event]:
        self._parts.clear()
        self._references = []
        self._phase = "commands"
        self.counters["failed"] += 1
        return [Failed(detail=detail[:80], final=final)]


def _code(text: str) -> int | None:
    match = _ERROR.match(text)
    return int(match[1]) if match is not None and match[1] else None


def _sim_trouble(code: int | None) -> Trouble:
    if code in _SIM_BUSY:
        return "no_answer"
    return "sim_missing" if code in _SIM_MISSING else "sim_locked"


def _registered(said: Sequence[str]) -> bool:
    found = (_REGISTRATION.match(text) for text in said)
    return any((match[2] or match[1]) in _REGISTERED for match in found if match is not None)


def _signal_dbm(said: Sequence[str]) -> int | None:
    """+CSQ: <rssi>,<ber>: 0 to 31 are -113 to -51 dBm, 99 unknown (27.007, 8.5)."""
    for text in said:
        match = re.match(r"\+CSQ: ?(\d{1,2}),", text)
        if match is not None and int(match[1]) <= 31:
            return -113 + 2 * int(match[1])
    return None
