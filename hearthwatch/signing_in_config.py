"""`[signing_in]` of hub.toml: second factors, the page's origin, sessions, an identity provider."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from contract.config import ConfigError, bounded, check_keys, get, one_of
from dashboard.signing_in.settings import (
    GRACE_DAYS,
    GRACE_DAYS_MAX,
    IDLE_MIN,
    IDLE_MIN_MAX,
    STEP_UP_MIN,
    STEP_UP_MIN_MAX,
    SecondFactor,
    SigningIn,
    SignOnSettings,
)
from hearthwatch.secret_files import wanted_secret

_KEYS: Final = ("origin", "second_factor", "grace_days", "step_up_min", "idle_min", "sign_on")
_SIGN_ON_KEYS: Final = (
    *("issuer", "client_id", "client_secret_file", "name", "scopes", "trusts_factor"),
)
# Those on one machine: browsers trust them without TLS.
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def signing_in_config(
    table: Mapping[str, Any], where: str, base: Path, public_url: str
) -> SigningIn:
    """`public_url`: how people reach this hub, where `origin` says nothing else."""
    check_keys(table, _KEYS, where)
    second = one_of(
        get(table, "second_factor", str, where, "off"), ("off", "staff"), f"{where}.second_factor"
    )
    sign_on = get(table, "sign_on", dict, where, {})
    return SigningIn(
        origin=_origin(table, where, public_url),
        second_factor=cast("SecondFactor", second),
        grace_days=bounded(table, "grace_days", GRACE_DAYS, (0, GRACE_DAYS_MAX), where),
        step_up_min=bounded(table, "step_up_min", STEP_UP_MIN, (1, STEP_UP_MIN_MAX), where),
        idle_min=bounded(table, "idle_min", IDLE_MIN, (1, IDLE_MIN_MAX), where),
        sign_on=_sign_on(sign_on, f"{where}.sign_on", base) if sign_on else None,
    )


def _origin(table: Mapping[str, Any], where: str, public_url: str) -> str:
    given = get(table, "origin", str, where, "")
    parts = urlsplit(given or public_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if given:
        if given.rstrip("/") != origin or not _is_safe(parts.scheme, parts.hostname):
            detail = "expected https://host or https://host:port, as browsers show it"
            raise ConfigError(f"{where}.origin", detail)
        return origin
    return origin if parts.hostname and _is_safe(parts.scheme, parts.hostname) else ""


def _sign_on(table: Mapping[str, Any], where: str, base: Path) -> SignOnSettings:
    check_keys(table, _SIGN_ON_KEYS, where)
    if find_spec("authlib") is None:
        raise ConfigError(where, "needs Authlib: install hearthwatch[oidc]")
    issuer = get(table, "issuer", str, where)
    parts = urlsplit(issuer)
    if not _is_safe(parts.scheme, parts.hostname):
        raise ConfigError(f"{where}.issuer", f"{issuer[:80]!r}, expected https://…")
    scopes = get(table, "scopes", list, where, ["openid"])
    if "openid" not in scopes or not all(isinstance(one, str) and one for one in scopes):
        raise ConfigError(f"{where}.scopes", 'words, "openid" among them')
    return SignOnSettings(
        issuer=issuer,
        client_id=get(table, "client_id", str, where),
        client_secret=wanted_secret(
            table, "client_secret", "HEARTHWATCH_SIGN_ON_SECRET", where, base
        ),
        name=get(table, "name", str, where, "") or (parts.hostname or ""),
        scopes=tuple(scopes),
        trusts_factor=get(table, "trusts_factor", bool, where, False),
    )


def _is_safe(scheme: str, host: str | None) -> bool:
    return bool(host) and (scheme == "https" or (scheme == "http" and host in _LOCAL))
