"""Bytes of the blobs that the stores in SQLite and PostgreSQL keep. Pure.

A committed batch is one blob, so that a commit is one statement however many readings it holds:

    "HWb1" | n u32 | crc32 u32 | series u32 × n | moment ms i64 × n | value f64 × n

An hour of one series is one chunk:

    crc32 u32 | milliseconds into the hour u32 × n | value f64 × n

A journal of rule states repeats, behind "HWj1" | n u32 | crc32 u32:

    length of home u16, of rule u16, of state u32 | home | rule | state

All little-endian. The checksum covers what follows it; SQLite has none for pages at rest, and a
server's may be switched off.
"""

import struct
from array import array
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ingest.readings.port import RuleState

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_HEAD: Final = struct.Struct("<4sII")
_STATE: Final = struct.Struct("<HHI")
_CRC: Final = struct.Struct("<I")
_BATCH: Final = b"HWb1"
_JOURNAL: Final = b"HWj1"
ROW_BYTES: Final = 4 + 8 + 8
CHUNK_ROW_BYTES: Final = 4 + 8


# Of an hour of one series: milliseconds into the hour, values.
Columns = tuple[Ints, Floats]


class DamagedBlobError(ValueError):
    """The bytes are not what was written."""


class Rows(NamedTuple):
    """Readings as columns: series id, moment in ms, value."""

    series: Ints
    moments_ms: Ints
    values: Floats


EMPTY: Final = Rows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


def pack_batch(series: "array[int]", moments_ms: "array[int]", values: "array[float]") -> bytes:
    return pack_columns(
        np.frombuffer(series, np.uint32),
        np.frombuffer(moments_ms, np.int64),
        np.frombuffer(values, np.float64),
    )


def pack_columns(series: npt.NDArray[Any], moments_ms: Ints, values: Floats) -> bytes:
    """A batch of rows that are columns already."""
    body = b"".join(
        (
            series.astype("<u4", copy=False).tobytes(),
            moments_ms.astype("<i8", copy=False).tobytes(),
            values.astype("<f8", copy=False).tobytes(),
        )
    )
    return _HEAD.pack(_BATCH, len(series), crc32(body)) + body


def unpack_batch(blob: bytes) -> Rows:
    n = _open(blob, _BATCH)
    if len(blob) != _HEAD.size + ROW_BYTES * n:
        raise DamagedBlobError(f"batch of {n} rows in {len(blob)} bytes")
    at = _HEAD.size
    return Rows(
        np.frombuffer(blob, "<u4", n, at).astype(np.int64),
        np.frombuffer(blob, "<i8", n, at + 4 * n).astype(np.int64),
        np.frombuffer(blob, "<f8", n, at + 12 * n).astype(np.float64),
    )


def pack_chunks(offsets_ms: Ints, values: Floats, bounds: Sequence[tuple[int, int]]) -> list[bytes]:
    """One chunk for each [begin, end) of the columns."""
    offset_bytes = offsets_ms.astype("<u4").tobytes()
    value_bytes = values.astype("<f8", copy=False).tobytes()
    chunks = []
    for begin, end in bounds:
        body = offset_bytes[4 * begin : 4 * end] + value_bytes[8 * begin : 8 * end]
        chunks.append(_CRC.pack(crc32(body)) + body)
    return chunks


def unpack_chunk(blob: bytes) -> Columns:
    """(milliseconds into the hour, values) of a chunk."""
    n, rest = divmod(len(blob) - _CRC.size, CHUNK_ROW_BYTES)
    if n < 1 or rest or crc32(memoryview(blob)[_CRC.size :]) != _CRC.unpack_from(blob)[0]:
        raise DamagedBlobError(f"chunk of {len(blob)} bytes")
    at = _CRC.size
    return (
        np.frombuffer(blob, "<u4", n, at).astype(np.int64),
        np.frombuffer(blob, "<f8", n, at + 4 * n).astype(np.float64),
    )


def pack_states(rows: Sequence[RuleState]) -> bytes:
    parts = []
    for home, rule, state in rows:
        home_bytes, rule_bytes = home.encode(), rule.encode()
        parts += [
            _STATE.pack(len(home_bytes), len(rule_bytes), len(state)),
            home_bytes,
            rule_bytes,
            state,
        ]
    body = b"".join(parts)
    return _HEAD.pack(_JOURNAL, len(rows), crc32(body)) + body


def unpack_states(blob: bytes) -> list[RuleState]:
    n = _open(blob, _JOURNAL)
    rows = []
    at = _HEAD.size
    try:
        for _ in range(n):
            home_size, rule_size, state_size = _STATE.unpack_from(blob, at)
            home_at = at + _STATE.size
            rule_at = home_at + home_size
            state_at = rule_at + rule_size
            at = state_at + state_size
            rows.append(
                (blob[home_at:rule_at].decode(), blob[rule_at:state_at].decode(), blob[state_at:at])
            )
    except (struct.error, UnicodeDecodeError) as error:
        raise DamagedBlobError(str(error)) from error
    if at != len(blob):
        raise DamagedBlobError(f"journal of {n} states in {len(blob)} bytes")
    return rows


def _open(blob: bytes, magic: bytes) -> int:
    """The number of rows behind a head, after its checks."""
    if len(blob) < _HEAD.size:
        raise DamagedBlobError(f"{len(blob)} bytes")
    found, n, crc = _HEAD.unpack_from(blob)
    if found != magic:
        raise DamagedBlobError(f"begins with {found!r}")
    if crc != crc32(memoryview(blob)[_HEAD.size :]):
        raise DamagedBlobError("checksum does not match")
    return int(n)
