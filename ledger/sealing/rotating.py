"""A new key in the key file, and every owner's key wrapped by it: portion by portion beside a
running hub, which reads the file again when it meets a key that it does not know. What is sealed
stays as it is: only the keys are wrapped anew.
"""

import os
from typing import Final

from ledger.cursor import Cursor
from ledger.sealing import key_file, tokens
from ledger.sealing.key_file import Keys
from ledger.sealing.ring import Ring
from ledger.sealing.tokens import BrokenSeal

PORTION: Final = 500
_OTHERS: Final = (
    "SELECT owner, kek, wrapped FROM person_key WHERE wrapped IS NOT NULL AND kek <> ?"
    " ORDER BY owner LIMIT ?"
)
_WRAP: Final = "UPDATE person_key SET kek = ?, wrapped = ? WHERE owner = ? AND kek = ?"
_USED: Final = (
    "SELECT kek, count(*) FROM person_key WHERE wrapped IS NOT NULL GROUP BY kek ORDER BY kek"
)


def add_key(ring: Ring, now_ms: int) -> Keys:
    """The file first: a key in the book that no file has would be lost. KeyFileError."""
    key_file.write(ring.path, key_file.with_another(ring.read_again(), now_ms))
    return ring.read_again()


def rewrap(cursor: Cursor, keys: Keys) -> int:
    """A portion in the caller's transaction; 0: all are wrapped by the newest. BrokenSeal: one is
    damaged, or its key is not in the file."""
    new = keys.newest
    rows = cursor.execute(_OTHERS, (new.id, PORTION)).fetchall()
    for owner, kek_id, wrapped in rows:
        old = keys.kek(str(kek_id))
        if old is None:
            raise BrokenSeal(f"{owner} is wrapped by {kek_id}, which the key file does not have")
        key = tokens.unwrapped(old.cipher, old.id, str(owner), bytes(wrapped))
        nonce = os.urandom(tokens.NONCE_BYTES)
        again = tokens.wrapped(new.cipher, new.id, str(owner), key, nonce)
        cursor.execute(_WRAP, (new.id, again, owner, old.id))
    return len(rows)


def used(cursor: Cursor) -> dict[str, int]:
    """By key of the file how many owners' keys it wraps."""
    return {str(kek): int(count) for kek, count in cursor.execute(_USED).fetchall()}


def drop_unused(cursor: Cursor, ring: Ring) -> tuple[str, ...]:
    """Take keys that wrap nothing any more out of the file; returns their names. Copies of the book
    that were made before then open only with a copy of the file."""
    keys = ring.read_again()
    there = used(cursor)
    gone = tuple(kek.id for kek in keys.keks[:-1] if kek.id not in there)
    if gone:
        key_file.write(ring.path, key_file.without(keys, frozenset(gone)))
        ring.read_again()
    return gone
