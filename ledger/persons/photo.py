"""A person's own photo, by which who comes knows her: one a person, kept while she agrees to it.

In the writer's thread. A face is nobody's to keep without asking (Personal Information Protection
Law of the PRC, articles 29 and 47): one is taken only where a consent to photographs holds, and is
gone in the same transaction that ends the last such consent.
"""

from dataclasses import dataclass
from typing import Final

from ledger.database import upsert_sql
from ledger.persons.asking import must_be_given, state_of
from ledger.persons.telling import told
from ledger.schema import PERSON_PHOTO
from ledger.unit_of_work import UnitOfWork

PURPOSE: Final = "photo"
_COLUMNS: Final = tuple(str(column.name) for column in PERSON_PHOTO.columns)
_STORE: Final = upsert_sql(PERSON_PHOTO)
_NAME: Final = "SELECT photo FROM service_user WHERE id = ?"
_POINT: Final = "UPDATE service_user SET photo = ? WHERE id = ?"
_DELETE: Final = "DELETE FROM person_photo WHERE person = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhoto:
    """`content` as it is kept (drawn anew, without what the camera wrote)."""

    person: str
    mime: str
    content: bytes
    sha256: str
    width: int
    height: int


def keep(unit: UnitOfWork, new: NewPhoto, region: str, actor: str, day: str) -> bool:
    """In the place of the one before; False: it is the same one. Refused, Erased, and KeyError
    where there is no such person."""
    must_be_given(unit, new.person, PURPOSE, day, "file")
    before = _name(unit, new.person)
    if before == new.sha256:
        return False
    row = {
        "person": new.person,
        "mime": new.mime,
        "bytes": unit.seal.content(new.person, new.content),
        "size": len(new.content),
        "sha256": new.sha256,
        "width": new.width,
        "height": new.height,
        "added_at_ms": unit.now_ms,
        "added_by": actor,
    }
    unit.execute(_STORE, tuple(row[name] for name in _COLUMNS))
    unit.execute(_POINT, (new.sha256, new.person))
    fact = "photo_changed" if before else "photo_added"
    unit.entry(told(new.person, fact, region=region, actor=actor))
    return True


def remove(unit: UnitOfWork, person: str, region: str, actor: str, reason: str = "") -> bool:
    """False: there was none. KeyError: no person."""
    if not _name(unit, person):
        return False
    forget(unit, person)
    unit.entry(told(person, "photo_removed", region=region, actor=actor, reason=reason))
    return True


def end_with_consent(unit: UnitOfWork, person: str, region: str, actor: str, day: str) -> bool:
    """After what was said about photographs: without a consent that holds the photo goes."""
    if state_of(unit, person, PURPOSE, day) == "given":
        return False
    return remove(unit, person, region, actor, "consent_ended")


def forget(unit: UnitOfWork, person: str) -> None:
    """The picture itself, and that there was one; who erases a person says so elsewhere."""
    unit.execute(_DELETE, (person,))
    unit.execute(_POINT, ("", person))


def _name(unit: UnitOfWork, person: str) -> str:
    found = unit.execute(_NAME, (person,)).fetchone()
    if found is None:
        raise KeyError(person)
    return str(found[0])
