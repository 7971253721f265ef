"""Rows that are only ever appended are linked: each carries a hash over itself and the row before.
Whoever changes, removes or inserts one afterwards breaks the chain there. Pure.

A chain shows nothing to who recomputes all of it from there on; that is what anchors are for: the
newest link, told to the log and kept with each copy (`ledger/chain_check.py` looks for it).
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

# Before the first row.
GENESIS: Final = b""
# The columns that are hashed, in this order; the row's number is not, its place is.
ENTRY_FIELDS: Final = ("at_ms", "topic", "subject", "fact", "actor", "reason", "region", "data")
AUDIT_FIELDS: Final = ("at_ms", "actor", "action", "object", "detail")

_encode = msgspec.json.Encoder().encode


def link(before: bytes, fields: Sequence[str | int | None]) -> bytes:
    """32 bytes: SHA-256 over the link before and the row's fields as a JSON list."""
    return hashlib.sha256(before + _encode(fields)).digest()
