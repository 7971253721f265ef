"""What could not be read is kept with its reason and shown to a person; nothing is dropped.

A message that comes again is the same row with a higher count (its source and digest are the
key), so that a gateway that resends for ever costs one row.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from ledger.database import insert_sql
from ledger.schema import QUARANTINE
from ledger.unit_of_work import UnitOfWork

# Raw bytes kept of one message: enough to see what it was; its full size is noted beside it.
RAW_BYTES_MAX: Final = 4096
# Rows kept; the oldest make room (a flood of garbage must not fill the disk).
ROWS_MAX: Final = 10_000

_INSERT: Final = insert_sql(
    QUARANTINE,
    ("at_ms", "source", "gateway", "code", "detail", "raw", "size", "digest", "count"),
    'ON CONFLICT (source, digest) DO UPDATE SET "count" = quarantine."count" + 1,'
    ' "at_ms" = excluded."at_ms"',
)
_TRIM: Final = "DELETE FROM quarantine WHERE seq <= (SELECT max(seq) FROM quarantine) - ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """One message or item that broke the contract."""

    source: str
    gateway: str | None
    code: str
    detail: str
    raw: bytes


def keep(unit: UnitOfWork, found: Unreadable) -> bool:
    """Write it down; True when it was not there yet."""
    digest = hashlib.sha256(found.raw).hexdigest()
    before = unit.execute(
        "SELECT 1 FROM quarantine WHERE source = ? AND digest = ?", (found.source[:160], digest)
    ).fetchone()
    unit.execute(
        _INSERT,
        (
            unit.now_ms,
            found.source[:160],
            found.gateway,
            found.code,
            found.detail[:500],
            found.raw[:RAW_BYTES_MAX],
            len(found.raw),
            digest,
            1,
        ),
    )
    if before is None:
        unit.execute(_TRIM, (ROWS_MAX,))
    return before is None
