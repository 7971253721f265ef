"""What a request asks for: bounded texts, instants, lists of words, pages and cursors."""

import datetime
import re
from collections.abc import Iterable
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from contract.moment import EPOCH, from_iso
from dashboard.problems import bad_field

# A screen shows tens of rows; a page of 500 is for exports and tests.
LIMIT_MAX: Final = 500
LIMIT_DEFAULT: Final = 100
# The register of a county fits one answer, and the answer fits a browser.
REGISTER_LIMIT_MAX: Final = 5_000
REGISTER_LIMIT_DEFAULT: Final = 1_000

DAY_MS: Final = 86_400_000

# Control characters break logs and PostgreSQL (NUL); line breaks and tabs belong into notes.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(text: str) -> str:
    """The text; ValueError when it can't be stored or would break a log."""
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    # A lone surrogate can come out of a JSON escape and cannot be stored.
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("this is not valid Unicode text")
    return text


Word = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(clean)]
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean)]
Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(clean)]
# Why something was changed: a sentence, so that somebody in a year understands.
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=500),
    AfterValidator(clean),
]

PathId = Annotated[str, Path(max_length=160), AfterValidator(clean)]
QueryWord = Annotated[str | None, Query(max_length=200)]
# `from` is a word of Python.
FromTime = Annotated[str | None, Query(alias="from", max_length=64)]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
RegisterLimit = Annotated[int, Query(ge=1, le=REGISTER_LIMIT_MAX)]
# The largest integer of the tables' columns.
Number = Annotated[int | None, Query(ge=0, le=2**63 - 1)]


class Body(BaseModel):
    """A request's body; keys that mean nothing are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def words(text: str | None, allowed: Iterable[str], field: str) -> list[str]:
    """A comma-separated list of allowed words; empty when not asked for."""
    if not text:
        return []
    chosen = [word.strip() for word in text.split(",")]
    permitted = list(allowed)
    if not set(chosen) <= set(permitted):
        raise bad_field(field, f"one or several of {', '.join(permitted)}")
    return chosen


def instant_ms(text: str | None, field: str) -> int | None:
    """An RFC 3339 time as milliseconds. A `+` that a URL turned into a space is understood."""
    if text is None:
        return None
    try:
        return from_iso(text.strip().replace(" ", "+"))
    except (ValueError, OverflowError):
        detail = "an RFC 3339 time with an offset, as 2026-11-23T08:00:00Z"
        raise bad_field(field, detail) from None


def span_ms(from_: str | None, to: str | None, now_ms: int, *, default_ms: int) -> tuple[int, int]:
    """[from, to) with the last `default_ms` when nothing is said."""
    to_ms = instant_ms(to, "to")
    if to_ms is None:
        to_ms = now_ms + 1
    from_ms = instant_ms(from_, "from")
    if from_ms is None:
        from_ms = max(0, to_ms - default_ms)
    if from_ms >= to_ms:
        raise bad_field("from", "`from` lies before `to`")
    return from_ms, to_ms


def day_start_ms(now_ms: int, timezone: str) -> int:
    """Midnight of the day of `now_ms` in this time zone."""
    local = (EPOCH + datetime.timedelta(milliseconds=now_ms)).astimezone(ZoneInfo(timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - EPOCH) // datetime.timedelta(milliseconds=1)


def local_day(now_ms: int, timezone: str) -> datetime.date:
    """The day of `now_ms` in this time zone."""
    return (EPOCH + datetime.timedelta(milliseconds=now_ms)).astimezone(ZoneInfo(timezone)).date()


def like(text: str) -> str:
    """A pattern that finds this text anywhere; escape character `\\`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
