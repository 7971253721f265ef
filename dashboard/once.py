"""`Idempotency-Key`: a change that is sent twice happens once and is answered the same twice, also
at the same moment and at two processes.

The key belongs to the account and to one request: its method, path and body.
"""

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.callers import Caller, deps_of
from dashboard.one_at_a_time import OneAtATime
from dashboard.ports import Deps
from dashboard.problems import Problem
from ledger.database import insert_sql
from ledger.schema import IDEMPOTENCY
from ledger.sealing.at_connection import content_of
from ledger.sealing.sealer import ANSWERS
from ledger.unit_of_work import UnitOfWork
from ledger.views import to_json

_LOG = logging.getLogger("hearthwatch.dashboard")

HEADER: Final = "idempotency-key"
# A phone that was out of reach sends its queue the next day.
KEPT_MS: Final = 48 * 3_600_000
# With the username and a colon it fits the column of 160 characters.
_KEY: Final = re.compile(r"[\x21-\x7e]{1,90}\Z")

_INSERT: Final = insert_sql(IDEMPOTENCY, conflict='ON CONFLICT ("key") DO NOTHING')

JSON: Final = "application/json"


async def once(
    request: Request, caller: Caller, work: Callable[[], Awaitable[object]], status: int = 200
) -> Response:
    """Do `work` and answer its document, or repeat the answer that this key got before."""
    key = request.headers.get(HEADER)
    if key is None:
        return Response(to_json(await work()), status_code=status, media_type=JSON)
    if not _KEY.match(key):
        raise Problem(422, "bad_key", "1 to 90 visible ASCII characters", field="Idempotency-Key")
    deps = deps_of(request)
    full_key = f"{caller.username}:{key}"
    route = await _fingerprint(request)
    in_flight: OneAtATime = request.app.state.in_flight
    async with in_flight.turn(full_key):
        known = await run_in_threadpool(_recall, deps, full_key, route)
        if known is not None:
            return known
        body = to_json(await work())
        await _remember(deps, full_key, route, status, body)
        return Response(body, status_code=status, media_type=JSON)


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(await request.body()).hexdigest()[:32]
    return f"{request.method} {request.url.path} {digest}"


def _recall(deps: Deps, key: str, route: str) -> Response | None:
    with deps.engine.connect() as connection:
        row = connection.execute(select(IDEMPOTENCY).where(IDEMPOTENCY.c.key == key)).first()
        body = b"" if row is None else content_of(connection, bytes(row.body))
    if row is None or deps.wall_ms() - row.at_ms > KEPT_MS:
        return None
    if row.route != route:
        detail = "this key was used for another request"
        raise Problem(422, "key_reused", detail, field="Idempotency-Key")
    headers = {"Idempotent-Replayed": "true"}
    return Response(body, status_code=row.status, media_type=JSON, headers=headers)


async def _remember(deps: Deps, key: str, route: str, status: int, body: bytes) -> None:
    """The work is done by now: failing to note the answer must not make it look undone."""
    wall_ms = deps.wall_ms()

    def write(unit: UnitOfWork) -> None:
        unit.execute("DELETE FROM idempotency WHERE at_ms < ?", (wall_ms - KEPT_MS,))
        # An answer may be all of somebody's file.
        unit.execute(_INSERT, (key, route, status, unit.seal.content(ANSWERS, body), wall_ms))

    try:
        await deps.writer.change(write)
    except Exception as error:  # noqa: BLE001 - see above
        _LOG.warning("an idempotent answer was not stored: %s", type(error).__name__)
