"""What `hearthwatch doctor` says of the key file: it is there, this book's, and its own alone."""

import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hearthwatch.doctor_finding import Finding, judge

if TYPE_CHECKING:
    from pathlib import Path

    # A gateway's installation has none of these.
    from sqlalchemy import Engine

    from ledger.place import Place

_REMEDY: Final = "bring back this book's own key file from its copy; never make a new one"


def sealing(place: "Place", reader: "Engine") -> Iterator[Finding]:
    """`reader` sees what is stored."""
    from sqlalchemy import inspect

    from ledger.schema import PERSON_KEY
    from ledger.sealing.key_file import FOLDER_MODE, KeyFileError
    from ledger.sealing.starting import disagreement, sealed_by

    ring = place.ring
    if ring is None:
        return
    with reader.connect() as connection:
        if not inspect(connection).has_table(PERSON_KEY.name):
            detail = "written by an older program; sealed at the hub's next start"
            yield Finding(check="key file", verdict="ok", detail=detail)
            return
        mark, keks = sealed_by(connection)
    if mark is None and not keks and not ring.path.exists():
        yield Finding(
            check="key file", verdict="ok", detail=f"{ring.path}, made at the first start"
        )
        return
    try:
        problem = disagreement(ring, mark, keks)
    except KeyFileError as error:
        problem = str(error)
    if problem is not None:
        yield Finding(check="key file", verdict="fail", detail=problem, remedy=_REMEDY)
        return
    yield Finding(check="key file", verdict="ok", detail=f"{ring.path}, {len(ring.keys.keks)} keys")
    yield _keys_there(reader)
    mode = stat.S_IMODE(ring.path.parent.stat().st_mode)
    folder = ring.path.parent
    yield judge(
        "key folder",
        mode & ~FOLDER_MODE == 0,
        f"{folder}, mode {mode:04o}",
        f"chmod 700 {folder}",
        bad="warn",
    )


def own_keys(place: "Place", folder: "Path") -> Iterator[Finding]:
    """Whether this process signs push messages with the key that browsers were registered with."""
    from sqlalchemy import inspect
    from sqlalchemy.exc import SQLAlchemyError

    from hearthwatch.shared_keys import differing
    from ledger.cursor import BookUnreachableError
    from ledger.place import SqliteBook
    from ledger.schema import META
    from ledger.sealing.key_file import KeyFileError

    if place.ring is None or not place.ring.path.exists():
        return
    if isinstance(place, SqliteBook) and not place.path.exists():
        return
    try:
        reader = place.open_reader()
        try:
            with reader.connect() as connection:
                there = inspect(connection).has_table(META.name)
                found = differing(connection, folder) if there else None
        finally:
            reader.dispose()
    except (SQLAlchemyError, BookUnreachableError, KeyFileError, ImportError):
        return  # the lines of the book and of its key file say so
    if found is None:
        yield Finding(check="own keys", verdict="ok", detail="in the book at the first start")
        return
    yield judge(
        "own keys",
        not found,
        f"{', '.join(found)}: not the book's" if found else "as the book has them",
        "start this process again: it takes the book's (own_key_taken in its log); a new one for"
        " all of them is made by hearthwatch admin new-own-key",
    )


def _keys_there(reader: "Engine") -> Finding:
    """Who erases a person leaves the row of her key, without the key: a row that is gone was taken
    out by somebody else, and what it opened reads as nothing."""
    from sqlalchemy import func, select

    from ledger.schema import HOME, PERSON_KEY, SERVICE_USER
    from ledger.sealing.sealer import HOME as OF_HOME
    from ledger.sealing.tokens import MARK

    owners = select(PERSON_KEY.c.owner)
    persons = select(func.count()).where(
        SERVICE_USER.c.name.startswith(MARK), SERVICE_USER.c.id.not_in(owners)
    )
    homes = select(func.count()).where(
        HOME.c.address.startswith(MARK), (OF_HOME + HOME.c.id).not_in(owners)
    )
    with reader.connect() as connection:
        gone = int(connection.scalar(persons) or 0) + int(connection.scalar(homes) or 0)
    return judge(
        "persons' keys",
        gone == 0,
        f"{gone} are not there" if gone else "all there",
        "take the rows of person_key back from a copy: what they open reads as nothing until then",
    )
