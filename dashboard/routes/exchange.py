"""Another platform (省级平台): it brings persons, and reads what changed. See docs/exchange.md."""

import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import Body, Line, Word, local_day
from dashboard.callers import Caller, Hub, needs
from dashboard.exchange_reads import changes
from dashboard.exchange_state import REFUSED, platforms, refusal_note
from dashboard.person_known import read_known
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field
from dashboard.reads import rows
from ledger.forms.refusal import Refusal
from ledger.persons import sheet
from ledger.persons.columns import COLUMN, COLUMNS, header_of
from ledger.persons.exchanging import Brought, Done, NotTakenError, bring, ids_of, known_person
from ledger.persons.files import ID_NUMBER, Refused, find
from ledger.persons.sheet import Heads
from ledger.persons.terms import plain
from ledger.schema import EXCHANGE_PERSON, HOME, PERSON_FILE, SERVICE_USER
from ledger.sealing.at_connection import blind, ring_at
from ledger.unit_of_work import UnitOfWork

router = APIRouter(tags=["exchange"])

# A person's list has some fifty columns.
FIELDS_MAX: Final = 80
# Entries looked at for one page; a county writes some thousand a day.
CHANGES_MAX: Final = 1_000
CHANGES_DEFAULT: Final = 200
# Beyond it a number is none of a version that somebody counts.
VERSION_MAX: Final = 2**53

ExternalId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class BroughtPerson(Body):
    """`version`: the platform's own count of her changes. `fields`: what a list of persons has in
    its cells (`GET exchange/fields`), as people write it. `person`: who of the register it
    is, where name and birthday alone would say so; `new`: that it is none of them."""

    version: Annotated[int, Field(ge=1, le=VERSION_MAX)]
    fields: Annotated[dict[Word, Line | int | float], Field(min_length=1, max_length=FIELDS_MAX)]
    person: Word | None = None
    new: bool = False


@router.get("/exchange/fields")
async def list_fields(_caller: Annotated[Caller, needs("exchange.read")]) -> Response:
    """What `fields` may name: the columns of a list of persons."""
    return answer(
        {
            "items": [
                {
                    "field": column.key,
                    "zh": column.zh,
                    "en": column.en,
                    "needed": column.needed,
                    "example": column.example,
                    "offered": list(column.offered),
                }
                for column in COLUMNS
            ]
        }
    )


@router.put("/exchange/persons/{external_id}")
async def put_person(
    *,
    external_id: ExternalId,
    body: BroughtPerson,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("exchange.write")],
    dry_run: Annotated[bool, Query()] = False,
) -> Response:
    """Make or change a person as this platform knows her: the same again changes nothing, an older
    version is refused. `dry_run`: everything is checked and said, and nothing is written."""
    try:
        return await _put(hub, caller, external_id, body, dry_run=dry_run)
    except (Refused, Problem) as error:
        if not dry_run:
            # Which field and why, and nothing of what was in it.
            trail.note(caller.username, REFUSED, f"external:{external_id}", refusal_note(error))
        raise


async def _put(
    hub: Deps, caller: Caller, external_id: str, body: BroughtPerson, *, dry_run: bool
) -> Response:
    today = local_day(hub.clock.now_ms(), hub.timezone)
    brought = await run_in_threadpool(_brought, hub, caller, external_id, body, today)

    def change(unit: UnitOfWork) -> Done:
        known = known_person(unit, caller.username, external_id)
        person = None if known is None else find(unit, known)
        if person is not None and not caller.sees(person.region):
            raise Problem(409, "moved_away", "this person lives outside this account's region now")
        if not dry_run:
            done = bring(unit, brought, today)
            if done.result != "unchanged":
                hub.roster_changed(unit, done.changed)
            return done
        with unit.trial("dry"):
            return bring(unit, brought, today)

    try:
        done = await hub.writer.change(change)
    except NotTakenError as error:
        raise Problem(409, error.code, str(error)) from None
    return answer(
        {
            "external_id": external_id,
            "person": None if dry_run and done.result == "created" else done.person,
            "version": done.version,
            "result": done.result,
            "dry_run": dry_run,
        }
    )


@router.get("/exchange/state")
def get_state(hub: Hub, caller: Annotated[Caller, needs("export.order")]) -> Response:
    """Each platform's last exchange, and what was refused to it."""
    with hub.engine.connect() as connection:
        return answer({"items": platforms(connection, caller)})


@router.get("/exchange/changes")
def get_changes(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("exchange.read")],
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=CHANGES_MAX)] = CHANGES_DEFAULT,
) -> Response:
    """What changed behind a cursor, oldest first; ask on with `next`, at once while `more`."""
    today = local_day(hub.clock.now_ms(), hub.timezone).isoformat()
    with hub.engine.connect() as connection:
        document = changes(connection, caller, after, limit, today)
    trail.note(caller.username, "exchanged", "changes", f"{len(document['items'])} shown")
    return answer(document)


def _brought(
    hub: Deps, caller: Caller, external_id: str, body: BroughtPerson, today: datetime.date
) -> Brought:
    """Judged as a row of a list is; Refused with everything that can't be."""
    fields = {name: str(value).strip() for name, value in body.fields.items()}
    keys = {name: header_of(name) for name in fields}
    unknown = [name for name, key in keys.items() if key is None]
    if unknown:
        raise Refused([_unknown(name) for name in unknown])
    by_key = {key: fields[name] for name, key in keys.items() if key is not None}
    heads = Heads(line=1, columns=tuple(by_key), texts=tuple(by_key))
    with hub.engine.connect() as connection:
        known = read_known(connection, caller, today)
        row = sheet.judge(1, tuple(by_key.values()), heads, known)
        if row.faults:
            raise Refused(row.faults)
        person = body.person
        doubles = _doubles(hub, caller, row)
    by_number = [one for one in doubles if one["same_number"]]
    if by_number:
        if not caller.sees(by_number[0]["region"]):
            detail = "this identity number is registered outside this account's region"
            raise Problem(409, "id_taken_elsewhere", detail)
        person = by_number[0]["id"]
    elif person is not None and person not in {one["id"] for one in doubles}:
        raise bad_field("person", "nobody of this name and birthday in this region")
    elif person is None and doubles and not body.new and not _is_known(hub, caller, external_id):
        # Two people may have one name and birthday: a human or the other register says.
        names = ", ".join(one["id"] for one in doubles[:5])
        raise Problem(409, "may_be_double", f"same name and birthday: {names}; say person or new")
    return Brought(
        source=caller.username,
        external_id=external_id,
        version=body.version,
        fields=by_key,
        row=row,
        person=person,
    )


def _unknown(name: str) -> Refusal:
    needed = "、".join(COLUMN[key].zh for key in COLUMN if COLUMN[key].needed)
    zh = f"没有“{name}”这一项；必填：{needed}"
    return Refusal(field=name, code="no_such_field", zh=zh, en=f"{name}: no such field")


def _number(row: sheet.Row) -> str:
    return str(row.file.get("id_number", ""))


def _doubles(hub: Deps, caller: Caller, row: sheet.Row) -> list[dict[str, Any]]:
    """Who of the register has this identity number, or this name and birthday in the region."""
    born, name = row.register.get("born", ""), plain(row.register.get("name", ""))
    wanted = (
        select(
            SERVICE_USER.c.id,
            SERVICE_USER.c.name,
            SERVICE_USER.c.born,
            HOME.c.region,
            PERSON_FILE.c.id_number,
        )
        .join(HOME, HOME.c.id == SERVICE_USER.c.home)
        .join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
        .where(SERVICE_USER.c.erased_at_ms.is_(None))
    )
    with hub.engine.connect() as connection:
        number = blind(ring_at(connection), ID_NUMBER, _number(row))
        has = (PERSON_FILE.c.id_number == number, PERSON_FILE.c.id_number != "")
        by_born = rows(connection, wanted.where(SERVICE_USER.c.born == born)) if born else []
        by_number = rows(connection, wanted.where(*has)) if number else []
    found = [one for one in by_born if plain(one["name"]) == name and caller.sees(one["region"])]
    return [
        {**one, "same_number": number != "" and one["id_number"] == number}
        for one in (*found, *by_number)
    ]


def _is_known(hub: Deps, caller: Caller, external_id: str) -> bool:
    """Also of who was erased: the writer says so."""
    with hub.engine.connect() as connection:
        ids = ids_of(ring_at(connection), caller.username, external_id)
        wanted = select(EXCHANGE_PERSON.c.person).where(
            EXCHANGE_PERSON.c.source == caller.username, EXCHANGE_PERSON.c.external_id.in_(ids)
        )
        return connection.execute(wanted).first() is not None
