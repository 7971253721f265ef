"""A gateway's certificates on its page: what it has, a code for a new machine, and the end of all
of them when the machine was lost or stolen."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, answer
from dashboard.asked import Body, PathId, Reason
from dashboard.callers import Caller, Hub, needs
from dashboard.enrolment_port import AuthorityAway
from dashboard.label import address_code
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.register_reads import find_gateway
from dashboard.sessions import digest_of, new_token
from ledger.gateway_certificates import (
    certificates_of,
    end_codes,
    issue_code,
    revoke,
    waiting_codes,
)
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, instant

router = APIRouter(tags=["gateways"])


class Revocation(Body):
    reason: Reason


@router.get("/gateways/{gateway_id}/certificates")
def list_certificates(
    gateway_id: PathId, hub: Hub, caller: Annotated[Caller, needs("gateway.read")]
) -> Response:
    """`enrolment`: whether gateways of this hub have certificates at all; newest first."""
    return answer(_document(hub, caller, gateway_id))


@router.post("/gateways/{gateway_id}/code", status_code=CREATED)
async def make_code(
    gateway_id: PathId, hub: Hub, caller: Annotated[Caller, needs("gateway.write")]
) -> Response:
    """A one-time code for the machine that is to be this gateway, as text and as a QR code; shown
    this once. A code that was made before and not used ends."""
    await run_in_threadpool(_document, hub, caller, gateway_id)
    if not hub.enrolment.on:
        detail = "gateways of this hub have passwords: [enrolment] in hub.toml"
        raise Problem(409, "no_enrolment", detail)
    token, wall_ms = new_token(), hub.wall_ms()
    try:
        text = await run_in_threadpool(hub.enrolment.code, gateway_id, token)
    except AuthorityAway:
        detail = "the certificate authority does not answer; on the hub: hearthwatch doctor"
        raise Problem(503, "authority_away", detail) from None

    def change(unit: UnitOfWork) -> int:
        return issue_code(unit, gateway_id, digest_of(token), caller.username, wall_ms)

    expires_ms = await hub.writer.change(change)
    # Not by `once`: a code must not be kept in the table of answers.
    document = {"code": text, "svg": address_code(text), "expires_at": instant(expires_ms)}
    return answer(document, CREATED)


@router.post("/gateways/{gateway_id}/revoke")
async def revoke_gateway(
    gateway_id: PathId,
    body: Revocation,
    hub: Hub,
    caller: Annotated[Caller, needs("gateway.write")],
) -> Response:
    """Nothing that this machine knows opens anything any more: its certificates, its key of the
    second path, codes that are under way. Its homes are watched again when another is enrolled."""
    await run_in_threadpool(_document, hub, caller, gateway_id)
    wall_ms = hub.wall_ms()

    def change(unit: UnitOfWork) -> None:
        ended = revoke(unit, gateway_id, caller.username, body.reason, wall_ms)
        end_codes(unit, gateway_id, wall_ms)
        unit.audit(caller.username, "revoked", f"gateway:{gateway_id}", body.reason)
        if ended:
            hub.enrolment.note(unit, gateway_id, "revoked", caller.username, body.reason)

    await hub.writer.change(change)
    hub.enrolment.revoked(gateway_id)
    return answer(await run_in_threadpool(_document, hub, caller, gateway_id))


def _document(hub: Deps, caller: Caller, gateway_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_gateway(connection, gateway_id)
        if row is None or not caller.sees(row["region"]):
            raise not_found("gateway")
        held = certificates_of(connection, gateway_id)
        waiting = waiting_codes(connection, hub.wall_ms()).get(gateway_id)
    return {
        "enrolment": hub.enrolment.on,
        "code_until": instant(waiting),
        "items": [_certificate(one) for one in held],
    }


def _certificate(row: Mapping[str, Any]) -> Document:
    return {
        "serial": row["serial"],
        "how": row["how"],
        "issued_at": instant(row["issued_at_ms"]),
        "not_after": instant(row["not_after_ms"]),
        "revoked_at": instant(row["revoked_at_ms"]),
        "revoked_by": row["revoked_by"],
        "revoked_why": row["revoked_why"],
    }
