"""Presses and readings to feed a gateway's spool with, told apart by a number."""

import uuid
from collections.abc import Callable

from contract.item import Item, Measurement

NOW_MS = 1_795_420_800_000


def press(number: int, at_ms: int = NOW_MS) -> Measurement:
    return Measurement(
        device=f"button-{number}",
        kind="sos",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        attrs={"action": "press", "note": "老人按了呼救"},
    )


def reading(number: int, *, padding: int = 0, at_ms: int = NOW_MS) -> Measurement:
    return Measurement(
        device=f"meter-{number}",
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"energy_kwh": float(number)},
        attrs={f"padding{part}": "x" * 200 for part in range(padding)},
    )


def item(seq: int) -> Item:
    """As the spool would number it; for tests without a spool."""
    return Item(
        id=f"id-{seq}",
        seq=seq,
        device=f"button-{seq}",
        kind="sos",
        measured_at_ms=NOW_MS,
        received_at_ms=NOW_MS,
        attrs={"action": "press"},
    )


def uuids(first: int = 1) -> Callable[[], uuid.UUID]:
    """Draws first, first + 1, … : known in advance, never twice."""
    drawn = iter(range(first, 1 << 32))
    return lambda: uuid.UUID(int=next(drawn))
