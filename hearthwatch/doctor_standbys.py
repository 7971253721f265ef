"""What `hearthwatch doctor` says of the servers that follow the book's. Read-only."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from hearthwatch.doctor_finding import Finding, judge

if TYPE_CHECKING:
    # A gateway's installation has neither SQLAlchemy nor what else the hub's modules import.
    from sqlalchemy import Engine

    from ledger.place import Place

# As the alarm StandbyBehind has them: a promotion would take that much longer.
LAG_S_MAX: Final = 10.0
BEHIND_BYTES_MAX: Final = 2_000_000_000
_MIB: Final = 1 << 20

_STATE: Final = (
    "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names') <> '',"
    " pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"
)
_FOLLOWING: Final = (
    "SELECT application_name, state, sync_state,"
    " COALESCE(EXTRACT(epoch FROM replay_lag), 0)::double precision,"
    " COALESCE(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint"
    " FROM pg_stat_replication WHERE state <> 'backup' ORDER BY application_name"
)
_SETTING_UP: Final = "docs/scale.md, the database's machines"


class Standby(NamedTuple):
    name: str
    state: str
    sync_state: str
    lag_s: float
    behind_bytes: int

    @property
    def follows(self) -> bool:
        return self.state == "streaming"

    @property
    def late(self) -> bool:
        return self.lag_s > LAG_S_MAX or self.behind_bytes > BEHIND_BYTES_MAX

    @property
    def told(self) -> str:
        behind = f"{self.behind_bytes / _MIB:.1f} MiB and {self.lag_s:.1f} s behind"
        return f"{self.name} {self.state} ({self.sync_state}, {behind})"


def standbys(place: "Place", reader: "Engine") -> Iterator[Finding]:
    from sqlalchemy import text

    from ledger.place import PostgresBook

    if not isinstance(place, PostgresBook):
        return
    with reader.connect() as connection:
        is_standby, asked, may_see = connection.execute(text(_STATE)).one()
        if is_standby:
            yield Finding(
                check="standbys",
                verdict="fail",
                detail="the server that answers is a standby: the hub can write nothing there",
                remedy="name all servers in [book] url; promote one (docs/runbooks/database.md)",
            )
            return
        if not may_see:
            if asked or place.servers > 1:
                yield Finding(
                    check="standbys",
                    verdict="warn",
                    detail="this user may not see who follows",
                    remedy="GRANT pg_monitor TO the user of [book] url",
                )
            return
        found = [Standby(*row) for row in connection.execute(text(_FOLLOWING))]
    finding = judged(place.servers, asked, found)
    if finding is not None:
        yield finding


def judged(servers: int, asked: bool, found: Sequence[Standby]) -> Finding | None:
    """`servers`: so many are named in the address; `asked`: a commit waits for one that follows.
    None: a server that is alone, and is meant to be."""
    if servers == 1 and not asked and not found:
        return None
    following = [one for one in found if one.follows]
    listed = "; ".join(one.told for one in found) or "none"
    if asked and not following:
        return Finding(
            check="standbys",
            verdict="fail",
            detail=f"{listed}: every commit waits, no press is acknowledged",
            remedy="start one of them; what if it can't be had: docs/runbooks/database.md",
        )
    for wrong, remedy in (
        (len(following) < servers - 1, f"of {servers - 1} {len(following)} follow: start the rest"),
        (any(one.late for one in following), "look at the standby's disk and line"),
        (
            not asked,
            f"a commit waits for none of them: set synchronous_standby_names ({_SETTING_UP})",
        ),
    ):
        if wrong:
            return judge("standbys", False, listed, remedy, bad="warn")
    return judge("standbys", True, listed, "")
