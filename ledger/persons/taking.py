"""Rows of a list become persons: a portion in one transaction, each row for itself.

In the writer's thread. A row that the book refuses after all is told and takes nothing with it.
"""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ledger.database import insert_sql
from ledger.forms.refusal import Refusal
from ledger.persons import files
from ledger.persons import index as person_index
from ledger.persons.places import Place, next_code
from ledger.persons.sheet import Row
from ledger.persons.terms import plain
from ledger.register_changes import Changed
from ledger.schema import HOME, REGION
from ledger.sealing.ring import Erased
from ledger.unit_of_work import UnitOfWork

_REGION: Final = insert_sql(REGION)
_HOME: Final = insert_sql(HOME, ("id", "region", "address", "access_note"))
REASON: Final = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A row and the person it is about, or the row above of whom she was made; without either a
    new one is made."""

    row: Row
    person: str | None = None
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a row; with `refusals` nothing did."""

    row: int
    person: str = ""
    how: str = "failed"
    refusals: tuple[Refusal, ...] = ()


class Taking:
    """One portion. Remembers the homes and groups that it found and made."""

    def __init__(self, unit: UnitOfWork, actor: str, today: datetime.date) -> None:
        self._unit = unit
        self._actor = actor
        self._today = today
        self._homes: dict[tuple[str, str], str] = {}
        self._read: set[str] = set()
        self._regions: set[str] = set()
        self._made: set[str] = set()
        self._persons: set[str] = set()
        self._of_rows: dict[int, str] = {}

    def take(self, takes: Sequence[Take]) -> list[Taken]:
        done = [self._one(take) for take in takes]
        # Whoever was updated is in the index already.
        created = [one.person for one in done if one.how == "created"]
        person_index.refresh(self._unit.cursor, created, counted=True)
        return done

    @property
    def changed(self) -> Changed:
        return Changed(
            homes=frozenset(self._made),
            persons=frozenset(self._persons),
            regions=frozenset(self._regions),
        )

    def _one(self, take: Take) -> Taken:
        person = take.person or self._of_rows.get(take.above)
        try:
            with self._unit.savepoint("row"):
                taken = self._add(take.row) if person is None else self._update(take.row, person)
        except files.Refused as refused:
            # What it had made is taken back with it; what was read before may be gone.
            self._forget()
            return Taken(row=take.row.number, refusals=refused.refusals)
        except (KeyError, Erased):
            self._forget()
            return Taken(row=take.row.number, refusals=(_GONE,))
        self._of_rows[take.row.number] = taken.person
        return taken

    def _add(self, row: Row) -> Taken:
        person = f"person-{uuid.uuid4().hex[:12]}"
        region = self._region(row.place)
        home = self._home(region, row.address)
        edit = self._edit(person, row, {**row.register, "home": home})
        files.create(self._unit, replace(edit, region=region), index=False)
        self._persons.add(person)
        return Taken(row=row.number, person=person, how="created")

    def _update(self, row: Row, person: str) -> Taken:
        """What the row says becomes so; where she lives stays, for devices are bound to it."""
        files.change(self._unit, self._edit(person, row, row.register))
        self._persons.add(person)
        return Taken(row=row.number, person=person, how="updated")

    def _edit(self, person: str, row: Row, register: dict[str, object]) -> files.Edit:
        return files.Edit(
            person=person,
            actor=self._actor,
            today=self._today,
            register=register,
            file=row.file,
            reason=REASON,
        )

    def _region(self, place: Place | None) -> str:
        assert place is not None  # noqa: S101 - a row without one was rejected
        if not place.new_group:
            return place.group or place.village
        sql = "SELECT code, name FROM region WHERE parent = ?"
        groups = self._unit.execute(sql, (place.village,)).fetchall()
        for code, name in groups:
            if name == place.new_group:
                return str(code)
        code = next_code(place.village, (str(group[0]) for group in groups))
        self._unit.execute(_REGION, (code, place.new_group, "group", place.village))
        self._regions.add(code)
        return code

    def _home(self, region: str, address: str) -> str:
        if region not in self._read:
            sql = "SELECT id, address FROM home WHERE region = ?"
            for home, known in self._unit.execute(sql, (region,)).fetchall():
                self._homes.setdefault((region, plain(known)), home)
            self._read.add(region)
        key = (region, plain(address))
        if key not in self._homes:
            home = f"home-{uuid.uuid4().hex[:12]}"
            self._unit.execute(_HOME, (home, region, address, ""))
            self._homes[key] = home
            self._made.add(home)
        return self._homes[key]

    def _forget(self) -> None:
        self._homes, self._read = {}, set()


_GONE: Final = Refusal(
    field="name",
    code="gone",
    zh="要更新的老人已不在名册中，请重新导入",
    en="the person who was to be updated is no longer in the register; import again",
)
