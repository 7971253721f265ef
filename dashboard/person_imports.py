"""Imports of lists of persons: read, judged, looked at by somebody, taken. In memory.

    reading -> judging -> ready -> taking -> done         failed: with `detail`

Reading is done apart (`Deps.apart`), for a workbook of a county costs seconds. Judging and taking
go in portions, so that presses pass between them. Who brings another list gives up the one before.
"""

import asyncio
import datetime
import logging
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from starlette.concurrency import run_in_threadpool

from dashboard.asked import local_day
from dashboard.callers import Caller
from dashboard.person_known import Standing, read_known, read_standing
from dashboard.person_sheets import read_list
from dashboard.ports import Deps
from dashboard.problems import where_it_failed
from dashboard.spreadsheets import UnreadableSheet
from ledger.persons import sheet
from ledger.persons.sheet import Heads, Known, NoHeads, Row
from ledger.persons.taking import Take, Taken, Taking
from ledger.register_changes import Changed
from ledger.unit_of_work import UnitOfWork

_LOG = logging.getLogger("hearthwatch.dashboard")

# Rows judged at once, about 50 ms in a thread.
JUDGED_AT_ONCE: Final = 500
# Rows taken in one transaction: a press may wait behind it.
TAKEN_AT_ONCE: Final = 20
# Lists in memory, each with up to 20,000 rows (about 40 MB): one of an account.
IMPORTS_MAX: Final = 6

State = Literal["reading", "judging", "ready", "taking", "done", "failed"]
Decision = Literal["skip", "update", "new"]


class ImportsFull(Exception):  # noqa: N818
    """Too many lists are being looked at."""


class NotNow(Exception):  # noqa: N818
    """The import is not at the step that this belongs to."""


@dataclass(slots=True, kw_only=True)
class PersonImport:
    """One list of one account. `taken` by the number of the row."""

    id: str
    caller: Caller
    today: datetime.date
    file: str
    state: State = "reading"
    done: int = 0
    of: int = 0
    detail: str = ""
    heads: Heads | None = None
    rows: list[Row] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)
    decisions: dict[int, Decision] = field(default_factory=dict)
    taken: dict[int, Taken] = field(default_factory=dict)
    stopped: bool = False

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(row.verdict for row in self.rows)
        undecided = sum(self.undecided(row) for row in self.rows)
        counted = {name: found[name] for name in ("new", "double", "rejected")}
        return {"rows": len(self.rows), **counted, "undecided": undecided}

    @property
    def result(self) -> dict[str, int]:
        """What became of every row; the four add up to the rows."""
        how = Counter(taken.how for taken in self.taken.values())
        rejected = sum(row.verdict == "rejected" for row in self.rows) + how["failed"]
        skipped = len(self.rows) - rejected - how["created"] - how["updated"]
        return {
            "created": how["created"],
            "updated": how["updated"],
            "skipped": skipped,
            "rejected": rejected,
        }

    def undecided(self, row: Row) -> bool:
        return row.verdict == "double" and row.number not in self.decisions

    def may_be(self, row: Row) -> tuple[Decision, ...]:
        """Two people can't have one identity number."""
        if row.double is None:
            return ()
        return ("skip", "update") if row.double.by == "id_number" else ("skip", "update", "new")

    def unwanted(self) -> list[tuple[Row, str]]:
        """The rows that were not taken because they can't be, each with why."""
        found = []
        for row in self.rows:
            taken = self.taken.get(row.number)
            faults = row.faults or (list(taken.refusals) if taken is not None else [])
            if faults:
                found.append((row, "；".join(fault.zh for fault in faults)))
        return found


class Imports:
    """The lists of this hub's accounts."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._all: dict[str, PersonImport] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, caller: Caller, file: str, payload: bytes) -> PersonImport:
        """ImportsFull."""
        for one in [o for o in self._all.values() if o.caller.username == caller.username]:
            if one.state == "taking":
                raise NotNow
            self.forget(one)
        if len(self._all) >= IMPORTS_MAX:
            ended = [one for one in self._all.values() if one.state in ("done", "failed")]
            if not ended:
                raise ImportsFull
            self.forget(ended[0])
        today = local_day(self._deps.clock.now_ms(), self._deps.timezone)
        one = PersonImport(id=secrets.token_hex(8), caller=caller, today=today, file=file)
        self._all[one.id] = one
        self._start(self._prepare(one, payload), one)
        return one

    def find(self, caller: Caller, import_id: str) -> PersonImport | None:
        one = self._all.get(import_id)
        return one if one is not None and one.caller.username == caller.username else None

    def forget(self, one: PersonImport) -> None:
        """What is not being written yet ends; what is goes on to its end."""
        one.stopped = one.state != "taking"
        self._all.pop(one.id, None)

    def decide(self, one: PersonImport, decisions: dict[int, Decision]) -> list[int]:
        """The rows for which this can't be decided; the others are."""
        if one.state != "ready":
            raise NotNow
        rows = {row.number: row for row in one.rows}
        wrong = [
            number
            for number, decision in decisions.items()
            if number not in rows or decision not in one.may_be(rows[number])
        ]
        for number, decision in decisions.items():
            if number not in wrong:
                one.decisions[number] = decision
        return wrong

    def confirm(self, one: PersonImport) -> None:
        """Begin to write. NotNow: it is not ready, or somebody has to decide first."""
        if one.state != "ready" or one.counts["undecided"]:
            raise NotNow
        one.state, one.done = "taking", 0
        self._start(self._take(one), one)

    async def close(self) -> None:
        for one in self._all.values():
            one.stopped = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any, one: PersonImport) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - the next list shall be read
                _LOG.error("an import of persons failed: %s", where_it_failed(error))
                one.state, one.detail = "failed", "internal"

        task = asyncio.create_task(guarded(), name="person-import")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _prepare(self, one: PersonImport, payload: bytes) -> None:
        try:
            table = await self._deps.apart(read_list, payload)
            heads = one.heads = sheet.heads_of(table)
        except UnreadableSheet as error:
            one.state, one.detail = "failed", f"unreadable: {error}"
            return
        except NoHeads:
            one.state, one.detail = "failed", "no_heads"
            return
        if lacking := sheet.missing_heads(heads):
            one.state, one.detail = "failed", f"missing_heads: {'、'.join(lacking)}"
            return
        lines = list(sheet.rows_of(table, heads))
        one.state, one.of = "judging", len(lines)
        known = await run_in_threadpool(self._known, one)
        for start in range(0, len(lines), JUDGED_AT_ONCE):
            if one.stopped:
                return
            some = lines[start : start + JUDGED_AT_ONCE]
            one.rows += await run_in_threadpool(_judged, some, heads, known)
            one.done = len(one.rows)
        await run_in_threadpool(self._find_doubles, one)
        one.state = "ready"

    def _known(self, one: PersonImport) -> Known:
        with self._deps.engine.connect() as connection:
            return read_known(connection, one.caller, one.today)

    def _find_doubles(self, one: PersonImport) -> None:
        with self._deps.engine.connect() as connection:
            one.standing = read_standing(connection, one.caller)
        sheet.find_doubles(one.rows, one.standing.by_number, one.standing.by_name)

    async def _take(self, one: PersonImport) -> None:
        wanted = [row for row in one.rows if row.verdict != "rejected" and not _skipped(one, row)]
        one.of = len(wanted)
        for start in range(0, len(wanted), TAKEN_AT_ONCE):
            if one.stopped:
                return
            some = wanted[start : start + TAKEN_AT_ONCE]
            takes = [_take_of(one, row) for row in some]
            done = await self._deps.writer.change(partial(self._portion, one=one, takes=takes))
            one.taken.update({taken.row: taken for taken in done})
            one.done += len(some)
        one.state = "done"

    def _portion(self, unit: UnitOfWork, one: PersonImport, takes: Sequence[Take]) -> list[Taken]:
        taking = Taking(unit, one.caller.username, one.today)
        done = taking.take(takes)
        detail = f"{sum(taken.how != 'failed' for taken in done)} of {len(done)} rows"
        unit.audit(one.caller.username, "imported", "persons", detail)
        if taking.changed != Changed():
            self._deps.roster_changed(unit, taking.changed)
        return done


def _judged(lines: Sequence[tuple[int, tuple[str, ...]]], heads: Heads, known: Known) -> list[Row]:
    return [sheet.judge(number, cells, heads, known) for number, cells in lines]


def _skipped(one: PersonImport, row: Row) -> bool:
    return one.decisions.get(row.number) == "skip"


def _take_of(one: PersonImport, row: Row) -> Take:
    """An update is about somebody of the register, or about who was made of a row above."""
    if row.double is None or one.decisions.get(row.number) != "update":
        return Take(row=row)
    above = one.taken.get(row.double.row)
    person = row.double.person or (above.person if above is not None else "")
    return Take(row=row, person=person or None, above=row.double.row)
