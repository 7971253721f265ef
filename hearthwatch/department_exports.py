"""Files for departments by the calendar: one for each order and period, made at night.

Kept in the outbox folder with its checksum. A failure stays visible until it is mended; it is tried
again each hour. Tables are read beside the writer; only the file's row is a change of the book.
"""

import asyncio
import hashlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, select, text

from contract.ids import name_uuid
from dashboard.department_files import (
    AT_MINUTE,
    Days,
    Made,
    Order,
    make,
    order_of,
    period_before,
)
from dashboard.reads import Row, rows
from hearthwatch.logs import say
from ledger.database import upsert_sql
from ledger.erasure.erasing import WITHDRAWN
from ledger.schema import EXPORT_FILE, EXPORT_ORDER
from ledger.sealing.sealer import EXPORTS
from ledger.unit_of_work import SYSTEM, UnitOfWork
from ledger.writer import Writer
from rules.local_time import DAY_MS, HOUR_MS, day_of, minute_of

_NAMESPACE: Final = uuid.UUID("0c0d1b5e-6c0f-5e0e-9d6b-8e1a5b7f2c11")
LOOK_S: Final = 60.0
AGAIN_MS: Final = HOUR_MS
# What is on the way to somebody else is not an archive.
KEPT_MS: Final = 92 * DAY_MS
FOLDER: Final = "outbox"
_STORE: Final = upsert_sql(EXPORT_FILE)
_ERASED: Final = "SELECT count(*) FROM service_user WHERE erased_at_ms IS NOT NULL"
_MARK_OLD: Final = "UPDATE export_file SET state = 'removed' WHERE state = 'made' AND at_ms < ?"


class DepartmentExports:
    def __init__(
        self, reader: Engine, writer: Writer, now_ms: Callable[[], int], data_dir: Path
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._now_ms = now_ms
        self.folder = data_dir / FOLDER
        # One file at a time: by the calendar, and when somebody asks.
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a full disk must not end the watch
                say("department_files_not_made", f"{type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Make what is due and not made yet."""
        async with self._turn:
            await self._look()

    async def run_now(self, order_id: str) -> None:
        """The file of the last period that is over, whatever the hour; one that is there already
        is made anew. KeyError: there is no such order, or it was stopped."""
        async with self._turn:
            now_ms = self._now_ms()
            order, period, before = await asyncio.to_thread(self._last, order_id, now_ms)
            await self._one(order, period, before, now_ms)

    async def _look(self) -> None:
        now_ms = self._now_ms()
        await self._remove_others()
        if minute_of(now_ms) < AT_MINUTE:
            return
        for order, period, before in await asyncio.to_thread(self._due, now_ms):
            await self._one(order, period, before, now_ms)
        await self._remove_old(now_ms)

    def _due(self, now_ms: int) -> list[tuple[Order, Days, Row | None]]:
        today = day_of(now_ms)
        found = []
        with self._reader.connect() as connection:
            for row in rows(connection, select(EXPORT_ORDER).where(EXPORT_ORDER.c.active)):
                order = order_of(row)
                period = period_before(order.every, today)
                wanted = select(EXPORT_FILE).where(
                    EXPORT_FILE.c.order_id == order.id, EXPORT_FILE.c.period == period.key
                )
                before = next(iter(rows(connection, wanted)), None)
                # One that was withdrawn (ledger/erasure/erasing.py) is made anew.
                waits = before is not None and (
                    before["state"] == "made"
                    or (before["state"] == "failed" and now_ms - before["at_ms"] < AGAIN_MS)
                )
                if not waits:
                    found.append((order, period, before))
        return found

    def _last(self, order_id: str, now_ms: int) -> tuple[Order, Days, Row | None]:
        with self._reader.connect() as connection:
            wanted = select(EXPORT_ORDER).where(
                EXPORT_ORDER.c.id == order_id, EXPORT_ORDER.c.active
            )
            row = next(iter(rows(connection, wanted)), None)
            if row is None:
                raise KeyError(order_id[:64])
            order = order_of(row)
            period = period_before(order.every, day_of(now_ms))
            there = select(EXPORT_FILE).where(
                EXPORT_FILE.c.order_id == order.id, EXPORT_FILE.c.period == period.key
            )
            return order, period, next(iter(rows(connection, there)), None)

    async def _one(self, order: Order, period: Days, before: Row | None, now_ms: int) -> None:
        attempts = 1 if before is None else before["attempts"] + 1
        row: dict[str, Any] = {
            "id": name_uuid(_NAMESPACE, f"{order.id}|{period.key}"),
            "order_id": order.id,
            "period": period.key,
            "state": "failed",
            **dict.fromkeys(("file", "sha256", "detail"), ""),
            **dict.fromkeys(("size", "rows", "withheld"), 0),
            "attempts": attempts,
            "at_ms": now_ms,
        }
        erased = 0
        try:
            erased = await asyncio.to_thread(self._erased)
            made = await asyncio.to_thread(self._make, order, period, now_ms)
            sealed = await self._writer.change(
                lambda unit: unit.seal.content(EXPORTS, made.content)
            )
            row |= await asyncio.to_thread(self._kept, order, period, made, sealed)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and tried again
            row["detail"] = f"{type(error).__name__}: {error}"[:500]
            say("department_file_failed", f"{order.name} {period.key}: {row['detail']}")

        def write(unit: UnitOfWork) -> None:
            if row["state"] == "made" and unit.execute(_ERASED).fetchone()[0] != erased:
                # Erased while her rows were read: it is made anew, as what was there before.
                row.update(state="removed", detail=WITHDRAWN)
            unit.execute(_STORE, tuple(row[column.name] for column in EXPORT_FILE.columns))
            detail = f"{period.key}, {row['rows']} rows, sha256 {row['sha256'][:16]}"
            if row["state"] != "made":
                detail = f"{period.key}: {row['detail']}"
            fact = "exported" if row["state"] == "made" else "export_failed"
            unit.audit(SYSTEM, fact, f"export_order:{order.id}", f"{order.name}, {detail}"[:500])

        await self._writer.change(write)
        if before is not None and before["file"] and before["file"] != row["file"]:
            (self.folder / before["file"]).unlink(missing_ok=True)

    def _erased(self) -> int:
        with self._reader.connect() as connection:
            return int(connection.execute(text(_ERASED)).scalar_one())

    def _make(self, order: Order, period: Days, now_ms: int) -> Made:
        with self._reader.connect() as connection:
            return make(connection, order, period, now_ms)

    def _kept(self, order: Order, period: Days, made: Made, sealed: bytes) -> dict[str, object]:
        """Whole or not at all: a department never fetches half a file. On the disk it is sealed;
        the checksum is of what is fetched."""
        sha256 = hashlib.sha256(made.content).hexdigest()
        name = f"{order.id}-{period.key}-{sha256[:8]}.xlsx"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begun = self.folder / f".{name}.part"
        with open(begun, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(sealed)
            out.flush()
            os.fsync(out.fileno())
        begun.replace(self.folder / name)
        return {
            "state": "made",
            "file": name,
            "sha256": sha256,
            "size": len(made.content),
            "rows": made.rows,
            "withheld": made.withheld,
        }

    async def _remove_old(self, now_ms: int) -> None:
        def mark(unit: UnitOfWork) -> None:
            unit.execute(_MARK_OLD, (now_ms - KEPT_MS,))

        await self._writer.change(mark)
        await self._remove_others()

    async def _remove_others(self) -> None:
        """Files that the book does not offer: too old, withdrawn, or left by a stop in between."""
        await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        made = select(EXPORT_FILE.c.file).where(EXPORT_FILE.c.state == "made")
        with self._reader.connect() as connection:
            offered = {row["file"] for row in rows(connection, made)}
        for path in self.folder.glob("*.xlsx"):
            if path.name not in offered:
                path.unlink(missing_ok=True)
