"""Tables out of the hub: XLSX for Excel, CSV for other programs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import FromTime, QueryWord, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file, download
from dashboard.export import Asked, Subject, TooMany, read
from dashboard.export_registry import SUBJECTS
from dashboard.export_requests import marked, needed, number_of, refusal
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from ledger.documents.comma_file import Encoding, write_csv
from ledger.documents.sheets import local
from ledger.documents.table import Table
from ledger.documents.workbook import write_xlsx

router = APIRouter(tags=["documents"])

Name = Annotated[str, Path(max_length=32)]
Encoded = Annotated[Encoding, Query()]


@router.get("/exports")
def list_exports(caller: Annotated[Caller, needs("data.export")]) -> Response:
    """What this account can export."""
    return answer(
        {
            "items": [
                {
                    "subject": name,
                    "zh": subject.zh,
                    "columns": [column.zh for column in subject.columns],
                    "span": subject.time is not None,
                }
                for name, subject in SUBJECTS.items()
                if subject.needs <= caller.can
            ]
        }
    )


@router.get(
    "/exports/{subject}.{ending}", response_class=Response, responses=as_file("csv", "xlsx")
)
def export_subject(
    *,
    subject: Name,
    ending: Literal["xlsx", "csv"],
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("data.export")],
    region: QueryWord = None,
    from_: FromTime = None,
    to: QueryWord = None,
    encoding: Encoded = "utf-8",
) -> Response:
    """One subject of a region and of [from, to) by its own time; without them all that is seen.
    What is large, or everything at once, is asked for (`POST export-requests`). Each row says who
    took it and when."""
    wanted = SUBJECTS.get(subject)
    if wanted is None:
        raise not_found("export")
    if not wanted.needs <= caller.can:
        missing = ", ".join(sorted(wanted.needs - caller.can))
        raise Problem(403, "forbidden", f"the role {caller.role} may not {missing}")
    asked = _asked(caller, region, from_, to)
    with hub.engine.connect() as connection:
        table = table_of(connection, wanted, asked)
    if needed(table):
        raise refusal(len(table.rows))
    number = number_of(hub.clock.now_ms())
    table = marked(table, caller, number, hub.clock.now_ms())
    made = write_xlsx([table]) if ending == "xlsx" else write_csv(table, encoding)
    detail = f"{number}, {len(table.rows)} rows, {ending}"
    trail.note(caller.username, "exported", f"export:{subject}", detail)
    return download(made, file_name(hub, wanted.zh), ending)


def _asked(caller: Caller, region: str | None, from_: str | None, to: str | None) -> Asked:
    from_ms, to_ms = instant_ms(from_, "from"), instant_ms(to, "to")
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise bad_field("from", "`from` lies before `to`")
    return Asked(caller=caller, region=region, from_ms=from_ms, to_ms=to_ms)


def table_of(connection: Connection, subject: Subject, asked: Asked) -> Table:
    try:
        return read(connection, subject, asked)
    except TooMany as error:
        raise Problem(422, "too_long", f"{subject.zh}: {error}") from None


def file_name(hub: Deps, zh: str) -> str:
    return f"{zh}-{local(hub.clock.now_ms()):%Y%m%d}"
