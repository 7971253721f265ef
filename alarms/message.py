"""What people are told, as the outbox keeps it: whole texts, and the words they were made of.

A provider of short messages or calls takes no text but an approved template and its words. Pure.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

# A short message in Chinese (UCS-2): one of 70 units, or parts of 67 (3GPP TS 23.040, 9.2.3.24.1).
SMS_UNITS: Final = 70
SMS_PART_UNITS: Final = 67


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`kind`: alarm, code, test or opened. `short`: fits one short message. `words`: for templates.
    `alarm`: its id, for what opens it inside the login; `reply`: the token of the reply link."""

    kind: str
    title: str
    text: str
    short: str
    words: dict[str, str] = field(default_factory=dict)
    link: str = ""
    alarm: str = ""
    reply: str = ""
    urgent: bool = False
    language: str = "zh-CN"


def encode(message: Message) -> str:
    return msgspec.json.encode(message).decode()


def decode(body: str) -> Message:
    """ValueError when it is none."""
    try:
        return msgspec.json.decode(body, type=Message)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a message: {error}") from error


def sms_units(text: str) -> int:
    """UCS-2 units: what lies beyond the basic plane counts twice."""
    return len(text.encode("utf-16-be")) // 2


def sms_parts(text: str) -> int:
    units = sms_units(text)
    return 1 if units <= SMS_UNITS else -(-units // SMS_PART_UNITS)


# The words that an approved template may ask for (docs/notifications.md).
WORDS: Final = frozenset({"number", "kind", "place", "who", "time", "link", "token", "code"})
