"""PostgreSQL's binary COPY, written as columns. Pure.

    "PGCOPY\\n\\377\\r\\n\\0" | flags i32 | length of extension i32
    a row: number of fields i16, then of each field its length i32 (-1: NULL) and its bytes
    the end: -1 i16

All big-endian (PostgreSQL's documentation, COPY, "Binary Format").
"""

import struct
from typing import Any, Final

import numpy as np

from ingest.readings.folding import Folded
from ingest.readings.rollup import BUCKET_BITS, BUCKET_MASK

BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
END: Final = struct.pack(">h", -1)

_CHUNK: Final = struct.Struct(">hiiiii")
_HOUR: Final = np.dtype(
    [
        ("fields", ">i2"),
        *(
            part
            for name, form in (
                ("series", ">i4"),
                ("hour", ">i4"),
                ("n", ">i4"),
                ("low", ">f8"),
                ("high", ">f8"),
                ("total", ">f8"),
            )
            for part in ((f"{name}_bytes", ">i4"), (name, form))
        ),
    ]
)


def chunk_rows(hours: Folded) -> bytes:
    """Rows of (series, hour, body)."""
    parts: list[bytes] = []
    pack = _CHUNK.pack
    for key, body in zip(hours.keys.tolist(), hours.bodies, strict=True):
        parts.append(pack(3, 4, key >> BUCKET_BITS, 4, key & BUCKET_MASK, len(body)))
        parts.append(body)
    return b"".join(parts)


def hour_rows(hours: Folded) -> bytes:
    """Rows of (series, hour, n, low, high, total)."""
    keys = hours.keys
    rows = np.empty(keys.size, _HOUR)
    rows["fields"] = 6
    columns: dict[str, Any] = {
        "series": keys >> BUCKET_BITS,
        "hour": keys & BUCKET_MASK,
        "n": hours.counts,
        "low": hours.lows,
        "high": hours.highs,
        "total": hours.totals,
    }
    for name, values in columns.items():
        rows[name] = values
        rows[f"{name}_bytes"] = _HOUR[name].itemsize
    return rows.tobytes()
