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
from ledger.sealing.sealer import owner_of
from ledger.unit_of_work import UnitOfWork

_REGION: Final = insert_sql(REGION)
_HOME: Final = insert_sql(HOME, ("id", "region", "address", "access_note"))
_GROUPS: Final = "SELECT parent, name, code FROM region WHERE parent IN"
_HOMES: Final = "SELECT region, address, id FROM home WHERE region IN"
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
    """One portion. What it needs to know is asked for once, and who is new is written together:
    on PostgreSQL a row alone costs as many round trips as it has statements."""

    def __init__(self, unit: UnitOfWork, actor: str, today: datetime.date) -> None:
        self._unit = unit
        self._actor = actor
        self._today = today
        self._homes: dict[tuple[str, str], str] = {}
        self._groups: dict[str, dict[str, str]] = {}
        self._codes: dict[str, list[str]] = {}
        self._numbers: dict[str, str] = {}
        self._new_regions: list[tuple[str, str, str, str]] = []
        self._new_homes: list[tuple[str, str, str, str]] = []
        self._drafts: list[files.Draft] = []
        self._made: set[str] = set()
        self._persons: set[str] = set()
        self._regions: set[str] = set()
        self._of_rows: dict[int, str] = {}

    def take(self, takes: Sequence[Take]) -> list[Taken]:
        self._numbers |= files.holders(self._unit, [self._edit("", take.row) for take in takes])
        places = [take.row.place for take in takes if take.row.place is not None]
        self._read_groups({place.village for place in places if place.new_group})
        self._read_homes({code for place in places if (code := self._known(place))})
        done = [self._one(take) for take in takes]
        self._write()
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
            taken = self._add(take.row) if person is None else self._update(take.row, person)
        except files.Refused as refused:
            return Taken(row=take.row.number, refusals=refused.refusals)
        except (KeyError, Erased):
            return Taken(row=take.row.number, refusals=(_GONE,))
        self._of_rows[take.row.number] = taken.person
        self._persons.add(taken.person)
        return taken

    def _add(self, row: Row) -> Taken:
        """A row that is refused leaves no home and no group: it is looked at before."""
        edit = self._edit(f"person-{uuid.uuid4().hex[:12]}", row)
        draft = files.drafted(self._unit, edit, self._numbers)
        region = self._region(row.place)
        register = {**draft.register, "home": self._home(region, row.address)}
        draft = replace(draft, edit=replace(edit, region=region), register=register)
        self._drafts.append(draft)
        self._numbers |= {files.number_of(self._unit, edit): edit.person}
        return Taken(row=row.number, person=edit.person, how="created")

    def _update(self, row: Row, person: str) -> Taken:
        """What the row says becomes so; where she lives stays, for devices are bound to it."""
        self._write()
        edit = self._edit(person, row)
        with self._unit.savepoint("row"):
            files.change(self._unit, edit)
        if files.ID_NUMBER in row.file:
            # A number that she had before is free for the rows below.
            others = {number: who for number, who in self._numbers.items() if who != person}
            self._numbers = others | {files.number_of(self._unit, edit): person}
        return Taken(row=row.number, person=person, how="updated")

    def _write(self) -> None:
        """Those who are new, with their homes and groups."""
        self._unit.execute_many(_REGION, self._new_regions)
        self._write_homes()
        self._unit.seal.make([draft.edit.person for draft in self._drafts])
        files.write(self._unit, self._drafts)
        self._new_regions, self._new_homes, self._drafts = [], [], []

    def _write_homes(self) -> None:
        seal, made = self._unit.seal, [home for home, *_rest in self._new_homes]
        seal.make([owner_of(None, home) for home in made])
        rows = [
            (home, region, seal.text(owner_of(None, home), address), note)
            for home, region, address, note in self._new_homes
        ]
        self._unit.execute_many(_HOME, rows)
        person_index.refresh_homes(self._unit.cursor, made)

    def _edit(self, person: str, row: Row) -> files.Edit:
        return files.Edit(
            person=person,
            actor=self._actor,
            today=self._today,
            register=row.register,
            file=row.file,
            reason=REASON,
        )

    def _region(self, place: Place | None) -> str:
        assert place is not None  # noqa: S101 - a row without one was rejected
        code = self._known(place)
        if code is None:
            # Of all groups: one that is closed may have left its name to another.
            code = next_code(place.village, self._codes[place.village])
            self._codes[place.village].append(code)
            self._groups[place.village][place.new_group] = code
            self._new_regions.append((code, place.new_group, "group", place.village))
            self._regions.add(code)
        return code

    def _known(self, place: Place) -> str | None:
        """Where its homes are; None in a group that is to be made."""
        if place.new_group:
            return self._groups[place.village].get(place.new_group)
        return place.group or place.village

    def _home(self, region: str, address: str) -> str:
        key = (region, plain(address))
        if key not in self._homes:
            home = f"home-{uuid.uuid4().hex[:12]}"
            self._new_homes.append((home, region, address, ""))
            self._homes[key] = home
            self._made.add(home)
        return self._homes[key]

    def _read_groups(self, villages: set[str]) -> None:
        self._groups = {village: {} for village in villages}
        self._codes = {village: [] for village in villages}
        for village, name, code in self._asked(_GROUPS, villages):
            self._codes[village].append(code)
            self._groups[village].setdefault(name, code)

    def _read_homes(self, regions: set[str]) -> None:
        for region, address, home in self._asked(_HOMES, regions):
            self._homes.setdefault((region, plain(address)), home)

    def _asked(self, sql: str, codes: set[str]) -> list[tuple[str, str, str]]:
        if not codes:
            return []
        # Only marks are put into the text; a portion has fewer rows than a statement may have.
        marks = ", ".join("?" * len(codes))
        return self._unit.execute(f"{sql} ({marks})", tuple(sorted(codes))).fetchall()


_GONE: Final = Refusal(
    field="name",
    code="gone",
    zh="要更新的老人已不在名册中，请重新导入",
    en="the person who was to be updated is no longer in the register; import again",
)
