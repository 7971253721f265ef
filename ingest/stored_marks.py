"""The spool marks of the urgent lane, kept in the book and written with the same commit."""

import json
from collections.abc import Sequence
from typing import Final

from ingest.marks import SpoolMark
from ledger.cursor import Cursor
from ledger.database import upsert_sql
from ledger.keyed_rows import keyed_rows
from ledger.schema import SPOOL_MARK
from ledger.unit_of_work import UnitOfWork, compact

_UPSERT: Final = upsert_sql(SPOOL_MARK)


class StoredMarks:
    """Marks by spool; those handed out since the last write are written by the next."""

    def __init__(self) -> None:
        self._marks: dict[str, SpoolMark] = {}
        self._touched: set[str] = set()

    def reload(self, cursor: Cursor) -> None:
        cursor.execute("SELECT spool, gateway, contiguous, beyond, gap_since_ms FROM spool_mark")
        self._marks = {row[0]: _mark(*row) for row in cursor.fetchall()}
        self._touched = set()

    def follow(self, cursor: Cursor, spools: Sequence[str]) -> None:
        """Marks that others have written: they hear these spools now, or did until now."""
        for row in keyed_rows(cursor, "spool_mark", "spool", spools):
            self._marks[row["spool"]] = _mark(**row)

    def of(self, spool: str, gateway: str) -> SpoolMark:
        self._touched.add(spool)
        mark = self._marks.get(spool)
        if mark is None:
            mark = self._marks[spool] = SpoolMark(spool=spool, gateway=gateway)
        return mark

    def write(self, unit: UnitOfWork) -> None:
        rows = [self._row(self._marks[spool]) for spool in sorted(self._touched)]
        self._touched.clear()
        unit.cursor.executemany(_UPSERT, rows)

    @staticmethod
    def _row(mark: SpoolMark) -> tuple[str, str, int, str, int | None]:
        beyond = compact(mark.beyond) if mark.beyond else "[]"
        return (mark.spool, mark.gateway, mark.contiguous, beyond, mark.gap_since_ms)

    def find(self, spool: str) -> SpoolMark | None:
        return self._marks.get(spool)


def _mark(
    spool: str, gateway: str, contiguous: int, beyond: str, gap_since_ms: int | None
) -> SpoolMark:
    return SpoolMark(
        spool=spool,
        gateway=gateway,
        contiguous=contiguous,
        beyond=json.loads(beyond),
        gap_since_ms=gap_since_ms,
    )
