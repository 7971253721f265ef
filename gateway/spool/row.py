"""One row of the spool: a measurement as bytes on the disk, and back. No I/O.

body: the item's JSON as it crosses the wire; with a `stamp` beside it when the clock was doubtful,
which stays here (`gateway.boot_time`). crc: CRC-32 of the body, because SQLite doesn't
notice a flipped bit.
"""

import json
import math
import uuid
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from contract.codec import item_document
from contract.errors import ContractError
from contract.ids import item_id, safe_name
from contract.item import Item, Measurement, Scalar, check_measurement
from contract.kinds import ACTIONS, KINDS
from contract.moment import MAX_MS, MIN_MS, from_iso
from gateway.boot_time import Stamp, StampedItem, stamped

# Bytes a row costs beside its body: numbers, the id, page overhead; a round guess for the cap.
ROW_OVERHEAD_BYTES: Final = 96
# Characters of a refused activation's attributes that are kept when it is made bearable.
KEPT_TEXT_MAX: Final = 64


class Row(NamedTuple):
    seq: int
    id: str
    body: bytes
    crc: int

    @property
    def size(self) -> int:
        return len(self.body) + ROW_OVERHEAD_BYTES


def numbered(
    measurement: Measurement, spool: uuid.UUID, seq: int, stamp: Stamp | None = None
) -> Item:
    item = Item(
        id=item_id(spool, seq, measurement.received_at_ms),
        seq=seq,
        device=measurement.device,
        kind=measurement.kind,
        measured_at_ms=measurement.measured_at_ms,
        received_at_ms=measurement.received_at_ms,
        values=measurement.values,
        attrs=measurement.attrs,
    )
    return item if stamp is None else stamped(item, stamp)


def encode(item: Item) -> Row:
    """ValueError or TypeError for what `check` would have refused."""
    document = item_document(item)
    if isinstance(item, StampedItem):
        stamp = item.stamp
        document["stamp"] = {"boot": stamp.boot, "at_ms": stamp.at_ms, "own": stamp.own}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Row(item.seq, item.id, body, zlib.crc32(body))


def decode(row: Row) -> Item | None:
    """The item of a row, or None when the bytes are not those that were written."""
    if zlib.crc32(row.body) != row.crc:
        return None
    try:
        found = json.loads(row.body)
        item = Item(
            id=found["id"],
            seq=found["seq"],
            device=found["device"],
            kind=found["kind"],
            measured_at_ms=from_iso(found["measured_at"]),
            received_at_ms=from_iso(found["received_at"]),
            values=found["values"],
            attrs=found["attrs"],
        )
        if "stamp" in found:
            told = found["stamp"]
            stamp = Stamp(boot=told["boot"], at_ms=int(told["at_ms"]), own=bool(told["own"]))
            item = stamped(item, stamp)
    except (ValueError, KeyError, TypeError):
        return None
    return item if (item.seq, item.id) == (row.seq, row.id) else None


def check(measurement: Measurement) -> None:
    """ContractError unless this can be stored, sent and read again unchanged."""
    check_measurement(measurement)
    for at_ms in (measurement.measured_at_ms, measurement.received_at_ms):
        if not MIN_MS <= at_ms <= MAX_MS:
            raise ContractError("bad_time", f"{at_ms} ms is outside 1970-2199")
    for name, value in measurement.attrs.items():
        if not isinstance(value, str | int | float | bool):
            raise ContractError("bad_field", f"attrs.{name[:40]} is {type(value).__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ContractError("not_finite", f"attrs.{name[:40]} is {value}")
        for text in (name, value):
            if isinstance(text, str) and not _encodable(text):
                raise ContractError("bad_text", f"attrs.{name[:40]!a} holds half a character")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def bearable(measurement: Measurement, code: str, now_ms: int) -> Measurement | None:
    """A refused activation cut down to what nobody can refuse: who, what and when.

    A press must reach a human even if the driver garnished it wrongly. None for readings: a
    wrong value is worth less than no value.
    """
    if measurement.kind not in KINDS or not measurement.urgent:
        return None
    attrs: dict[str, Scalar] = {"stripped": code[:KEPT_TEXT_MAX]}
    attrs.update(_kept(measurement.attrs))
    return Measurement(
        device=safe_name(measurement.device.encode(errors="replace").decode()),
        kind=measurement.kind,
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        attrs=attrs,
    )


def _kept(attrs: Mapping[str, Scalar]) -> dict[str, Scalar]:
    kept: dict[str, Scalar] = {}
    if attrs.get("action") in ACTIONS:
        kept["action"] = attrs["action"]
    if "fault" in attrs:
        kept["fault"] = str(attrs["fault"]).encode(errors="replace").decode()[:KEPT_TEXT_MAX]
    return kept
