"""What `hearthwatch doctor` says of where readings are kept. Read-only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hearthwatch.doctor_finding import Finding, judge

if TYPE_CHECKING:
    # A gateway's installation has none of the hub's modules.
    from hearthwatch.hub_config import HubConfig


def readings(config: "HubConfig") -> Iterator[Finding]:
    """A file needs no more than its folder; a server has to let us in, and to let us write."""
    if config.readings.postgres is None:
        return
    try:
        from ingest.readings.pg_look import look
        from ingest.readings.port import StoreError
    except ImportError as error:
        yield Finding(check="readings", verdict="fail", detail=str(error), remedy="install psycopg")
        return
    mend = "start the server, or mend [readings] in hub.toml"
    try:
        found = look(config.readings.postgres)
    except StoreError as error:
        yield Finding(check="readings", verdict="fail", detail=str(error)[:200], remedy=mend)
        return
    yield judge(
        "readings",
        found.may_write,
        f"PostgreSQL {found.version}, {'there' if found.made else 'made at the first start'}",
        "let this user make a schema there: GRANT CREATE ON DATABASE … TO …",
    )
    if found.damaged:
        yield Finding(
            check="readings damaged",
            verdict="warn",
            detail=f"{found.damaged} pieces were not what was written and were set aside",
            remedy="look at the server's disk and memory; see docs/readings.md",
        )
    if found.made:
        yield judge(
            "readings folded",
            found.waiting <= found.waiting_max * max(1, found.shards),
            f"{found.waiting} readings wait to be folded in {found.shards} shards",
            "look into the hub's log for readings_store_failed",
            bad="warn",
        )
