"""P1 telegrams: found in a byte stream, checked, taken apart. Nothing about what they mean.

    /ISk5\\2MT382-1000        identification
    (empty line)
    1-0:1.8.1(000004.427*kWh)  OBIS reference, values in brackets, unit behind the star
    !6EEF                      CRC of everything from / to ! inclusive; empty before DSMR 4

Source: DSMR P1 Companion Standard 5.0.2, section 5.2 and 6 (IEC 62056-21 mode D); the CRC is
CRC-16/ARC (polynomial A001 reversed, start 0), and some meters leave out its leading zeros. The
devices that follow the older standard append bytes of their own behind the end line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.crc16 import crc16
from gateway.driver import RAW_SHOWN_MAX, Undecodable

# A DSMR 5 telegram with four other meters and the longest text message (2048 digits) has 5 KB.
TELEGRAM_BYTES_MAX: Final = 8192
LINES_MAX: Final = 200
CRC_START: Final = 0
_START: Final = b"/"
# Without one of them nothing begins or ends.
_MARK: Final = re.compile(rb"[/\n]")
_END: Final = re.compile(rb"!([0-9A-Fa-f]{0,4})\x00?\r?\n")
_END_OF_INPUT: Final = re.compile(rb"!([0-9A-Fa-f]{0,4})\Z")
_LINE: Final = re.compile(
    r"(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3})(\*\d{1,3})?((?:\([^()]*\))+)\Z"
)
# Group F of a reference (IEC 62056-61): of now, or left out by most meters.
_CURRENT: Final = (None, "*255")
# Where a telegram tells its version: in the Netherlands, in Belgium (e-MUCS-P1).
_VERSIONS: Final = ("1-3:0.2.8", "0-0:96.1.4")
_MORE: Final = re.compile(r"(?:\([^()]*\))+\Z")
_VALUE: Final = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """A checked telegram. crc: as it was sent, None when it was sent without."""

    identification: str
    objects: Mapping[str, Sequence[str]]
    crc: str | None


@dataclass(slots=True)
class Framer:
    """Finds telegrams in bytes as they come; holds at most one unfinished telegram."""

    junk_bytes: int = 0
    _buffer: bytes = field(default=b"")

    def feed(self, data: bytes) -> list[Telegram | Undecodable]:
        found: list[Telegram | Undecodable] = []
        buffer = self._buffer + data
        if self._buffer and len(buffer) <= TELEGRAM_BYTES_MAX and not _MARK.search(data):
            # Inside a telegram, as nearly always: what came before was looked through already.
            self._buffer = buffer
            return found
        while True:
            start = buffer.find(_START)
            if start < 0:
                self.junk_bytes += len(buffer)
                buffer = b""
                break
            self.junk_bytes += start
            buffer = buffer[start:]
            end = _END.search(buffer)
            again = buffer.find(_START, 1)
            if again > 0 and (end is None or again < end.start()):
                # A new telegram began before this one ended.
                found.append(_incomplete(buffer[:again]))
                buffer = buffer[again:]
            elif end is not None and end.end() <= TELEGRAM_BYTES_MAX:
                found.append(take_apart(buffer[: end.end()], end))
                buffer = buffer[end.end() :]
            elif len(buffer) > TELEGRAM_BYTES_MAX:
                found.append(_too_long(buffer))
                buffer = buffer[1:]
            else:
                break
        self._buffer = buffer
        return found

    def flush(self) -> list[Telegram | Undecodable]:
        """The line went quiet: a telegram may lack its last line end, anything else was cut."""
        rest, self._buffer = self._buffer, b""
        if not rest:
            return []
        end = _END_OF_INPUT.search(rest)
        return [_incomplete(rest) if end is None else take_apart(rest, end)]

    @property
    def buffered_bytes(self) -> int:
        return len(self._buffer)


def take_apart(raw: bytes, end: "re.Match[bytes]") -> Telegram | Undecodable:
    """The telegram in `raw`, which begins with / and ends where `end` was found."""
    sent = end.group(1).decode("ascii")
    content = raw[: end.start() + 1]
    computed = crc16(content, CRC_START)
    if sent and int(sent, 16) != computed:
        return Undecodable(
            code="crc",
            detail=f"CRC {sent}, computed {computed:04X}",
            raw=raw[:RAW_SHOWN_MAX],
            fields={"invalid": "crc", "crc": sent, "computed": f"{computed:04X}"},
        )
    # Bytes beyond ASCII stand in no OBIS line; where a CRC vouches for them they are free text.
    lines = content[1:-1].decode("latin-1").split("\n")
    objects: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in (text.rstrip("\r") for text in lines[1 : LINES_MAX + 1]):
        if not line:
            continue
        match = _LINE.match(line)
        if match is not None:
            reference, period, values = match.groups()
            last = _VALUE.findall(values)
            # A value of an earlier period is not the register's.
            key = reference if period in _CURRENT else reference + period
            objects.setdefault(key, last)
        elif last is not None and _MORE.match(line):
            last += _VALUE.findall(line)
        elif not sent:
            return _bad_line(raw, f"not an OBIS line: {line[:60]!r}")
    if len(lines) > LINES_MAX or not objects:
        return _bad_line(raw, f"{len(lines)} lines, {len(objects)} of them with a value")
    if not sent and any(version in objects for version in _VERSIONS):
        # Only telegrams older than DSMR 4 have no CRC, and those don't tell their version.
        return _bad_line(raw, "a telegram of DSMR 4 or 5 without its CRC")
    return Telegram(
        identification=lines[0].strip(),
        objects=objects,
        crc=sent or None,
    )


def _bad_line(raw: bytes, detail: str) -> Undecodable:
    shown = raw[:RAW_SHOWN_MAX]
    return Undecodable(code="bad_telegram", detail=detail, raw=shown, fields={"invalid": "line"})


def _incomplete(raw: bytes) -> Undecodable:
    return Undecodable(
        code="incomplete",
        detail=f"a telegram began and {len(raw)} bytes came without its end",
        raw=raw[:RAW_SHOWN_MAX],
        fields={"incomplete": True},
    )


def _too_long(raw: bytes) -> Undecodable:
    return Undecodable(
        code="too_long",
        detail=f"no end within {TELEGRAM_BYTES_MAX} bytes",
        raw=raw[:RAW_SHOWN_MAX],
        fields={"incomplete": True},
    )
