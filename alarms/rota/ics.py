"""A person's shifts as an iCalendar document (RFC 5545). Pure.

The UID of a shift is made of its key and its person, so that a change moves the event in the
calendar and makes no second one; a shift that is gone is not in the document any more.
"""

import datetime
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from alarms.rota.model import Shift
from contract.ids import name_uuid
from contract.moment import EPOCH
from rules.local_time import ZONE_MS

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
# RFC 5545, 3.1: a line has at most 75 octets without its end.
LINE_OCTETS_MAX: Final = 75
ZONE: Final = "Asia/Shanghai"
_NAMESPACE: Final = uuid.UUID("1b1d4d4e-2f0a-5a5e-9e57-7d0d3c2a8b61")
_HEAD: Final = (
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//hearthwatch//rota//ZH",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
)
# One zone without summer time since 1991.
_ZONE_LINES: Final = (
    "BEGIN:VTIMEZONE",
    f"TZID:{ZONE}",
    "BEGIN:STANDARD",
    "DTSTART:19910915T000000",
    "TZOFFSETFROM:+0900",
    "TZOFFSETTO:+0800",
    "TZNAME:CST",
    "END:STANDARD",
    "END:VTIMEZONE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    shift: Shift
    title: str
    place: str
    notes: str


def calendar(
    name: str, person: str, events: Iterable[CalendarEvent], *, now_ms: int, refresh: str = "PT1H"
) -> str:
    """The document; `now_ms` is when it was made, `refresh` how often it wants to be read again."""
    lines = [
        *_HEAD,
        f"X-WR-CALNAME:{escaped(name)}",
        f"X-WR-TIMEZONE:{ZONE}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{refresh}",
        f"X-PUBLISHED-TTL:{refresh}",
        *_ZONE_LINES,
    ]
    for event in events:
        lines += _event(event, person, now_ms)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def uid(shift: Shift, person: str) -> str:
    return f"{name_uuid(_NAMESPACE, f'{shift.key}|{person}')}@hearthwatch"


def escaped(text: str) -> str:
    """RFC 5545, 3.3.11: text with what means something made plain."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n")):
        text = text.replace(plain, written)
    return text.replace("\r", "\n").replace("\n", "\\n")


def folded(line: str) -> Iterator[str]:
    """A line in pieces of 75 octets; no character is cut, a following piece begins with a space."""
    piece, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > LINE_OCTETS_MAX:
            yield piece
            piece, octets = " ", 1
        piece += character
        octets += size
    yield piece


def _event(event: CalendarEvent, person: str, now_ms: int) -> list[str]:
    shift = event.shift
    return [
        "BEGIN:VEVENT",
        f"UID:{uid(shift, person)}",
        f"DTSTAMP:{_utc(now_ms)}",
        f"DTSTART;TZID={ZONE}:{_local(shift.start_ms)}",
        f"DTEND;TZID={ZONE}:{_local(shift.end_ms)}",
        f"SUMMARY:{escaped(event.title)}",
        f"LOCATION:{escaped(event.place)}",
        f"DESCRIPTION:{escaped(event.notes)}",
        "CATEGORIES:值班",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    ]


def _utc(at_ms: int) -> str:
    return f"{_text(at_ms)}Z"


def _local(at_ms: int) -> str:
    return _text(at_ms + ZONE_MS)


def _text(at_ms: int) -> str:
    return (EPOCH + datetime.timedelta(milliseconds=at_ms)).strftime("%Y%m%dT%H%M%S")
