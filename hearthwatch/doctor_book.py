"""What `hearthwatch doctor` says of the book of record. Read-only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hearthwatch.doctor_finding import Finding, judge
from hearthwatch.doctor_sealing import sealing
from hearthwatch.doctor_standbys import standbys

if TYPE_CHECKING:
    # A gateway's installation has neither SQLAlchemy nor what else the hub's modules import.
    from sqlalchemy import Engine

    from ledger.chain_check import ChainState
    from ledger.place import Place


def book(place: "Place", anchors: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """A file needs no more than its folder; a server has to let us in. What is written there must
    be linked row to row, and must lead through each of `anchors` (heads of earlier days, hex)."""
    from sqlalchemy.exc import SQLAlchemyError

    from ledger.cursor import BookUnreachableError
    from ledger.place import SqliteBook

    if isinstance(place, SqliteBook) and not place.path.exists():
        yield Finding(check="book", verdict="ok", detail=f"{place.path}, made at the first start")
        return
    reader = place.open_copier()
    try:
        yield _where(place, reader)
        yield from standbys(place, reader)
        yield _sound(place)
        yield from _chains(reader, anchors)
        yield from _department_files(reader)
        yield from sealing(place, reader)
    except (SQLAlchemyError, BookUnreachableError, ImportError) as error:
        # The first line says why; the rest may hold the address.
        why = str(error.__cause__ or error).strip().split("\n")[0][:200]
        kind = "SQLite" if isinstance(place, SqliteBook) else "PostgreSQL"
        remedy = (
            "restore the newest copy (hearthwatch restore)"
            if isinstance(place, SqliteBook)
            else "start the server, or mend [book] in hub.toml"
        )
        yield Finding(check="book", verdict="fail", detail=f"{kind}: {why}", remedy=remedy)
    finally:
        reader.dispose()


def _where(place: "Place", reader: "Engine") -> Finding:
    from sqlalchemy import text

    from ledger.place import SqliteBook

    if isinstance(place, SqliteBook):
        return Finding(check="book", verdict="ok", detail=str(place.path))
    with reader.connect() as connection:
        version = connection.scalar(text("SHOW server_version"))
    return Finding(check="book", verdict="ok", detail=f"PostgreSQL {version}")


def _sound(place: "Place") -> Finding:
    from ledger.place import SqliteBook

    found = place.damaged(deep=True)
    sound = "every page and index" if isinstance(place, SqliteBook) else "the server's own sums"
    return judge(
        "book pages",
        not found,
        "; ".join(found[:3]) if found else sound,
        "stop the hub, move hub.db* away, hearthwatch restore the newest copy (docs/deployment.md)",
    )


def _chains(reader: "Engine", anchors: frozenset[str]) -> Iterator[Finding]:
    from sqlalchemy import inspect

    from ledger.chain_check import check

    with reader.connect() as connection:
        tables = inspect(connection)
        if not tables.has_table("entry"):
            yield Finding(check="entries", verdict="ok", detail="none yet")
            return
        if "link" not in {column["name"] for column in tables.get_columns("entry")}:
            detail = "written by an older program; linked at the hub's next start"
            yield Finding(check="entries", verdict="warn", detail=detail, remedy="start the hub")
            return
        for state in check(connection, anchors):
            yield _chain(state)


def _department_files(reader: "Engine") -> Iterator[Finding]:
    from sqlalchemy import inspect

    from dashboard.department_files import failing

    with reader.connect() as connection:
        if not inspect(connection).has_table("export_file"):
            return
        failed = failing(connection)
    if failed:
        one = failed[0]
        why = f"{one['name']} {one['period']}: {one['detail'][:120]}"
        yield Finding(
            check="department files",
            verdict="warn",
            detail=f"{len(failed)} not made, of them {why}",
            remedy="mend what it says; it is tried again each hour, of the newest period",
        )


def _chain(state: "ChainState") -> Finding:
    detail = f"{state.rows} rows linked, head {state.head or 'none'}"
    if state.breaks:
        listed = ", ".join(map(str, state.broken))
        detail = f"{state.breaks} of {state.rows} rows don't follow from the row before: {listed}"
    elif state.missing:
        detail = f"no row leads through {', '.join(state.missing)}"
    return judge(
        "entries" if state.table == "entry" else "trail of looks",
        state.holds,
        detail,
        "somebody changed or removed rows: keep this book as evidence, compare with the last copy",
    )
