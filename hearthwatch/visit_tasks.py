"""Each morning the plan's visits of the day become tasks of their visitors, where it is configured.

The plan is read beside the writer, visitor after visitor, and each visitor's tasks are one small
change: no press waits for the county's plan. Its own id makes a visitor's task of a home and day
one, however often a morning is begun; what nobody began yesterday is cancelled, for the plan has
put it on another day.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Engine, select

from alarms.rows import fetch
from alarms.visiting import NewTask
from contract.ids import name_uuid
from dashboard.plan_reads import read_situation
from dashboard.reads import rows
from hearthwatch.logs import say
from ledger.database import upsert_sql
from ledger.schema import ACCOUNT, META, SERVICE_USER
from ledger.unit_of_work import SYSTEM, UnitOfWork
from ledger.writer import Writer
from rules.local_time import DAY_MS, at_minute_ms, day_of, minute_of

_NAMESPACE: Final = uuid.UUID("5c1d3f0a-5a0b-5d5e-8f4e-3f4bb0a1a6d9")
# Whether the morning has come is looked for this often.
LOOK_S: Final = 20.0
# The mark of such a task, and what its visitor reads.
NOTE: Final = "按探访计划"
_DAY_KEY: Final = "visit_tasks_day"
_UPSERT: Final = upsert_sql(META)
_LEFT: Final = (
    "SELECT id, note FROM task WHERE assignee = ? AND kind = 'routine' AND state = 'open'"
    " AND created_at_ms < ?"
)
_THERE: Final = (
    "SELECT id FROM task WHERE home = ? AND assignee = ? AND kind IN ('routine', 'follow_up')"
    " AND state NOT IN ('completed', 'cancelled')"
)


class Tasks(Protocol):
    def create(self, unit: UnitOfWork, new: NewTask, actor: str) -> None: ...
    def cancel(self, unit: UnitOfWork, task_id: str, actor: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    home: str
    region: str


class MorningTasks:
    """`at_minute`: of the day; None: no tasks are made."""

    def __init__(
        self,
        reader: Engine,
        writer: Writer,
        tasks: Tasks,
        now_ms: Callable[[], int],
        at_minute: int | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._tasks = tasks
        self._now_ms = now_ms
        self._at_minute = at_minute
        self._done_day: int | None = None

    async def run(self) -> None:
        while self._at_minute is not None:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a full disk must not end the watch
                say("visit_tasks_not_made", f"{type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_S)
        await asyncio.Event().wait()

    async def look(self) -> None:
        """Make the day's tasks if its time has come and nobody has made them yet."""
        now_ms = self._now_ms()
        today = day_of(now_ms)
        if self._at_minute is None or minute_of(now_ms) < self._at_minute:
            return
        if self._done_day == today:
            return
        if await asyncio.to_thread(self._made_day) != str(today):
            for visitor in await asyncio.to_thread(self._visitors):
                orders = await asyncio.to_thread(self._orders, visitor, now_ms)
                await self._give(visitor, orders, today)
            await self._writer.change(
                lambda unit: unit.execute(_UPSERT, (_DAY_KEY, str(today))).rowcount
            )
        self._done_day = today

    async def _give(self, visitor: str, orders: Sequence[Order], today: int) -> None:
        await self._writer.change(lambda unit: self._change(unit, visitor, orders, today))

    def _change(self, unit: UnitOfWork, visitor: str, orders: Sequence[Order], today: int) -> None:
        midnight_ms = at_minute_ms(today, 0)
        for task in fetch(unit.cursor, _LEFT, (visitor, midnight_ms)):
            # Somebody's own note says that somebody made it; compared here, for it is sealed.
            if task["note"] != NOTE:
                continue
            self._tasks.cancel(unit, task["id"], SYSTEM)
        for order in orders:
            if fetch(unit.cursor, _THERE, (order.home, visitor)):
                continue
            new = NewTask(
                id=name_uuid(_NAMESPACE, f"{visitor}|{order.home}|{today}"),
                kind="routine",
                home=order.home,
                region=order.region,
                due_at_ms=midnight_ms + DAY_MS,
                assignee=visitor,
                note=NOTE,
            )
            self._tasks.create(unit, new, SYSTEM)

    def _made_day(self) -> str | None:
        with self._reader.connect() as connection:
            made = connection.scalar(select(META.c.value).where(META.c.key == _DAY_KEY))
        return None if made is None else str(made)

    def _visitors(self) -> list[str]:
        wanted = select(SERVICE_USER.c.visitor).distinct()
        wanted = wanted.join(ACCOUNT, ACCOUNT.c.username == SERVICE_USER.c.visitor)
        wanted = wanted.where(ACCOUNT.c.disabled.is_(False), SERVICE_USER.c.left_on == "")
        with self._reader.connect() as connection:
            return sorted(str(row["visitor"]) for row in rows(connection, wanted))

    def _orders(self, visitor: str, now_ms: int) -> list[Order]:
        today = day_of(now_ms)
        with self._reader.connect() as connection:
            situation = read_situation(
                connection, now_ms, SERVICE_USER.c.visitor == visitor, today, today
            )
        plan = situation.plan_of(visitor, today, today)
        homes = {one.home: one.region for one in plan.planned if one.day == today}
        return [Order(home=home, region=region) for home, region in homes.items()]
