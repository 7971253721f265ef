"""Single sign-on by OpenID Connect: authorization code with PKCE, and an ID token that is checked
for who made it, for whom, when and in answer to what. Authlib's and httpx2's adapter; an account
is found by what an administrator linked, and never made.

    browser -> start: state, nonce, verifier in a signed cookie -> provider
    provider -> back?code&state: cookie compared, code and verifier for an ID token, subject
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx2
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from dashboard.signing_in.settings import SignOnSettings

# What the page says; `tokens` and the rest of the reason are in the log.
Why = Literal["unavailable", "refused", "state", "token", "no_account"]

# Public keys only: a token that is signed with a secret or not at all is nobody's.
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "EdDSA")
TIMEOUT_S: Final = 5.0
# What a provider says of itself is a few KB.
ANSWER_BYTES_MAX: Final = 256 * 1024
# Its addresses and keys change seldom; an unknown key is looked for at once.
KEPT_S: Final = 3_600
# Clocks of two machines.
LEEWAY_S: Final = 60
_RANDOM_BYTES: Final = 32
# By these words of `amr` (RFC 8176) a second factor was shown at the provider.
_FACTORS: Final = frozenset({"mfa"})


class SignOnFailed(Exception):  # noqa: N818 - an answer to a user
    """Why nobody came in; `detail` is for the log and never has a token."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What has to come back to the browser that began."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOn:
    subject: str
    factor: bool


class SignOn:
    """One provider. Times are real, in seconds."""

    def __init__(self, settings: SignOnSettings) -> None:
        self.settings = settings
        self._said: Mapping[str, Any] = {}
        self._said_at_s = -KEPT_S
        self._keys: KeySet | None = None

    async def begin(self, redirect_uri: str, now_s: int) -> tuple[str, Flow]:
        """Where the browser goes; SignOnFailed."""
        said = await self._provider(now_s)
        flow = Flow(
            state=secrets.token_urlsafe(_RANDOM_BYTES),
            nonce=secrets.token_urlsafe(_RANDOM_BYTES),
            verifier=secrets.token_urlsafe(_RANDOM_BYTES),
            redirect_uri=redirect_uri,
        )
        address: str = prepare_grant_uri(
            said["authorization_endpoint"],
            self.settings.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=" ".join(self.settings.scopes),
            state=flow.state,
            nonce=flow.nonce,
            code_challenge=create_s256_code_challenge(flow.verifier),
            code_challenge_method="S256",
        )
        return address, flow

    async def end(self, code: str, flow: Flow, now_s: int) -> SignedOn:
        """Whom the provider means; SignOnFailed."""
        said = await self._provider(now_s)
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        settings = self.settings
        answer = await self._ask(
            "POST", said["token_endpoint"], body, (settings.client_id, settings.client_secret)
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignOnFailed("token", "no ID token in the answer")
        claims = await self._checked(token, flow, now_s)
        amr = claims.get("amr") or []
        return SignedOn(
            subject=str(claims["sub"]),
            factor=settings.trusts_factor or bool(_FACTORS & set(map(str, amr))),
        )

    async def _checked(self, token: str, flow: Flow, now_s: int) -> CodeIDToken:
        try:
            read = await self._verified(token, now_s)
            claims = CodeIDToken(
                read.claims,
                read.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                {"nonce": flow.nonce, "client_id": self.settings.client_id},
            )
            claims.validate(now=now_s, leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignOnFailed("token", f"{type(error).__name__}: {error}") from error
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise SignOnFailed("token", "no subject")
        return claims

    async def _verified(self, token: str, now_s: int) -> jwt.Token:
        """Signed by a key of the provider; keys that are new are fetched once."""
        for fresh in (False, True):
            keys = await self._key_set(now_s, fresh=fresh)
            try:
                return jwt.decode(token, keys, algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                if fresh:
                    raise
        raise AssertionError

    async def _key_set(self, now_s: int, *, fresh: bool) -> KeySet:
        if self._keys is None or fresh:
            said = await self._provider(now_s)
            document = await self._ask("GET", said["jwks_uri"])
            self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]  # what is no key set raises, and is refused
        return self._keys

    async def _provider(self, now_s: int) -> Mapping[str, Any]:
        if 0 <= now_s - self._said_at_s < KEPT_S:
            return self._said
        issuer = self.settings.issuer
        said = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            raise SignOnFailed("unavailable", "the provider calls itself by another name")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(said.get(name), str) for name in wanted):
            raise SignOnFailed("unavailable", "the provider says no addresses")
        self._said, self._said_at_s, self._keys = said, now_s, None
        return said

    async def _ask(
        self,
        method: str,
        address: str,
        body: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """A JSON object; SignOnFailed. Redirects are not followed: a code goes nowhere else."""
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
                answer = await client.request(method, address, data=body, auth=auth)
        except httpx2.HTTPError as error:
            raise SignOnFailed("unavailable", f"{type(error).__name__}") from error
        if len(answer.content) > ANSWER_BYTES_MAX:
            raise SignOnFailed("unavailable", "an answer that is too long")
        if 400 <= answer.status_code < 500 and method == "POST":
            raise SignOnFailed("refused", f"the provider answers {answer.status_code}")
        try:
            document = answer.json()
        except ValueError:
            document = None
        if answer.status_code != 200 or not isinstance(document, dict):
            raise SignOnFailed("unavailable", f"the provider answers {answer.status_code}")
        return document
