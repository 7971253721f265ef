"""How a machine becomes a gateway: by a one-time code, with a key that never leaves it.

The names in its request are nobody's business: who it becomes is what the code says. Renewal is by
proof of the old key, which also an expired certificate's may give; it opens nothing else.
"""

import base64
import binascii
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import AfterValidator, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.enrolment import renewal_message
from contract.moment import to_iso
from dashboard.accounts import issue_gateway_key
from dashboard.answers import answer
from dashboard.asked import Body, clean
from dashboard.callers import (
    ENROLMENT_CODE,
    GATEWAY_CERTIFICATE,
    PUBLIC,
    Hub,
    client_address,
)
from dashboard.enrolment_port import AuthorityAway
from dashboard.look_limit import WRONG_MAX, LookLimit
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.sessions import digest_of
from ledger.gateway_certificates import (
    EnrolmentRefused,
    Issued,
    check_code,
    check_renewal,
    find_by_key,
    find_certificate,
    find_code,
    renew,
    take_code,
)
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["gateways"])

# A request for a P-256 key in PEM has about 500 characters.
_Request = Annotated[str, StringConstraints(min_length=1, max_length=8192), AfterValidator(clean)]
_Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
_Serial = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,40}$")]
# DER of two numbers of 32 bytes, as base64.
_Signature = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_PASSWORDS: Final = "gateways of this hub have passwords: [enrolment] in hub.toml"
_STATUS: Final = {"code_used": 409, "code_expired": 410, "too_early": 409}


class NewMachine(Body):
    token: _Token
    request: _Request


class Renewal(Body):
    """`signature`: over `renewal_message`, by the key of the certificate `serial`; base64."""

    serial: _Serial
    request: _Request
    signature: _Signature


@router.get("/enrolment/authority", dependencies=[PUBLIC])
async def get_authority(hub: Hub) -> Response:
    """The authority's certificate, whose fingerprint is in the code, and this hub's time: what a
    gateway needs before it can believe anybody."""
    if not hub.enrolment.on:
        raise Problem(409, "no_enrolment", _PASSWORDS)
    pem = await run_in_threadpool(_asked, hub.enrolment.certificate)
    return answer({"authority": pem, "at": to_iso(hub.wall_ms())})


@router.post("/enrolment", dependencies=[ENROLMENT_CODE])
async def enrol(body: NewMachine, request: Request, hub: Hub) -> Response:
    """Burn the code, answer the gateway's certificates and the key of its second path. The same
    key with the same code is answered again: a village's line may lose an answer."""
    _on(hub)
    guesses = _Guesses(request, hub)
    wall_ms = hub.wall_ms()
    key_digest = hub.enrolment.key_digest(body.request)
    digest = digest_of(body.token)
    try:
        gateway = await run_in_threadpool(_code, hub, digest, key_digest, wall_ms)
        issued = await run_in_threadpool(_asked, hub.enrolment.sign, gateway, body.request)
        authority = await run_in_threadpool(_asked, hub.enrolment.certificate)

        def change(unit: UnitOfWork) -> str:
            taken = take_code(unit, digest, issued, wall_ms)
            hub.enrolment.note(unit, taken, "enrolled", f"gateway:{taken}")
            return issue_gateway_key(unit, taken, actor=f"gateway:{taken}")

        key = await hub.writer.change(change)
    except EnrolmentRefused as refused:
        raise guesses.wrong(refused) from None
    # The machine before, if there was one, is let go at once.
    hub.enrolment.revoked(gateway)
    return answer({**_issued(hub, gateway, issued, authority), "key": key}, 201)


@router.post("/enrolment/renewal", dependencies=[GATEWAY_CERTIFICATE])
async def renew_certificate(body: Renewal, request: Request, hub: Hub) -> Response:
    """New certificates for a new key; the old ones end by themselves."""
    _on(hub)
    guesses = _Guesses(request, hub)
    wall_ms = hub.wall_ms()
    key_digest = hub.enrolment.key_digest(body.request)
    try:
        row = await run_in_threadpool(_certificate, hub, body.serial)
        gateway = check_renewal(row, wall_ms)
        if row is None or not hub.enrolment.proves(
            row["pem"], renewal_message(body.serial, body.request), _raw(body.signature)
        ):
            detail = "the signature is not by the key of this certificate"
            raise EnrolmentRefused("bad_signature", detail)
        authority = await run_in_threadpool(_asked, hub.enrolment.certificate)
        known = await run_in_threadpool(_by_key, hub, gateway, key_digest)
        if known is None:
            issued = await run_in_threadpool(_asked, hub.enrolment.sign, gateway, body.request)

            def change(unit: UnitOfWork) -> None:
                renew(unit, body.serial, issued, wall_ms)
                hub.enrolment.note(unit, gateway, "certificate_renewed", f"gateway:{gateway}")

            await hub.writer.change(change)
        else:
            issued = known
    except EnrolmentRefused as refused:
        raise guesses.wrong(refused) from None
    return answer(_issued(hub, gateway, issued, authority))


class _Guesses:
    """Who tries codes and keys that are none waits longer and longer; activations don't."""

    def __init__(self, request: Request, hub: Deps) -> None:
        self._limit: LookLimit = request.app.state.look_limit
        self._who = f"enrolment:{client_address(request)}"
        self._wall_ms = hub.wall_ms()
        wait_ms = self._limit.wait_ms(self._who, WRONG_MAX, self._wall_ms)
        if wait_ms:
            retry = {"Retry-After": str(-(-wait_ms // 1000))}
            raise Problem(429, "too_many", "too many wrong codes; wait a little", headers=retry)

    def wrong(self, refused: EnrolmentRefused) -> Problem:
        self._limit.count(self._who, self._wall_ms)
        return Problem(_STATUS.get(refused.code, 403), refused.code, refused.detail)


def _on(hub: Deps) -> None:
    if not hub.enrolment.on:
        raise Problem(404, "no_enrolment", _PASSWORDS)


def _asked(ask: Any, *arguments: str) -> Any:
    try:
        return ask(*arguments)
    except AuthorityAway:
        detail = "the certificate authority's process does not run on the hub's machine; try again"
        raise Problem(503, "authority_away", detail, headers={"Retry-After": "10"}) from None


def _code(hub: Deps, digest: str, key_digest: str, wall_ms: int) -> str:
    with hub.engine.connect() as connection:
        return check_code(find_code(connection, digest), key_digest, wall_ms)


def _certificate(hub: Deps, serial: str) -> Any:
    with hub.engine.connect() as connection:
        return find_certificate(connection, serial)


def _by_key(hub: Deps, gateway: str, key_digest: str) -> Issued | None:
    with hub.engine.connect() as connection:
        return find_by_key(connection, gateway, key_digest)


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _issued(hub: Deps, gateway: str, issued: Issued, authority: str) -> Document:
    return {
        "gateway": gateway,
        "serial": issued.serial,
        "certificate": issued.pem,
        "telemetry_certificate": issued.telemetry_pem,
        "authority": authority,
        "not_before": to_iso(issued.not_before_ms),
        "not_after": to_iso(issued.not_after_ms),
        **hub.enrolment.place(),
    }
