"""What an older program wrote in clear is sealed portion by portion beside a running hub; a stop in
between loses nothing, for what is sealed already shows it."""

from typing import Any, Final

from ledger.cursor import Cursor
from ledger.database import upsert_sql
from ledger.forms.counted import of_file, of_visit
from ledger.persons.files import ID_NUMBER
from ledger.schema import META
from ledger.sealing.at_connection import ring_of
from ledger.sealing.columns import SEALED, Sealed
from ledger.sealing.ring import Erased
from ledger.sealing.sealer import Sealer
from ledger.sealing.tokens import MARK, MARK_BYTES
from ledger.unit_of_work import UnitOfWork
from ledger.views import document_of

# Rows in one transaction: about 20 ms, for a press may wait behind it.
PORTION: Final = 200
# Photos are a few hundred KB each.
PORTION_OF_CONTENT: Final = 10
# The first tables are the register's.
REGISTER: Final = 4
# The list's second state, with names, addresses and labels: a book that was done with the first is
# gone through once more.
KEY: Final = "sealed_rows_2"
DONE: Final = "done"
_META: Final = upsert_sql(META)


def catch_up(unit: UnitOfWork) -> bool:
    """A portion; True while there is more. `meta` says which table is next and behind which row."""
    if ring_of(unit.cursor) is None:
        return False
    place = _place(unit.cursor)
    if place is None:
        return False
    number, after = place
    table = SEALED[number]
    portion = PORTION_OF_CONTENT if table.content else PORTION
    rows = _rows(unit.cursor, table, after, portion)
    for key, owner, stored in rows:
        _seal(unit, table, key, owner, stored)
    if len(rows) == portion:
        _note(unit, f"{number}:{rows[-1][0]}")
        return True
    more = number + 1 < len(SEALED)
    _note(unit, f"{number + 1}:" if more else DONE)
    return more


def catch_up_persons(unit: UnitOfWork) -> bool:
    """As `catch_up`, as far as the register: until then nobody is found by number or telephone."""
    place = None if ring_of(unit.cursor) is None else _place(unit.cursor)
    return place is not None and place[0] < REGISTER and catch_up(unit)


def is_done(cursor: Cursor) -> bool:
    """Whether nothing of an older program is left in clear."""
    return _place(cursor) is None


def _place(cursor: Cursor) -> tuple[int, str] | None:
    found = cursor.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchall()
    text = str(found[0][0]) if found else "0:"
    if text == DONE:
        return None
    number, _, after = text.partition(":")
    return int(number), after


def _note(unit: UnitOfWork, place: str) -> None:
    unit.execute(_META, (KEY, place))


def _rows(
    cursor: Cursor, table: Sealed, after: str, portion: int
) -> list[tuple[Any, str | None, dict[str, Any]]]:
    """Key, owner and columns as they are stored: what is sealed comes marked, and not opened."""
    names = [*table.columns, *([table.content] if table.content else [])]
    # Nothing that the ring would open: a text comes as bytes, or with a sign before it.
    columns = ", ".join(f"'=' || t.\"{n}\"" if n in table.columns else f't."{n}"' for n in names)
    key = ", ".join(_key(table))
    marks = ", ".join("?" * len(_key(table)))
    first = (int(after or -1),) if table.key == "t.seq" else _values(table, after)
    cursor.execute(
        f"SELECT {table.key}, {table.owner}, {columns} FROM {table.source}"  # noqa: S608
        f" WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT {portion}",
        first,
    )
    found = []
    for key, owner, *values in cursor.fetchall():
        stored = dict(zip(names, values, strict=True))
        texts = {n: v[1:] for n, v in stored.items() if n in table.columns and v is not None}
        found.append((key, owner, {**stored, **texts}))
    return found


def _seal(
    unit: UnitOfWork, table: Sealed, key: Any, owner: str | None, stored: dict[str, Any]
) -> None:
    if owner is None:
        return
    changes: dict[str, Any] = {}
    try:
        for name, form in table.columns.items():
            value = stored[name]
            if value is not None and not value.startswith(MARK):
                new = _SEAL[form](unit.seal, owner, value)
                changes |= {name: new} if new != value else {}
        if table.content and stored[table.content]:
            content = bytes(stored[table.content])
            if not content.startswith(MARK_BYTES):
                changes[table.content] = unit.seal.content(owner, content)
    except Erased:
        # Written by an older program after she was erased by this one: a copy that came back.
        return
    changes |= _beside(unit, table.table, stored)
    if not changes:
        return
    new = ", ".join(f'"{name}" = ?' for name in changes)
    same = " AND ".join(f"{part} = ?" for part in _key(table))
    unit.execute(
        f'UPDATE "{table.table}" AS t SET {new} WHERE {same}',  # noqa: S608 - our own names
        (*changes.values(), *_values(table, key)),
    )


def _key(table: Sealed) -> tuple[str, ...]:
    """Columns that the table's own index finds a row by."""
    return table.parts or (table.key,)


def _values(table: Sealed, key: Any) -> tuple[Any, ...]:
    """What these columns have in the row of this key; before all rows for an empty one."""
    if not table.parts:
        return (key,)
    found = str(key).split("/", len(table.parts) - 1)
    return (*found, *("" for _ in table.parts[len(found) :]))


_SEAL: Final = {"t": Sealer.text, "j": Sealer.json_object, "l": Sealer.json_list}


def _beside(unit: UnitOfWork, table: str, stored: dict[str, Any]) -> dict[str, Any]:
    """What stands in clear columns because of what is sealed now."""
    if table == "visit" and not stored["record"].startswith(MARK):
        return {"counted": unit.seal.codes(of_visit(document_of(stored["record"])))}
    if table == "person_file" and not stored["document"].startswith(MARK):
        document = document_of(stored["document"])
        number = str(document.get("id_number") or "")
        return {
            "counted": unit.seal.codes(of_file(document)),
            "id_number": unit.seal.blind(ID_NUMBER, number),
        }
    # Of who waits and of who may write to us: both are looked for by their code.
    if table == "outbox" and stored["target"] and not stored["target"].startswith(MARK):
        return {"target_code": unit.seal.blind("address", stored["target"])}
    if table == "contact_point" and not stored["address"].startswith(MARK):
        return {"address_code": unit.seal.blind("address", stored["address"])}
    return {}
