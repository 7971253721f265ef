"""The coverage watch: problems of the hours to come as alarms, in the writer's thread.

Looked for every minute and when the rota has changed. An alarm's own evidence says what was told,
so that a restart tells nothing twice; it closes by itself when its problem is gone.
"""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final, Protocol

from alarms.rota.book import RotaBook
from alarms.rota.coverage import WARN_HOURS, Level, Problem, Reach, Reason, Village, problems
from alarms.rota.days import iso_day
from alarms.rows import fetch
from ledger.cursor import Cursor
from ledger.unit_of_work import UnitOfWork
from rules.finding import Finding, Phase, Severity, episode_id
from rules.local_time import MINUTE_MS, day_of
from rules.rule import REGION_PREFIX

RULE: Final = "coverage"
# Warnings are hours ahead: a minute is exact enough, and contacts change without telling us.
LOOK_EVERY_MS: Final = MINUTE_MS

_OPEN: Final = (
    "SELECT id, subject, part, severity, evidence FROM alarm"
    " WHERE rule = 'coverage' AND state <> 'closed'"
)
_MENDED: Final = (
    "SELECT count(*) FROM alarm WHERE rule = 'coverage' AND subject = ? AND part = ?"
    " AND outcome = 'recovered'"
)
_RESPONDERS: Final = (
    "SELECT s.visitor, h.region FROM service_user s JOIN home h ON h.id = s.home"
    " JOIN account a ON a.username = s.visitor WHERE NOT a.disabled AND s.left_on = ''"
)
# Accounts that go to homes of their own village or town.
_NEAR: Final = (
    "SELECT a.username, a.region FROM account a JOIN region r ON r.code = a.region"
    " WHERE a.role = 'visitor' AND NOT a.disabled AND r.level <> 'county'"
)
_WAYS: Final = (
    "SELECT owner, channel,"
    " sum(CASE WHEN verified_at_ms IS NOT NULL AND dead_since_ms IS NULL THEN 1 ELSE 0 END),"
    " sum(CASE WHEN dead_since_ms IS NOT NULL THEN 1 ELSE 0 END)"
    " FROM contact_point GROUP BY owner, channel"
)


class Alarms(Protocol):
    """The book of alarms, as far as the watch needs it."""

    def take(self, unit: UnitOfWork, finding: Finding) -> str | None: ...


# Who can be reached, by username; who is not in it can't be.
Reaches = Callable[[Cursor], Mapping[str, Reach]]


class CoverageWatch:
    """`fire_due` is called every second and mostly has nothing to do."""

    def __init__(
        self,
        rota: RotaBook,
        alarms: Alarms,
        reaches: Reaches,
        warn_hours: Sequence[float] = WARN_HOURS,
    ) -> None:
        self._rota = rota
        self._alarms = alarms
        self._reaches = reaches
        self._warn_hours = warn_hours
        self._looked_ms: int | None = None
        self._version = -1
        self.found: Sequence[Problem] = ()

    def fire_due(self, unit: UnitOfWork) -> None:
        since = None if self._looked_ms is None else unit.now_ms - self._looked_ms
        quiet = since is not None and 0 <= since < LOOK_EVERY_MS
        if quiet and self._version == self._rota.version:
            return
        self._look(unit)
        # A transaction that fails is looked at again: the rota is read back with it, and counts.
        self._looked_ms, self._version = unit.now_ms, self._rota.version

    def look(self, unit: UnitOfWork) -> None:
        """What is found, without telling it: where another process does that."""
        since = None if self._looked_ms is None else unit.now_ms - self._looked_ms
        if since is None or not 0 <= since < LOOK_EVERY_MS or self._version != self._rota.version:
            self._find(unit)
            self._looked_ms, self._version = unit.now_ms, self._rota.version

    def _find(self, unit: UnitOfWork) -> None:
        plan = self._rota.plan
        villages = villages_of(unit.cursor) if plan.desks else ()
        reach = self._reaches(unit.cursor) if plan.desks else {}
        self.found = problems(plan, reach, villages, unit.now_ms, self._warn_hours)

    def _look(self, unit: UnitOfWork) -> None:
        self._find(unit)
        now = {(f"{REGION_PREFIX}{p.region}", p.part): p for p in self.found}
        before = {(row["subject"], row["part"]): row for row in fetch(unit.cursor, _OPEN)}
        for place, problem in now.items():
            self._tell(unit, place, problem, before.get(place))
        for place, row in before.items():
            if place not in now:
                finding = _finding(place, row["id"], "cleared", unit.now_ms, reason="covered")
                self._alarms.take(unit, finding)

    def _tell(
        self,
        unit: UnitOfWork,
        place: tuple[str, str],
        problem: Problem,
        row: Mapping[str, Any] | None,
    ) -> None:
        """A new one is raised; one that has neared, or is about other hours, is heard again."""
        told = _told(problem, unit.now_ms)
        if row is not None and json.loads(row["evidence"]).get("told") == told:
            return
        phase: Phase = "raised" if row is None else "repeated"
        episode = row["id"] if row is not None else self._episode(unit, place, told)
        evidence = {
            "desk": problem.desk,
            "level": problem.level.value,
            "from_ms": problem.from_ms,
            "until_ms": problem.until_ms,
            "shift": problem.shift,
            "people": list(problem.people),
            "told": told,
        }
        finding = _finding(
            place,
            episode,
            phase,
            unit.now_ms,
            reason=problem.reason,
            evidence=evidence,
            severity=_severity(problem),
        )
        self._alarms.take(unit, finding)

    @staticmethod
    def _episode(unit: UnitOfWork, place: tuple[str, str], told: str) -> str:
        """What a human has closed is not raised again for the same hours and level; what was mended
        and broke again is."""
        subject, part = place
        mended = unit.execute(_MENDED, (subject, part)).fetchone()[0]
        return episode_id(subject, RULE, f"{part}|{told}|{mended}")


def villages_of(cursor: Cursor) -> list[Village]:
    """Regions with homes, each with who goes there."""
    homes = cursor.execute("SELECT region, count(*) FROM home GROUP BY region").fetchall()
    going: dict[str, set[str]] = {region: set() for region, _ in homes}
    for username, region in cursor.execute(_RESPONDERS).fetchall():
        going[region].add(username)
    near = cursor.execute(_NEAR).fetchall()
    for region, who in going.items():
        who |= {username for username, of in near if region.startswith(of)}
    return [Village(region=r, homes=int(n), responders=len(going[r])) for r, n in homes]


def verified_ways(cursor: Cursor, urgent: Set[str] | None = None) -> dict[str, Reach]:
    """By username: ways that were proved and live, and ways that died. `urgent`: channels that may
    carry calls for help; None: any. By others nobody on duty is reached."""
    found: dict[str, Reach] = {}
    for owner, channel, alive, dead in cursor.execute(_WAYS).fetchall():
        before = found.setdefault(owner, Reach())
        if urgent is None or channel in urgent:
            found[owner] = Reach(alive=before.alive + int(alive), dead=before.dead + int(dead))
    return found


def at_the_board(cursor: Cursor) -> dict[str, Reach]:
    """Where no channel is configured nobody is told but by the board: who sits there is reached."""
    rows = cursor.execute("SELECT username FROM account WHERE NOT disabled").fetchall()
    return {username: Reach(alive=1) for (username,) in rows}


def _told(problem: Problem, now_ms: int) -> str:
    """What it is that is told: the same text again is not told again."""
    today = day_of(now_ms)
    if problem.reason is Reason.NO_RESPONDER:
        return f"week {today // 7}"
    if problem.level is Level.NOW:
        return f"now/{problem.shift or iso_day(today)}"
    return f"{problem.from_ms}/{problem.level}"


def _severity(problem: Problem) -> Severity:
    """Nobody on duty within the last warning is worse than a thing that is broken."""
    nears = problem.level is not Level.AHEAD
    return "watch" if problem.reason is Reason.NOBODY and nears else "technical"


def _finding(
    place: tuple[str, str],
    episode: str,
    phase: Phase,
    now_ms: int,
    *,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
    severity: Severity = "technical",
) -> Finding:
    subject, part = place
    return Finding(
        episode=episode,
        home=subject,
        rule=RULE,
        kind=RULE,
        severity=severity,
        phase=phase,
        reason=str(reason),
        raised_at_ms=now_ms,
        at_ms=now_ms,
        part=part,
        evidence=evidence or {},
    )
