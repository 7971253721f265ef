"""A GSM modem with a SIM card, as a gateway finds it on a serial port: AT commands and PDU mode.

It reads what it is given to send by its own decoder (3GPP TS 23.040, 9.2.2.2, and TS 23.038), so
that a wrong encoder is noticed. Troubles are attributes that a story may change at any time.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_GSM: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# The characters that follow an escape, by what their codes are without one.
_MORE: Final = dict(zip("\nΛ()/<=>¡e", "\f^{}\\[~]|€", strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message that left: `part` of `parts` of the text that `reference` joins."""

    number: str
    text: str
    reference: int = 0
    part: int = 1
    parts: int = 1


@dataclass(slots=True)
class GsmModem:
    """`feed` takes what the gateway writes and gives what the modem answers."""

    echo: bool = True
    sim: str = "ready"  # ready, missing, locked
    pin: str = "1234"
    registered: bool = True
    only_lte: bool = False  # registered there, and CREG does not know
    signal: int = 17
    # Answers to the next messages: "" sends, "hang" says nothing, "no prompt", else the error.
    results: list[str] = field(default_factory=list)
    silent: bool = False
    sent: list[SentMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    pin_tries: int = 0
    _buffer: bytes = b""
    _expected_bytes: int | None = None
    _next_reference: int = 0

    def feed(self, data: bytes) -> bytes:
        out = b""
        for byte in data:
            out += self._byte(bytes((byte,)))
        return b"" if self.silent else out

    def restart(self) -> bytes:
        """The supply failed for a moment."""
        self.echo, self._buffer, self._expected_bytes = True, b"", None
        return b"\r\nRDY\r\n\r\n+CPIN: READY\r\n\r\nSMS Ready\r\n"

    def _byte(self, byte: bytes) -> bytes:
        if byte == b"\x1b":
            self._buffer, self._expected_bytes = b"", None
            return b""
        if self._expected_bytes is not None:
            return self._pdu(byte)
        if byte != b"\r":
            self._buffer += byte
            return b""
        line, self._buffer = self._buffer.decode("ascii", "replace").strip(), b""
        if not line:
            return b""
        self.commands.append(line)
        echoed = line.encode() + b"\r" if self.echo else b""
        return echoed + self._command(line.upper())

    def _command(self, line: str) -> bytes:
        if line.startswith("AT+CMGS="):
            if self.results and self.results[0] == "no prompt":
                self.results.pop(0)
                return b""
            self._expected_bytes = int(line.removeprefix("AT+CMGS="))
            return b"\r\n> "
        if line == "ATE0":
            self.echo = False
        if line == "AT+CPIN?":
            return self._sim()
        if line.startswith("AT+CPIN="):
            self.pin_tries += 1
            if line.removeprefix("AT+CPIN=") != self.pin:
                return _said("+CME ERROR: 16")
            self.sim = "ready"
        if line == "AT+CREG?":
            there = self.registered and not self.only_lte
            return _said(f"+CREG: 0,{1 if there else 2}", "OK")
        if line == "AT+CEREG?":
            return _said(f"+CEREG: 0,{5 if self.registered else 2}", "OK")
        if line == "AT+CSQ":
            return _said(f"+CSQ: {self.signal},99", "OK")
        return _said("OK") if line.startswith("AT") else _said("ERROR")

    def _sim(self) -> bytes:
        if self.sim == "missing":
            return _said("+CME ERROR: 10")
        return _said("+CPIN: READY" if self.sim == "ready" else "+CPIN: SIM PIN", "OK")

    def _pdu(self, byte: bytes) -> bytes:
        if byte != b"\x1a":
            self._buffer += byte
            return b""
        text, self._buffer = self._buffer.decode("ascii", "replace"), b""
        wanted, self._expected_bytes = self._expected_bytes, None
        result = self.results.pop(0) if self.results else ""
        if result == "hang":
            return b""
        if result:
            return _said(result)
        raw = bytes.fromhex(text)
        if len(raw) - 1 - raw[0] != wanted:
            return _said("+CMS ERROR: 304")
        self.sent.append(decoded(raw))
        self._next_reference = (self._next_reference + 1) % 256
        return _said(f"+CMGS: {self._next_reference}", "OK")


def report(number: str, reference: int, status: int) -> bytes:
    """What becomes of a message, some time later: 0 is delivered, 70 is not."""
    digits = number.removeprefix("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = bytes.fromhex(re.sub("(.)(.)", r"\2\1", padded))
    moment = bytes.fromhex("62114230210023")
    pdu = b"\x00\x06" + bytes((reference, len(digits), 0x91)) + swapped + moment * 2
    pdu += bytes((status,))
    return f"\r\n+CDS: {len(pdu) - 1}\r\n{pdu.hex().upper()}\r\n".encode()


def decoded(raw: bytes) -> SentMessage:
    """A SUBMIT with a relative validity, as phones send it."""
    at = 1 + raw[0]
    first, digits = raw[at], raw[at + 2]
    kind = raw[at + 3]
    at += 4
    number = re.sub("(.)(.)", r"\2\1", raw[at : at + (digits + 1) // 2].hex())[:digits]
    at += (digits + 1) // 2
    dcs, length = raw[at + 1], raw[at + 3]
    data = raw[at + 4 :]
    header = data[: data[0] + 1] if first & 0x40 else b""
    place = {}
    if header:
        place = {"reference": header[3], "parts": header[4], "part": header[5]}
    text = _ucs2(data, len(header), length) if dcs == 8 else _gsm(data, len(header), length)
    return SentMessage(number=("+" if kind == 0x91 else "") + number, text=text, **place)


def _ucs2(data: bytes, header: int, length: int) -> str:
    if length != len(data):
        raise ValueError(f"{length} octets announced, {len(data)} came")
    return data[header:].decode("utf-16-be")


def _gsm(data: bytes, header: int, length: int) -> str:
    bits = "".join(f"{byte:08b}"[::-1] for byte in data)
    first = -(-header * 8 // 7)
    codes = [int(bits[7 * n : 7 * n + 7][::-1], 2) for n in range(first, length)]
    text = "".join(_GSM[code] for code in codes)
    return re.sub("\x1b(.)", lambda match: _MORE.get(match[1], match[1]), text, flags=re.DOTALL)


def _said(*lines: str) -> bytes:
    return "".join(f"\r\n{line}\r\n" for line in lines).encode()
