"""The hub's own keys in its book, sealed: whoever serves this book signs push messages with the key
that browsers were registered with, and understands the links that another process made."""

import base64
from pathlib import Path
from typing import Final

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import select

from alarms import own_keys
from alarms.own_keys import REPLY_KEY_FILE, VAPID_KEY_FILE
from hearthwatch.clock import wall_ms
from hearthwatch.logs import say
from ledger.cursor import Connection
from ledger.database import upsert_sql
from ledger.schema import META
from ledger.sealing.at_connection import content_of, ring_of
from ledger.unit_of_work import UnitOfWork

# Whose key seals them; they tell of nobody.
OWNER: Final = "own-keys"
_AS: Final = "own-key:"
_FIND: Final = "SELECT value FROM meta WHERE key = ?"
_PUT: Final = upsert_sql(META)


def share(connection: Connection, folder: Path) -> None:
    """At a start, before any of them is used: the book's are ours, or become the book's."""
    own_keys.reply_key(folder)
    own_keys.vapid_key(folder)
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        for name in (REPLY_KEY_FILE, VAPID_KEY_FILE):
            _share(UnitOfWork(cursor, wall_ms()), folder / name)
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise


def _share(unit: UnitOfWork, path: Path) -> None:
    ours = path.read_bytes()
    found = unit.execute(_FIND, (_AS + path.name,)).fetchall()
    if not found:
        sealed = base64.b64encode(unit.seal.content(OWNER, ours)).decode()
        unit.execute(_PUT, (_AS + path.name, sealed))
        return
    ring = ring_of(unit.cursor)
    stored = base64.b64decode(found[0][0])
    its = stored if ring is None else ring.content(stored)
    # Empty where its key is not there: ours is all there is.
    if its and its != ours:
        own_keys.put(path, its)
        say(
            "own_key_taken",
            f"{path.name} {own_keys.fingerprint(its)}, the book's, in place of"
            f" {own_keys.fingerprint(ours)}, which is kept as {path.name}.before",
        )


def differing(connection: SqlConnection, folder: Path) -> list[str] | None:
    """Files that are others than the book's; None: the book has none yet."""
    found = connection.execute(select(META.c.key, META.c.value).where(META.c.key.startswith(_AS)))
    kept = {key.removeprefix(_AS): base64.b64decode(value) for key, value in found}
    if not kept:
        return None
    different = []
    for name, stored in sorted(kept.items()):
        path = folder / name
        its = content_of(connection, stored)
        if its and path.exists() and path.read_bytes() != its:
            different.append(f"{name} {own_keys.fingerprint(path.read_bytes())}")
    return different
