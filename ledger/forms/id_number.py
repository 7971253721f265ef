"""The citizen identity number (公民身份号码) by GB 11643-1999. Pure."""

import datetime
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
LENGTH: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class IdNumber:
    """A valid number and what it says: `area` by GB/T 2260, `born` (ISO date), `sex` F or M."""

    text: str
    area: str
    born: str
    sex: str


def check_digit(first: str) -> str:
    """The last character that belongs to 17 digits (ISO 7064:1983 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first, strict=True))
    return _CHECKS[total % 11]


# A row of a list is looked at several times, one row after the other.
@lru_cache(maxsize=16)
def read(text: str) -> IdNumber | str:
    """The number, or a word for what is wrong: `length`, `digits`, `birthday`, `check_digit`.

    Spaces and a small x are forgiven. Numbers of 15 digits are no longer issued since 1999 and
    invalid since 2013; they are refused as `length`.
    """
    number = "".join(text.split()).upper()
    if len(number) != LENGTH:
        return "length"
    body, last = number[:-1], number[-1]
    if not (body.isascii() and body.isdigit() and (last in _CHECKS)):
        return "digits"
    try:
        born = datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "birthday"
    if check_digit(body) != last:
        return "check_digit"
    sex = "M" if int(number[16]) % 2 else "F"
    return IdNumber(text=number, area=number[:6], born=born.isoformat(), sex=sex)
