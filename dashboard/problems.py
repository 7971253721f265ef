"""Errors as RFC 9457 `application/problem+json`, whatever went wrong.

`type` is a stable code, `detail` is for people, `field` names what is to blame. Nothing of the
input is repeated: it may be a password or a person's name.
"""

import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alarms.lifecycle import IllegalMove
from contract.errors import ContractError
from dashboard.passwords import WeakPassword
from dashboard.ports import ReadingsAway
from ledger.cursor import BookUnreachableError
from ledger.documents.pdf import Busy, NotInstalled, TooLong
from ledger.forms.refusal import Refusal
from ledger.persons.files import PersonExists, Refused, StaleFile
from ledger.sealing.ring import Erased
from ledger.unit_of_work import ForgedSeal
from ledger.views import to_json
from ledger.writer import WriterBusy, WriterClosed

_LOG = logging.getLogger("hearthwatch.dashboard")

MEDIA_TYPE = "application/problem+json"

# Which field a refused word stood in.
_FIELDS = {"unknown_outcome": "outcome", "unknown_found_out": "found_out"}
# Codes of refused moves that are mistakes in the request and not a race lost to somebody else.
_MISTAKES = frozenset(
    {
        "unknown_outcome",
        "unknown_found_out",
        "unknown_reason",
        "note_too_long",
        "record_too_large",
        "wrong_label",
        "too_far",
        "not_exact",
        "no_place",
        "unknown_cause",
        "note_missing",
        "nothing_changed",
        "no_such_concern",
    }
)


# Fields of ours, and places in a list; keys of a map are whoever's.
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{1,6}")
_PLAIN_FIELD: Final = re.compile(r"[a-z][a-z_]{0,39}")


class Problem(Exception):  # noqa: N818 - the name RFC 9457 gives it
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`errors`: every field that is wrong, each with its `field`, `code` and words."""
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.errors = errors
        self.headers = headers


class BodyRefused(HTTPException):
    """A problem found while a body comes: of the one type that FastAPI lets through then."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status, problem.detail)
        self.problem = problem


def not_found(what: str) -> Problem:
    """Also the answer for what lies in another region: its existence is nobody's business."""
    return Problem(404, "not_found", f"there is no such {what}")


def bad_field(field: str, detail: str) -> Problem:
    return Problem(422, "invalid", detail, field=field)


def refused(refusals: Sequence[Refusal]) -> Problem:
    """Every field that can't be so, each in both languages."""
    first = refusals[0]
    errors = [asdict(refusal) for refusal in refusals]
    return Problem(422, "refused", first.en, field=first.field, errors=errors)


def problem_response(problem: Problem) -> Response:
    document: dict[str, object] = {
        "type": problem.code,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.field is not None:
        document["field"] = problem.field
    if problem.errors:
        document["errors"] = list(problem.errors)
    return Response(
        to_json(document),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers or {}),
    )


class Unexpected:
    """Innermost ASGI layer: a mistake of ours is a problem document too, under all headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except ClientDisconnect:
            return
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            route = getattr(scope.get("route"), "path", "none")
            _LOG.error("%s %s failed: %s", scope["method"], route, where_it_failed(error))
            detail = "the hub made a mistake; it is in its log"
            await problem_response(Problem(500, "internal", detail))(scope, receive, send)


def where_it_failed(error: BaseException) -> str:
    """The kind of error and the lines it came through; what it says may tell of somebody."""
    lines = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{lines}"


def install(app: FastAPI) -> None:
    """Every kind of error this application can meet becomes a problem document."""

    async def on_problem(_request: Request, error: Exception) -> Response:
        return problem_response(_problem_of(error))

    for kind in (
        Problem,
        HTTPException,
        RequestValidationError,
        IllegalMove,
        ContractError,
        WeakPassword,
        Refused,
        StaleFile,
        PersonExists,
        Erased,
        ForgedSeal,
        WriterBusy,
        WriterClosed,
        SQLAlchemyError,
        BookUnreachableError,
        NotInstalled,
        TooLong,
        Busy,
        ReadingsAway,
    ):
        app.add_exception_handler(kind, on_problem)


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case BodyRefused():
            return error.problem
        case RequestValidationError():
            return _invalid(error)
        case IllegalMove():
            status = 422 if error.code in _MISTAKES else 409
            return Problem(status, error.code, error.detail, field=_FIELDS.get(error.code))
        case ContractError():
            return Problem(422, error.code, error.detail)
        case WeakPassword():
            return Problem(422, "weak_password", str(error), field="password")
        case Refused():
            return refused(error.refusals)
        case StaleFile():
            detail = "somebody else has changed this file meanwhile; load it again"
            return Problem(409, "stale", detail, field="version")
        case Erased() | ForgedSeal() | PersonExists():
            return _not_written(error)
        case NotInstalled() | TooLong() | Busy():
            return _not_printed(error)
        case HTTPException():
            status = HTTPStatus(error.status_code)
            return Problem(
                error.status_code,
                "too_large" if status == 413 else status.name.lower(),
                str(error.detail),
                headers=error.headers,
            )
        case _:
            return _away(error)


def _away(error: Exception) -> Problem:
    if isinstance(error, ReadingsAway):
        detail = "readings can't be had just now; alarms go on without them, ask again later"
        return Problem(503, "readings_away", detail, headers={"Retry-After": "5"})
    _LOG.error("the book cannot be reached: %s", type(error).__name__)
    detail = "the book of record is busy or stopping; send this again in a moment"
    return Problem(503, "unavailable", detail, headers={"Retry-After": "2"})


def _not_written(error: Erased | ForgedSeal | PersonExists) -> Problem:
    match error:
        case PersonExists():
            return Problem(409, "taken", "this id is taken", field="id")
        case ForgedSeal():
            return Problem(422, "invalid", str(error))
        case _:
            return Problem(410, "erased", "this person was erased; nothing is written any more")


def _not_printed(error: NotInstalled | TooLong | Busy) -> Problem:
    match error:
        case NotInstalled():
            detail = "this hub can't make documents: install hearthwatch[documents]"
            return Problem(501, "not_installed", f"{detail} ({error} is missing)")
        case TooLong():
            return Problem(422, "too_long", str(error))
        case _:
            detail = f"{error}; ask again in a moment"
            return Problem(503, "printer_busy", detail, headers={"Retry-After": "5"})


def _invalid(error: RequestValidationError) -> Problem:
    """The first mistake: where, and what was expected (never what was sent)."""
    first = error.errors()[0]
    # The first part of a location is where it was looked for: body, query, path.
    where = [str(part) for part in first.get("loc", ())][1:]
    if first.get("type") == "extra_forbidden":
        # What somebody called a field that there is none of is what was sent; a word of a program's
        # is a slip of its author, who wants to know where.
        where = [*where[:-1], where[-1] if _PLAIN_FIELD.fullmatch(where[-1]) else "?"]
    where = [part if _FIELD.fullmatch(part) else "?" for part in where]
    if first.get("type") == "json_invalid":
        return Problem(422, "not_json", "the body is not JSON", field="body")
    expected = str(first.get("msg", "invalid")).removeprefix("Value error, ")
    return bad_field(".".join(where) or "body", expected)
