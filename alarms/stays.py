"""Stays: who is away from home and until when, or has visitors. In the writer's thread.

A stay is written once and ended once: by its date, by somebody, or, for one who is away, by
activity in the home. Open ones and those that ended a while ago are held here; what of them is
true now is one immutable value, `present`, that other threads may read at any time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from alarms.holding import (
    STAY_REMEMBERED_MS,
    Ended,
    Hold,
    absent,
    active,
    held_by_stay,
)
from alarms.lifecycle import IllegalMove
from alarms.rows import Row, fetch
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.keyed_rows import keyed_rows
from ledger.schema import STAY
from ledger.sealing.sealer import owner_of
from ledger.unit_of_work import SYSTEM, Entry, UnitOfWork
from rules.finding import Finding

BACK_EARLY: Final = "back_early"
# Open stays of one home; more is a page that was pressed again and again.
OPEN_MAX: Final = 8

# People of a home may have changed; looked at so often, whatever else happens.
LOOK_MAX_MS: Final = 60 * 60_000

_COLUMNS: Final = [column.name for column in STAY.columns]
_INSERT: Final = insert_sql(STAY)
_END: Final = (
    "UPDATE stay SET ended_at_ms = ?, ended_how = ?, ended_by = ?"
    " WHERE id = ? AND ended_at_ms IS NULL"
)

# Home → what holds for it now, each as the kind of its stay.
Present = Mapping[str, frozenset[str]]
# Home → by how long activity cut its last absence short, of what was said beforehand.
CutShort = Mapping[str, int]


class StayObjects(Protocol):
    def stay(self, row: Mapping[str, Any]) -> bytes: ...
    def region_of(self, home: str | None, gateway: str | None) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStay:
    id: str
    home: str
    person: str | None
    kind: str
    from_ms: int
    until_ms: int
    note: str


class Stays:
    """`on_end` hears of every end, before the entry of it."""

    def __init__(self, objects: StayObjects) -> None:
        self._objects = objects
        self._stays: dict[str, Row] = {}
        self.on_end: Callable[[UnitOfWork, Row, Ended], None] = lambda _unit, _stay, _how: None
        self.present: Present = {}
        self.cut_short_ms: CutShort = {}
        # What holds changes by itself at this time; looked at last.
        self._due_ms = 0
        self._looked_ms = 0

    def reload(self, cursor: Cursor) -> None:
        # Counted from the last end: what time it is now is not known here.
        rows = fetch(
            cursor,
            "SELECT * FROM stay WHERE ended_at_ms IS NULL"
            " OR ended_at_ms > (SELECT coalesce(max(ended_at_ms), 0) FROM stay) - ?",
            (STAY_REMEMBERED_MS,),
        )
        self._stays = {row["id"]: row for row in rows}
        self._due_ms = 0

    def follow(self, unit: UnitOfWork, stays: Sequence[str]) -> None:
        """Those that others have written down or ended."""
        for row in keyed_rows(unit.cursor, "stay", "id", stays):
            self._stays.setdefault(row["id"], row).update(row)
        self._look(unit)

    def look(self, unit: UnitOfWork) -> None:
        """What holds now, for a process in which nobody ends what its date has come for."""
        if not self._looked_ms <= unit.now_ms < self._due_ms:
            self._forget_old(unit)
            self._look(unit)

    def begin(self, unit: UnitOfWork, new: NewStay, actor: str) -> None:
        """Write a stay down; the same id again changes nothing."""
        if new.id in self._stays:
            return
        if len([s for s in self._of(new.home) if s["ended_at_ms"] is None]) >= OPEN_MAX:
            raise IllegalMove("too_many_stays", f"at most {OPEN_MAX} of one home at a time")
        row: Row = dict.fromkeys(_COLUMNS)
        row.update(
            id=new.id,
            home=new.home,
            person=new.person,
            kind=new.kind,
            from_ms=new.from_ms,
            until_ms=new.until_ms,
            note=new.note,
            created_at_ms=unit.now_ms,
            created_by=actor,
        )
        stored = unit.seal.row(STAY, owner_of(row["person"], row["home"]), row)
        unit.execute(_INSERT, tuple(stored[name] for name in _COLUMNS))
        self._stays[new.id] = row
        self._entry(unit, row, "set", actor)
        self._look(unit)

    def end(self, unit: UnitOfWork, home: str, stay_id: str, actor: str) -> None:
        """KeyError: no such stay of this home. One that has ended stays as it ended."""
        row = self._stays.get(stay_id)
        if row is None or row["home"] != home:
            found = fetch(unit.cursor, "SELECT * FROM stay WHERE id = ?", (stay_id,))
            if not found or found[0]["home"] != home:
                raise KeyError(stay_id[:64])
            return
        if row["ended_at_ms"] is None:
            self._end(unit, row, unit.now_ms, "user", by=actor)
            self._look(unit)

    def came_back(self, unit: UnitOfWork, finding: Finding) -> None:
        """Activity in a home whose people are away: back early, or somebody else."""
        data = {"sign": finding.reason, "device": finding.device or ""}
        for row in self._of(finding.home):
            if row["kind"] == "away" and active(row, unit.now_ms):
                self._end(unit, row, unit.now_ms, "activity", data=data)
        self._look(unit)

    def hold(self, unit: UnitOfWork, home: str, kind: str) -> Hold | None:
        """What of this home's stays explains an alarm of a kind."""
        stays = self._of(home)
        if not stays:
            return None
        return held_by_stay(kind, stays, _persons(unit.cursor, home), unit.now_ms)

    def fire_due(self, unit: UnitOfWork) -> None:
        """End what its date has come for, forget what holds nothing any more."""
        if self._looked_ms <= unit.now_ms < self._due_ms:
            return
        self._forget_old(unit)
        for row in list(self._stays.values()):
            if row["ended_at_ms"] is None and row["until_ms"] <= unit.now_ms:
                self._end(unit, row, row["until_ms"], "until")
        self._look(unit)

    def _forget_old(self, unit: UnitOfWork) -> None:
        for row in list(self._stays.values()):
            ended_ms = row["ended_at_ms"]
            if ended_ms is not None and ended_ms + STAY_REMEMBERED_MS < unit.now_ms:
                del self._stays[row["id"]]

    def _end(
        self,
        unit: UnitOfWork,
        row: Row,
        at_ms: int,
        how: Ended,
        *,
        by: str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        row.update(ended_at_ms=at_ms, ended_how=how, ended_by=by)
        unit.execute(_END, (at_ms, how, by, row["id"]))
        self.on_end(unit, row, how)
        self._entry(unit, row, "ended", by or SYSTEM, reason=how, data=data)

    def _look(self, unit: UnitOfWork) -> None:
        """What holds now, replaced as a whole and only where it changed."""
        now: dict[str, frozenset[str]] = {}
        for home in sorted({row["home"] for row in self._stays.values()}):
            stays = self._of(home)
            nobody = absent(stays, _persons(unit.cursor, home), unit.now_ms)
            now[home] = frozenset(
                row["kind"]
                for row in stays
                if active(row, unit.now_ms) and (nobody or row["kind"] == "visitors")
            )
        if now != self.present:
            # First: whoever hears that one is over asks how.
            self.cut_short_ms = {home: cut for home in now if (cut := self._cut_ms(home))}
            self.present = now
        self._looked_ms = unit.now_ms
        self._due_ms = unit.now_ms + LOOK_MAX_MS
        for row in self._stays.values():
            if row["ended_at_ms"] is None:
                if row["until_ms"] <= unit.now_ms:
                    # Its date has come, and nobody has ended it yet.
                    self._due_ms = unit.now_ms
                ahead = (at for at in (row["from_ms"], row["until_ms"]) if at > unit.now_ms)
                self._due_ms = min(self._due_ms, *ahead, self._due_ms)

    def _cut_ms(self, home: str) -> int:
        ended = (r for r in self._of(home) if r["kind"] == "away" and r["ended_at_ms"] is not None)
        last = max(ended, key=lambda row: row["ended_at_ms"], default=None)
        if last is None or last["ended_how"] != "activity":
            return 0
        return int(last["until_ms"] - last["ended_at_ms"])

    def _of(self, home: str) -> list[Row]:
        return [row for row in self._stays.values() if row["home"] == home]

    def _entry(
        self,
        unit: UnitOfWork,
        row: Row,
        fact: str,
        actor: str,
        *,
        reason: str = "",
        data: Mapping[str, object] | None = None,
    ) -> None:
        unit.entry(
            Entry(
                topic="stay",
                subject=row["id"],
                fact=fact,
                actor=actor,
                reason=reason,
                region=self._objects.region_of(row["home"], None),
                data={"home": row["home"], "kind": row["kind"], **(data or {})},
                payload=lambda: self._objects.stay(row),
            )
        )


def _persons(cursor: Cursor, home: str) -> list[str]:
    cursor.execute("SELECT id FROM service_user WHERE home = ? AND left_on = ''", (home,))
    return [person for (person,) in cursor.fetchall()]
