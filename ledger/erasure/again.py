"""At a hub's start and after a restore: who was erased stays erased, whatever copy came back."""

from typing import Final

from ledger.cursor import Connection
from ledger.erasure import kept
from ledger.erasure.erasing import Erasure, erase
from ledger.erasure.kept import KeptErasure
from ledger.sealing.ring import Ring
from ledger.unit_of_work import SYSTEM, UnitOfWork

WHY: Final = "erased before; a copy that was made earlier came back"

_ERASED: Final = (
    "SELECT owner, erased_at_ms, erased_by FROM person_key"
    " WHERE wrapped IS NULL AND erased_at_ms IS NOT NULL"
)
_LIVING: Final = (
    "SELECT p.home, h.region, (SELECT count(*) FROM service_user o WHERE o.home = p.home"
    " AND o.id <> p.id AND o.erased_at_ms IS NULL)"
    " FROM service_user p JOIN home h ON h.id = p.home WHERE p.id = ? AND p.erased_at_ms IS NULL"
)


def erase_again(connection: Connection, ring: Ring, now_ms: int) -> int:
    """How many had come back. KeptError."""
    path = kept.beside(ring.path)
    known = {one.person: one for one in kept.read(path)}
    cursor = connection.cursor()
    found = {
        str(owner): KeptErasure(person=str(owner), at_ms=int(at_ms), actor=str(by or SYSTEM))
        for owner, at_ms, by in cursor.execute(_ERASED).fetchall()
        if not str(owner).startswith("home:")
    }
    kept.keep(path, (one for name, one in sorted(found.items()) if name not in known))
    again = 0
    for person in sorted(known):
        again += _erase(connection, ring, person, now_ms)
    return again


def _erase(connection: Connection, ring: Ring, person: str, now_ms: int) -> bool:
    """In a transaction of its own: True when she had come back."""
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        living = cursor.execute(_LIVING, (person,)).fetchone()
        owners: tuple[str, ...] = ()
        if living is not None:
            home, region, others = living
            owners = erase(
                UnitOfWork(cursor, now_ms),
                Erasure(
                    person=person,
                    home=home,
                    region=region,
                    with_home=others == 0,
                    actor=SYSTEM,
                    reason=WHY,
                ),
            )
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    for owner in owners:
        ring.forget(owner)
    return living is not None
