"""What `hearthwatch doctor` says of the copies of the book. Read-only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hearthwatch.doctor_finding import Finding, judge

if TYPE_CHECKING:
    # A gateway's installation has neither SQLAlchemy nor what else the hub's modules import.
    from hearthwatch.hub_config import HubConfig

# A copy each night, and one night that failed.
OLD_MS: Final = 2 * 86_400_000
HOUR_MS: Final = 3_600_000
NIGHTLY: Final = "hearthwatch backup --config hub.toml FOLDER, each night (docs/deployment.md)"


def copies(config: "HubConfig", now_ms: int) -> Iterator[Finding]:
    """Of a book that can be read; the book's own checks say when it can't."""
    from sqlalchemy.exc import SQLAlchemyError

    from hearthwatch.copy_records import look
    from ledger.place import SqliteBook

    if isinstance(config.book, SqliteBook) and not config.book.path.exists():
        return
    try:
        found = look(config)
    except (SQLAlchemyError, ImportError):
        return
    if not found.there:
        lost = f"none of {len(found.gone)} is where it was checked" if found.gone else "none"
        yield Finding(check="copies", verdict="warn", detail=lost, remedy=NIGHTLY)
        return
    newest = found.there[0]
    age_ms = now_ms - newest.made_at_ms
    yield judge(
        "copies",
        age_ms <= OLD_MS,
        f"{len(found.there)} checked, the newest is {age_ms // HOUR_MS} hours old: {newest.place}",
        NIGHTLY,
        bad="warn",
    )
    kept = config.copies_kept
    yield judge(
        "copies for gateways",
        len(found.there) >= kept,
        f"{len(found.there)} of {kept}",
        f"until there are {kept} ([backup] kept), gateways keep everything for 30 days",
        bad="warn",
    )
    if found.gone and not found.gone[0].seq < newest.seq - kept:
        yield Finding(
            check="copies",
            verdict="warn",
            detail=f"not there any more: {found.gone[0].place}",
            remedy="where it was moved: hearthwatch backup --check --config hub.toml FILE",
        )
