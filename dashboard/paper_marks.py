"""What stands on everything that is printed: when, by whom, and a number that is on the trail as
well, so that whoever finds a sheet finds who took it."""

import hashlib
from dataclasses import dataclass
from typing import Final

from dashboard.callers import Caller
from ledger.documents.sheets import local

_MINUTE_MS: Final = 60_000
# Of one account, one thing and one minute there is one number; of all of a year's none twice.
_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`foot` is for the paper, `number` for the trail; `at_ms` is the paper's time."""

    number: str
    foot: str
    at_ms: int


def mark_of(caller: Caller, what: str, now_ms: int) -> Mark:
    """Twice within a minute is the same document, made once, and has one number."""
    at_ms = now_ms - now_ms % _MINUTE_MS
    told = hashlib.sha256(f"{caller.username}\n{what}\n{at_ms}".encode()).hexdigest()
    number = f"P{local(at_ms):%Y%m%d}-{told[:_DIGITS].upper()}"
    who = f"{caller.name}（{caller.username}）"
    foot = f"打印：{local(at_ms):%Y-%m-%d %H:%M}　{who}　编号 {number}"
    return Mark(number=number, foot=foot, at_ms=at_ms)
