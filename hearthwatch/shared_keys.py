"""The hub's own keys in its book, sealed: whoever serves this book signs push messages with the key
that browsers were registered with, and understands the links that another process made."""

import base64
from pathlib import Path
from typing import Final

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import select

from alarms import contact_points, own_keys
from alarms.notifiers.web_push import SPEC as WEB_PUSH
from alarms.own_keys import VAPID_KEY_FILE
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
    made = {name for name in own_keys.FILES if not (folder / name).exists()}
    own_keys.reply_key(folder)
    own_keys.vapid_key(folder)
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        for name in own_keys.FILES:
            _share(UnitOfWork(cursor, wall_ms()), folder / name, name in made)
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise


def _share(unit: UnitOfWork, path: Path, made: bool) -> None:
    """`made`: a moment ago, because there was none."""
    ours = path.read_bytes()
    found = unit.execute(_FIND, (_AS + path.name,)).fetchall()
    if not found:
        _keep(unit, path.name, ours)
        if made:
            _end_registered(unit, path.name)
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


def renew(unit: UnitOfWork, name: str, actor: str) -> tuple[str, list[str]]:
    """A new one in the book, which each process takes at its next start: its fingerprint, and whose
    browsers must register again."""
    key = own_keys.fresh(name)
    _keep(unit, name, key)
    unit.audit(actor, "renewed_own_key", f"own_key:{name}", own_keys.fingerprint(key))
    return own_keys.fingerprint(key), _end_registered(unit, name)


def _end_registered(unit: UnitOfWork, name: str) -> list[str]:
    """Whose browsers were registered with another key. A push service would refuse them, and with
    the next call for help time would be lost: they are not tried before they register again."""
    if name != VAPID_KEY_FILE:
        return []
    return contact_points.mark_channel_dead(unit, WEB_PUSH.name, f"made for another {name}")


def _keep(unit: UnitOfWork, name: str, key: bytes) -> None:
    sealed = base64.b64encode(unit.seal.content(OWNER, key)).decode()
    unit.execute(_PUT, (_AS + name, sealed))


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
