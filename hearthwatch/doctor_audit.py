"""What `hearthwatch doctor` says of the copy of the trail. Read-only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hearthwatch.doctor_finding import Finding, judge

if TYPE_CHECKING:
    # A gateway's installation has neither SQLAlchemy nor what else the hub's modules import.
    from hearthwatch.hub_config import HubConfig

CHECK: Final = "copy of the trail"
MINUTE_MS: Final = 60_000
NOWHERE: Final = "[audit_copy] in hub.toml: who takes rows out of the database is found out by it"


def audit_copy(config: "HubConfig", now_ms: int) -> Iterator[Finding]:
    """Of a book that can be read; the book's own checks say when it can't."""
    from sqlalchemy.exc import SQLAlchemyError

    from hearthwatch.audit_copy.sinks import kept_places, places_of_file
    from ledger.place import SqliteBook
    from ledger.trail_copy import lag

    wanted = config.audit_copy
    if wanted is None:
        yield Finding(check=CHECK, verdict="warn", detail="none", remedy=NOWHERE)
        return
    if isinstance(config.book, SqliteBook) and not config.book.path.exists():
        return
    reader = config.book.open_copier()
    try:
        known = (
            places_of_file(wanted.path) if wanted.path is not None else kept_places(reader, wanted)
        )
        with reader.connect() as connection:
            found = lag(connection, known)
    except SQLAlchemyError:
        return
    except OSError as error:
        yield judge(
            CHECK, False, f"{wanted.path}: {error.strerror}", "is that disk there?", bad="warn"
        )
        return
    finally:
        reader.dispose()
    waits_ms = 0 if found.waits_since_ms is None else max(0, now_ms - found.waits_since_ms)
    yield judge(
        CHECK,
        waits_ms < wanted.late_after_min * MINUTE_MS,
        f"{wanted.place}: {found.rows} rows wait"
        + (f", the oldest for {waits_ms // MINUTE_MS} min" if found.rows else ""),
        "does the hub run, and can it reach that place? audit_not_copied in its log says why not",
        bad="warn",
    )
