"""Passkeys (WebAuthn): what browsers are asked, and whether what they bring is true. fido2's
adapter; nothing here knows the book.

An authenticator must have checked who holds it (PIN, finger, face): a passkey is both factors.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from dashboard.signing_in import challenges

NAME: Final = "守望 hearthwatch"
LOCAL: Final = "localhost"
# Challenges that were used and would still be good; more than a county signs in in five minutes.
USED_MAX: Final = 10_000
# WebAuthn, 4: an id is at most that long.
ID_BYTES_MAX: Final = 1023
_HANDLE_BYTES: Final = 32
_REQUIRED: Final = UserVerificationRequirement.REQUIRED


class PasskeyRefused(ValueError):  # noqa: N818 - an answer to a user, not a fault
    """Why it doesn't count; a code for the page and words for the log."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Whose passkeys they are: a host, and the pages that may use them."""

    host: str
    accepts: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    id: str
    public_key: bytes
    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPasskey:
    id: str
    username: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPasskey:
    id: str
    username: str
    sign_count: int
    before: int


def relying_party(origin: str, host: str | None) -> RelyingParty | None:
    """By the configured origin; without one only a browser on this machine has passkeys."""
    if origin:
        name = urlsplit(origin).hostname
        return None if name is None else RelyingParty(host=name, accepts=origin.__eq__)
    if host != LOCAL:
        return None
    return RelyingParty(host=LOCAL, accepts=_is_local)


def handle_of(username: str) -> bytes:
    """What authenticators know the account by: nobody's name."""
    return hashlib.sha256(f"hearthwatch account\0{username}".encode()).digest()[:_HANDLE_BYTES]


class Passkeys:
    """Of one hub; its challenges end with its process. Times are real."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(challenges.KEY_BYTES)
        self._used: OrderedDict[bytes, int] = OrderedDict()

    def to_register(
        self,
        party: RelyingParty,
        username: str,
        name: str,
        known: Sequence[bytes],
        now_ms: int,
    ) -> dict[str, Any]:
        """What `navigator.credentials.create` is asked; what has a `known` one refuses."""
        options, _ = _server(party).register_begin(
            PublicKeyCredentialUserEntity(id=handle_of(username), name=username, display_name=name),
            credentials=[AttestedCredentialData(one) for one in known],
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=_REQUIRED,
            challenge=self._challenge(_register(username), now_ms),
        )
        return dict(options)

    def registered(
        self, party: RelyingParty, username: str, response: Mapping[str, Any], now_ms: int
    ) -> NewPasskey:
        """PasskeyRefused."""
        try:
            read = RegistrationResponse.from_dict(response)
            challenge = read.response.client_data.challenge
            state = self._state(_register(username), challenge, now_ms)
            data = _server(party).register_complete(state, read)
            self._spend(challenge, now_ms)
        except PasskeyRefused:
            raise
        except Exception as error:  # the library raises whatever broke in what strangers sent
            raise PasskeyRefused("bad_passkey", f"{type(error).__name__}: {error}") from error
        credential = data.credential_data
        if credential is None or len(credential.credential_id) > ID_BYTES_MAX:
            raise PasskeyRefused("bad_passkey", "no credential in it")
        return NewPasskey(
            id=websafe_encode(credential.credential_id),
            public_key=bytes(credential),
            sign_count=data.counter,
            backed_up=bool(data.is_backed_up()),
        )

    def to_show(self, party: RelyingParty, purpose: str, now_ms: int) -> dict[str, Any]:
        """What `navigator.credentials.get` is asked; the person chooses among what she has."""
        options, _ = _server(party).authenticate_begin(
            user_verification=_REQUIRED, challenge=self._challenge(purpose, now_ms)
        )
        return dict(options)

    def shown(
        self,
        party: RelyingParty,
        purpose: str,
        response: Mapping[str, Any],
        stored: StoredPasskey,
        now_ms: int,
    ) -> ShownPasskey:
        """PasskeyRefused. The caller stores the new count if `before` still stands there."""
        try:
            read = AuthenticationResponse.from_dict(response)
            challenge = read.response.client_data.challenge
            state = self._state(purpose, challenge, now_ms)
            credential = AttestedCredentialData(stored.public_key)
            _server(party).authenticate_complete(state, [credential], read)
            self._spend(challenge, now_ms)
            handle = read.response.user_handle
            count = read.response.authenticator_data.counter
        except PasskeyRefused:
            raise
        except Exception as error:  # the library raises whatever broke in what strangers sent
            raise PasskeyRefused("bad_passkey", f"{type(error).__name__}: {error}") from error
        if handle is not None and handle != handle_of(stored.username):
            raise PasskeyRefused("bad_passkey", "another account's")
        # Many keep no count and say 0; one that counts and does not go on was copied.
        if (count or stored.sign_count) and count <= stored.sign_count:
            raise PasskeyRefused("copied_passkey", f"count {count} after {stored.sign_count}")
        return ShownPasskey(
            id=stored.id, username=stored.username, sign_count=count, before=stored.sign_count
        )

    def _challenge(self, purpose: str, now_ms: int) -> bytes:
        random = secrets.token_bytes(challenges.RANDOM_BYTES)
        return challenges.made(self._key, purpose, random, now_ms)

    def _state(self, purpose: str, challenge: bytes, now_ms: int) -> dict[str, Any]:
        """What the library compares with; each challenge is good once."""
        ends_ms = challenges.ends_at_ms(self._key, purpose, challenge)
        if ends_ms is None:
            raise PasskeyRefused("bad_passkey", "not asked by this hub for this")
        if ends_ms <= now_ms:
            raise PasskeyRefused("too_late", "the challenge has expired; try again")
        if challenge in self._used:
            raise PasskeyRefused("bad_passkey", "this was used before")
        return {"challenge": websafe_encode(challenge), "user_verification": _REQUIRED}

    def _spend(self, challenge: bytes, now_ms: int) -> None:
        """After it was signed rightly: what strangers make up takes no room."""
        while self._used and next(iter(self._used.values())) <= now_ms:
            self._used.popitem(last=False)
        if len(self._used) >= USED_MAX:
            raise PasskeyRefused("busy", "too many at once; try again in a moment")
        self._used[challenge] = now_ms + challenges.LIFE_MS


def id_of(response: Mapping[str, Any]) -> str:
    """The passkey that is shown, as it is stored; PasskeyRefused."""
    given = response.get("rawId")
    if not isinstance(given, str) or len(given) > 2 * ID_BYTES_MAX:
        raise PasskeyRefused("bad_passkey", "no id")
    try:
        return str(websafe_encode(websafe_decode(given)))
    except ValueError as error:
        raise PasskeyRefused("bad_passkey", "no id") from error


def _register(username: str) -> str:
    return f"register:{username}"


def _is_local(origin: str) -> bool:
    return urlsplit(origin).hostname == LOCAL


def _server(party: RelyingParty) -> Fido2Server:
    return Fido2Server(
        PublicKeyCredentialRpEntity(name=NAME, id=party.host), verify_origin=party.accepts
    )
