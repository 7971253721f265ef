"""Accounts of staff and keys of gateways, as changes of the book; hashes are made beforehand.

For the routes, for `hearthwatch admin` and for the demonstration.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.ids import check_name
from dashboard.passwords import check_password
from dashboard.permissions import ROLES
from dashboard.sessions import close_sessions_of, digest_of, new_token
from dashboard.signing_in.api_tokens import revoke_all
from dashboard.signing_in.known_devices import forget_all
from ledger.database import insert_sql, upsert_sql
from ledger.regions import is_closed
from ledger.schema import ACCOUNT, GATEWAY_KEY
from ledger.unit_of_work import UnitOfWork

NAME_LENGTH_MAX: Final = 64

_INSERT: Final = insert_sql(
    ACCOUNT,
    ("username", "name", "role", "region", "phone", "password", "disabled", "created_at_ms"),
)
_UPSERT_KEY: Final = upsert_sql(GATEWAY_KEY)
# What `change_account` may set, besides the password.
CHANGEABLE: Final = ("name", "role", "region", "phone", "disabled")


class AccountError(ValueError):
    """Why an account cannot be made or changed; `field` is to blame."""

    def __init__(self, code: str, field: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.field = field
        self.detail = detail


def check_account(username: str, role: str, password: str, about: Iterable[str] = ()) -> None:
    """Raise ContractError, AccountError or WeakPassword unless these will do."""
    check_name(username, "username")
    if username == "system":
        raise AccountError("reserved", "username", "`system` is the hub itself")
    check_role(role)
    check_password(password, username, about)


def check_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError("unknown_role", "role", f"a role is one of {', '.join(ROLES)}")


def create_user(
    unit: UnitOfWork,
    *,
    username: str,
    name: str,
    role: str,
    region: str,
    phone: str,
    password_hash: str,
    actor: str,
) -> None:
    """Insert an account whose parts passed `check_account`; AccountError if the name is taken."""
    unit.execute("SELECT 1 FROM account WHERE username = ?", (username,))
    if unit.cursor.fetchone() is not None:
        raise AccountError("taken", "username", "this username is taken")
    check_region(unit, region)
    unit.execute(_INSERT, (username, name, role, region, phone, password_hash, False, unit.now_ms))
    unit.audit(actor, "created", f"account:{username}", f"role {role}, region {region or 'all'}")


def change_account(
    unit: UnitOfWork, username: str, changes: Mapping[str, Any], *, actor: str
) -> None:
    """Set some of `CHANGEABLE`; KeyError for an unknown account.

    Less power takes effect at once: the account's sessions end when its role or region changes
    or when it is disabled. The last administrator stays one.
    """
    before = _account(unit, username)
    for field, value in changes.items():
        if field not in CHANGEABLE:
            raise AccountError("unknown_field", field, "this cannot be changed")
        if field == "role":
            check_role(value)
        if field == "region":
            check_region(unit, value)
        # The name of the column is one of CHANGEABLE.
        unit.execute(f'UPDATE account SET "{field}" = ? WHERE username = ?', (value, username))  # noqa: S608
    if before["role"] == "admin":
        _keep_an_administrator(unit)
    after = _account(unit, username)
    if any(before[key] != after[key] for key in ("role", "region")) or after["disabled"]:
        close_sessions_of(unit, username)
    told = (_told(field, before, after) for field in sorted(changes))
    unit.audit(actor, "changed", f"account:{username}", ", ".join(told))


def _told(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What gives power, before and after; of the rest only that it changed."""
    if field not in before or before[field] == after[field]:
        return field
    old, new = (
        {"": "all", True: "yes", False: "no"}.get(value, value)
        for value in (before[field], after[field])
    )
    return f"{field} {old} → {new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What goes on when an account gets another password: a session, tokens by their ids."""

    session: str = ""
    tokens: frozenset[str] = frozenset()


def set_password(
    unit: UnitOfWork,
    username: str,
    password_hash: str,
    *,
    actor: str,
    wall_ms: int,
    kept: Kept | None = None,
) -> list[str]:
    """Store a new hash; other sessions and programs' tokens end (their names are returned), and no
    browser is known any more: who changes a password may do it because somebody has it."""
    keep = Kept() if kept is None else kept
    _account(unit, username)
    unit.execute("UPDATE account SET password = ? WHERE username = ?", (password_hash, username))
    close_sessions_of(unit, username, keep.session)
    forget_all(unit, username)
    unit.audit(actor, "changed", f"account:{username}", "password")
    return revoke_all(unit, username, actor, wall_ms, keep.tokens)


def issue_gateway_key(unit: UnitOfWork, gateway: str, *, actor: str) -> str:
    """A new key for the gateway's second path; the old one ends. Only its digest is kept."""
    key = new_token()
    unit.execute(_UPSERT_KEY, (gateway, digest_of(key), unit.now_ms))
    unit.audit(actor, "issued_key", f"gateway:{gateway}")
    return key


def check_region(unit: UnitOfWork, region: str) -> None:
    """AccountError unless the region is "" or known."""
    if region:
        unit.execute("SELECT 1 FROM region WHERE code = ?", (region,))
        if unit.cursor.fetchone() is None:
            raise AccountError("unknown_region", "region", "there is no such region")
        if is_closed(unit.cursor, region):
            raise AccountError("closed_region", "region", "this region is closed")


def _account(unit: UnitOfWork, username: str) -> dict[str, Any]:
    unit.execute("SELECT role, region, disabled FROM account WHERE username = ?", (username,))
    row = unit.cursor.fetchone()
    if row is None:
        raise KeyError(username[:64])
    role, region, disabled = row
    return {"role": role, "region": region, "disabled": bool(disabled)}


def _keep_an_administrator(unit: UnitOfWork) -> None:
    unit.execute("SELECT 1 FROM account WHERE role = 'admin' AND region = '' AND NOT disabled")
    if unit.cursor.fetchone() is None:
        raise AccountError("last_admin", "role", "somebody must stay administrator of everything")
