"""Passkeys: signing in by one, showing it again, and one's own."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Word, clean
from dashboard.callers import ARRIVING, ONESELF, PUBLIC, SETTING_UP, Caller, Hub, client_address
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row
from dashboard.routes.login import stepped_up
from dashboard.signing_in import passkey_rows, webauthn
from dashboard.signing_in.entering import Entry, account_of, enter, refuse
from dashboard.signing_in.webauthn import PasskeyRefused, Passkeys, RelyingParty
from ledger.unit_of_work import UnitOfWork

router = APIRouter(tags=["session"])

_SIGN_IN: Final = "sign in"
# What a browser brings is a few KB; more names are none of WebAuthn.
_KEYS_MAX: Final = 16


# Base64url of at most 1,023 bytes.
PasskeyId = Annotated[str, Path(max_length=1400), AfterValidator(clean)]


class Brought(Body):
    """What the browser's authenticator answered (`PublicKeyCredential.toJSON()`)."""

    credential: Annotated[dict[str, Any], Field(max_length=_KEYS_MAX)]


class NewPasskey(Brought):
    name: Word


class Renamed(Body):
    name: Word


@router.post("/login/passkey/options", dependencies=[PUBLIC])
async def ask_for_passkey(request: Request, hub: Hub) -> Response:
    """What `navigator.credentials.get` is to be asked."""
    party = _party(request, hub)
    return answer(_passkeys(request).to_show(party, _SIGN_IN, hub.wall_ms()))


@router.post("/login/passkey", dependencies=[PUBLIC])
async def sign_in_by_passkey(body: Brought, request: Request, hub: Hub) -> Response:
    """Start a session by a passkey alone: it is both factors."""
    username = await _shown(request, hub, _SIGN_IN, body.credential, 401)
    account = await run_in_threadpool(_account, hub, username)
    if account is None or account["disabled"]:
        raise Problem(401, "bad_passkey", "this passkey opens nothing here")
    entry = Entry(account=account, method="passkey", factor_at_ms=hub.wall_ms())
    return await enter(request, hub, entry)


@router.post("/me/factor/passkey/options")
async def ask_again(request: Request, hub: Hub, caller: Annotated[Caller, ARRIVING]) -> Response:
    """What the browser needs to show a passkey of one's own in this session."""
    party = _party(request, hub)
    return answer(_passkeys(request).to_show(party, _again(caller), hub.wall_ms()))


@router.post("/me/factor/passkey")
async def show_again(
    body: Brought, request: Request, hub: Hub, caller: Annotated[Caller, ARRIVING]
) -> Response:
    """Show a passkey of one's own in this session."""
    username = await _shown(request, hub, _again(caller), body.credential, 403)
    if username != caller.username:
        raise Problem(403, "bad_passkey", "this passkey is another account's")
    return await stepped_up(request, hub, caller, factor=True)


@router.post("/me/passkeys/options")
async def ask_for_new(
    request: Request, hub: Hub, caller: Annotated[Caller, SETTING_UP]
) -> Response:
    """What `navigator.credentials.create` is to be asked."""
    party = _party(request, hub)
    known = [bytes(row["public_key"]) for row in await run_in_threadpool(_mine, hub, caller)]
    return answer(
        _passkeys(request).to_register(party, caller.username, caller.name, known, hub.wall_ms())
    )


@router.post("/me/passkeys", status_code=CREATED)
async def add_passkey(
    body: NewPasskey, request: Request, hub: Hub, caller: Annotated[Caller, SETTING_UP]
) -> Response:
    """Keep a new passkey; with that this session has shown a second factor."""
    party, wall_ms = _party(request, hub), hub.wall_ms()
    try:
        new = _passkeys(request).registered(party, caller.username, body.credential, wall_ms)
        await hub.writer.change(
            lambda unit: passkey_rows.add(unit, caller.username, new, body.name, wall_ms)
        )
    except PasskeyRefused as error:
        raise Problem(422, error.code, error.detail, field="credential") from None
    except passkey_rows.Refused as error:
        raise Problem(409, "not_kept", str(error), field="credential") from None
    response = await stepped_up(request, hub, caller, factor=True, extra={"id": new.id})
    response.status_code = CREATED
    return response


@router.patch("/me/passkeys/{passkey_id}")
async def rename_passkey(
    passkey_id: PasskeyId, body: Renamed, hub: Hub, caller: Annotated[Caller, ONESELF]
) -> Response:
    """What one calls a passkey of one's own."""
    await _change(
        hub, lambda unit: passkey_rows.rename(unit, caller.username, passkey_id, body.name)
    )
    return answer({"id": passkey_id, "name": body.name})


@router.delete("/me/passkeys/{passkey_id}")
async def remove_passkey(
    passkey_id: PasskeyId, hub: Hub, caller: Annotated[Caller, SETTING_UP]
) -> Response:
    """A passkey of one's own opens nothing from now on."""
    await _change(hub, lambda unit: passkey_rows.remove(unit, caller.username, passkey_id))
    return answer({"id": passkey_id})


async def _change(hub: Deps, apply: Callable[[UnitOfWork], None]) -> None:
    try:
        await hub.writer.change(apply)
    except KeyError:
        raise not_found("passkey") from None


async def _shown(
    request: Request, hub: Deps, purpose: str, credential: dict[str, Any], status: int
) -> str:
    """Whose passkey it is."""
    party, wall_ms = _party(request, hub), hub.wall_ms()
    try:
        stored = await run_in_threadpool(_stored, hub, webauthn.id_of(credential))
        if stored is None:
            raise PasskeyRefused("bad_passkey", "this passkey opens nothing here")
        try:
            shown = _passkeys(request).shown(party, purpose, credential, stored, wall_ms)
            if not await hub.writer.change(
                lambda unit: passkey_rows.note_use(unit, shown, wall_ms)
            ):
                raise PasskeyRefused("bad_passkey", "it was shown elsewhere meanwhile")
        except PasskeyRefused as error:
            await refuse(hub, stored.username, client_address(request), error.code)
            raise
    except PasskeyRefused as error:
        # The detail may repeat what was sent.
        raise Problem(status, error.code, "this passkey was not accepted") from None
    return shown.username


def passkeys_possible(request: Request, hub: Deps) -> bool:
    return webauthn.relying_party(hub.signing_in.origin, request.url.hostname) is not None


def _party(request: Request, hub: Deps) -> RelyingParty:
    party = webauthn.relying_party(hub.signing_in.origin, request.url.hostname)
    if party is None:
        detail = "passkeys need `origin` in [signing_in] of hub.toml, and HTTPS"
        raise Problem(409, "no_passkeys", detail)
    return party


def _again(caller: Caller) -> str:
    return f"again:{caller.digest}"


def _passkeys(request: Request) -> Passkeys:
    passkeys: Passkeys = request.app.state.passkeys
    return passkeys


def _stored(hub: Deps, passkey_id: str) -> webauthn.StoredPasskey | None:
    with hub.engine.connect() as connection:
        return passkey_rows.find(connection, passkey_id)


def _mine(hub: Deps, caller: Caller) -> list[Row]:
    with hub.engine.connect() as connection:
        return passkey_rows.of_account(connection, caller.username)


def _account(hub: Deps, username: str) -> Row | None:
    with hub.engine.connect() as connection:
        return account_of(connection, username)
