"""A row of a readings file, cell by cell: what each must be, and what is said when it isn't."""

import difflib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from contract.item import Scalar
from contract.kinds import KINDS, STORED_ATTRS
from contract.moment import EPOCH, MAX_MS

COLUMNS: Final = ("home", "device", "kind", "measured_at", "field", "value")
# Heartbeats of gateways are no items, but the rules see them.
STATUS: Final = "status"
# Fields that are attributes: text, or numbers that are no measurement.
ATTRIBUTES: Final = frozenset(
    {
        "action",
        "body_movement",
        "cuff_fit",
        "fault",
        "interval_s",
        "irregular_pulse",
        "online",
        "retained",
        "user",
    }
)
_NONE: Final[frozenset[str]] = frozenset()
# Integers from here on are Unix milliseconds, below it seconds (until the year 5138).
MS_FROM: Final = 100_000_000_000


class BadRow(ValueError):  # noqa: N818 - it is a row, told to whoever wrote the file
    """A row or header that says nothing usable, and why."""


class Layout(NamedTuple):
    """Where the columns of `COLUMNS` are, in their order, and how many cells a row has."""

    order: tuple[int, ...]
    cells: int

    @property
    def needed(self) -> int:
        return max(self.order) + 1


class RowParts(NamedTuple):
    """A row that can be used; `text` of an attribute, else `value` counts."""

    home: str
    series: tuple[str, str, str]
    at_ms: int
    value: float
    text: str | None


def layout_of(cells: Sequence[str]) -> Layout:
    """Find the columns in a header; BadRow when one is missing."""
    names = [cell.strip().lower() for cell in cells]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadRow(f"columns missing: {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
    return Layout(tuple(names.index(name) for name in COLUMNS), len(names))


def parts_of(cells: Sequence[str], layout: Layout) -> RowParts:
    """Read a row; BadRow says what is wrong with it."""
    if len(cells) < layout.needed:
        raise BadRow(f"{len(cells)} cells, expected {layout.needed}")
    home, device, kind, measured_at, name, value = (cells[i].strip() for i in layout.order)
    check_names(home, device, kind, name)
    at_ms = moment_ms(measured_at)
    if name in ATTRIBUTES:
        if not value.isascii():
            _check_text(value)
        return RowParts(home, (device, kind, name), at_ms, 0.0, value)
    return RowParts(home, (device, kind, name), at_ms, number_of(value), None)


def check_names(home: str, device: str, kind: str, name: str) -> None:
    """BadRow when a name is missing or not known."""
    if not home or not device:
        raise BadRow("no home or device")
    for text in (home, device):
        if not text.isascii():
            _check_text(text)
    if kind == STATUS:
        allowed: frozenset[str] = ATTRIBUTES
    elif kind in KINDS:
        allowed = KINDS[kind].values | ATTRIBUTES | STORED_ATTRS.get(kind, _NONE)
    else:
        raise BadRow(f"unknown kind {kind!r}{_nearest(kind, KINDS)}")
    if name not in allowed:
        raise BadRow(f"unknown field {name!r} of kind {kind}{_nearest(name, allowed)}")


def moment_ms(text: str) -> int:
    """RFC 3339 or Unix time as milliseconds; BadRow outside 1970 to 2199."""
    at_ms = _moment(text)
    if not 0 <= at_ms <= MAX_MS:
        raise BadRow(f"measured_at {text!r} is not between 1970 and 2199")
    return at_ms


def number_of(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise BadRow(f"value {text[:40]!r} is no number") from error
    if not math.isfinite(number):
        raise BadRow(f"value {text[:40]!r} is not finite")
    return number


def scalar_of(text: str) -> Scalar:
    """What an attribute's text means."""
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow("not UTF-8") from None


def _moment(text: str) -> int:
    try:
        number = float(text)
        return int(number) if number >= MS_FROM else round(number * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRow(f"measured_at {text[:40]!r} is no time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round((moment - EPOCH).total_seconds() * 1000)


def _nearest(name: str, allowed: Mapping[str, object] | frozenset[str]) -> str:
    near = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""
