"""Codes by which machines become gateways, and the certificates they got.

A code is used once, and by one key: the same key that comes again with it (an answer was lost on a
village's line) is answered again, any other is refused. Times are real ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import GATEWAY_CERTIFICATE, GATEWAY_CODE
from ledger.unit_of_work import UnitOfWork

# From the office to the village and back, with a night between.
CODE_MS: Final = 24 * 3_600_000
CERTIFICATE_DAYS: Final = 90
DAY_MS: Final = 86_400_000
# A gateway that was in a drawer for so long is enrolled again by somebody who stands before it.
RENEWABLE_AFTER_MS: Final = 365 * DAY_MS
# Before half its life nothing is renewed: a gateway whose clock is ahead would ask for ever.
RENEWABLE_FROM: Final = 0.5
# Codes and certificates that ended so long ago tell nobody anything any more; a certificate is
# kept as long as it may be renewed.
KEPT_MS: Final = RENEWABLE_AFTER_MS + 30 * DAY_MS

_INSERT_CODE: Final = insert_sql(GATEWAY_CODE)
_INSERT_CERTIFICATE: Final = insert_sql(GATEWAY_CERTIFICATE)


class EnrolmentRefused(Exception):  # noqa: N818 - an answer, not a mistake
    """Why a code or certificate is not taken; `code` is stable, the text says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What the authority signed: one certificate for activations, one for telemetry."""

    serial: str
    key_digest: str
    not_before_ms: int
    not_after_ms: int
    pem: str
    telemetry_pem: str


def issue_code(unit: UnitOfWork, gateway: str, digest: str, actor: str, wall_ms: int) -> int:
    """Keep a new code's digest; unused older ones of this gateway end. Returns when it expires.
    KeyError: there is no such gateway."""
    if unit.execute("SELECT 1 FROM gateway WHERE id = ?", (gateway,)).fetchone() is None:
        raise KeyError(gateway)
    old_ms = wall_ms - KEPT_MS
    unit.execute("DELETE FROM gateway_code WHERE expires_at_ms < ?", (old_ms,))
    unit.execute(
        "UPDATE gateway_code SET expires_at_ms = ?"
        " WHERE gateway = ? AND used_at_ms IS NULL AND expires_at_ms > ?",
        (wall_ms, gateway, wall_ms),
    )
    expires_ms = wall_ms + CODE_MS
    unit.execute(_INSERT_CODE, (digest, gateway, wall_ms, expires_ms, actor, None, None))
    unit.audit(actor, "issued_code", f"gateway:{gateway}")
    return expires_ms


def check_code(row: Mapping[str, Any] | None, key_digest: str, wall_ms: int) -> str:
    """The gateway that this key may become by the code; EnrolmentRefused."""
    if row is None:
        detail = (
            "this hub did not issue this code: it may be another hub's, or was not copied whole"
        )
        raise EnrolmentRefused("unknown_code", detail)
    if row["used_at_ms"] is not None and row["key_digest"] != key_digest:
        detail = "this code was used already: make a new one on the gateway's page"
        raise EnrolmentRefused("code_used", detail)
    if row["expires_at_ms"] <= wall_ms:
        detail = (
            "this code is over; it holds for 24 hours, or until a newer one is made: make a new"
            " one on the gateway's page"
        )
        raise EnrolmentRefused("code_expired", detail)
    return str(row["gateway"])


def take_code(unit: UnitOfWork, digest: str, issued: Issued, wall_ms: int) -> str:
    """Burn the code for this key and keep its certificates; those of the machine before are
    revoked. In one transaction: nobody else becomes this gateway by the same code."""
    gateway = check_code(_code_row(unit.cursor, digest), issued.key_digest, wall_ms)
    unit.execute(
        "UPDATE gateway_code SET used_at_ms = ?, key_digest = ? WHERE digest = ?",
        (wall_ms, issued.key_digest, digest),
    )
    revoke(unit, gateway, "system", "another machine was enrolled", wall_ms)
    _record(unit, gateway, issued, "enrolled", wall_ms)
    return gateway


def check_renewal(row: Mapping[str, Any] | None, wall_ms: int) -> str:
    """The gateway whose certificate this is, if a new one is due; EnrolmentRefused. One that has
    expired may still be renewed, and opens nothing else."""
    if row is None or row["revoked_at_ms"] is not None:
        detail = "this certificate was revoked or is unknown here: enrol the gateway again"
        raise EnrolmentRefused("revoked", detail)
    begin_ms, end_ms = int(row["not_before_ms"]), int(row["not_after_ms"])
    if wall_ms > end_ms + RENEWABLE_AFTER_MS:
        raise EnrolmentRefused("too_old", "it expired a year ago: enrol the gateway again")
    if wall_ms < begin_ms + (end_ms - begin_ms) * RENEWABLE_FROM:
        detail = "not half of its time is over: is the gateway's clock right?"
        raise EnrolmentRefused("too_early", detail)
    return str(row["gateway"])


def renew(unit: UnitOfWork, serial: str, issued: Issued, wall_ms: int) -> str:
    """Keep the new certificates beside the old ones, which end by themselves."""
    gateway = check_renewal(certificate_row(unit.cursor, serial), wall_ms)
    _record(unit, gateway, issued, "renewed", wall_ms)
    return gateway


def revoke(unit: UnitOfWork, gateway: str, actor: str, why: str, wall_ms: int) -> int:
    """End every certificate of a gateway and the key of its second path; how many ended."""
    unit.execute(
        "UPDATE gateway_certificate SET revoked_at_ms = ?, revoked_by = ?, revoked_why = ?"
        " WHERE gateway = ? AND revoked_at_ms IS NULL",
        (wall_ms, actor, why[:200], gateway),
    )
    ended = unit.cursor.rowcount
    unit.execute("DELETE FROM gateway_key WHERE gateway = ?", (gateway,))
    return ended


def end_codes(unit: UnitOfWork, gateway: str, wall_ms: int) -> None:
    """Codes that are under way open nothing any more."""
    unit.execute(
        "UPDATE gateway_code SET expires_at_ms = ? WHERE gateway = ? AND expires_at_ms > ?",
        (wall_ms, gateway, wall_ms),
    )


def _record(unit: UnitOfWork, gateway: str, issued: Issued, how: str, wall_ms: int) -> None:
    old_ms = wall_ms - KEPT_MS
    unit.execute("DELETE FROM gateway_certificate WHERE not_after_ms < ?", (old_ms,))
    # The same key that comes again with its code replaces what was lost on the way.
    row = (
        issued.serial,
        gateway,
        issued.key_digest,
        how,
        wall_ms,
        issued.not_before_ms,
        issued.not_after_ms,
        issued.pem,
        issued.telemetry_pem,
        None,
        None,
        None,
    )
    unit.execute(_INSERT_CERTIFICATE, row)
    unit.audit(f"gateway:{gateway}"[:64], how, f"gateway:{gateway}", f"certificate {issued.serial}")


# Reading.


def _code_row(cursor: Cursor, digest: str) -> dict[str, Any] | None:
    sql = "SELECT gateway, expires_at_ms, used_at_ms, key_digest FROM gateway_code WHERE digest = ?"
    found = cursor.execute(sql, (digest,)).fetchone()
    names = ("gateway", "expires_at_ms", "used_at_ms", "key_digest")
    return None if found is None else dict(zip(names, found, strict=True))


def certificate_row(cursor: Cursor, serial: str) -> dict[str, Any] | None:
    names = ("gateway", "pem", "not_before_ms", "not_after_ms", "revoked_at_ms")
    sql = f"SELECT {', '.join(names)} FROM gateway_certificate WHERE serial = ?"  # noqa: S608 - names of the schema
    found = cursor.execute(sql, (serial,)).fetchone()
    return None if found is None else dict(zip(names, found, strict=True))


def find_code(connection: Connection, digest: str) -> Mapping[str, Any] | None:
    return _one(connection, select(GATEWAY_CODE).where(GATEWAY_CODE.c.digest == digest))


def find_certificate(connection: Connection, serial: str) -> Mapping[str, Any] | None:
    table = GATEWAY_CERTIFICATE
    return _one(connection, select(table).where(table.c.serial == serial))


def certificates_of(connection: Connection, gateway: str) -> Sequence[Mapping[str, Any]]:
    """Newest first."""
    table = GATEWAY_CERTIFICATE
    wanted = select(table).where(table.c.gateway == gateway).order_by(table.c.issued_at_ms.desc())
    return [{**row} for row in connection.execute(wanted).mappings()]


def revoked(connection: Connection) -> Sequence[tuple[str, int]]:
    """(serial, when) of every revoked certificate that is kept: also those that have expired, which
    a broker with a wrong clock would take."""
    table = GATEWAY_CERTIFICATE
    wanted = select(table.c.serial, table.c.revoked_at_ms).where(table.c.revoked_at_ms.is_not(None))
    rows = connection.execute(wanted.order_by(table.c.serial)).all()
    return [(serial, int(at_ms)) for serial, at_ms in rows]


def gateways_of(connection: Connection, serials: Iterable[str]) -> frozenset[str]:
    """Whose certificates these are."""
    table = GATEWAY_CERTIFICATE
    wanted = select(table.c.gateway).where(table.c.serial.in_(sorted(serials)))
    return frozenset(connection.scalars(wanted))


def newest_by_gateway(connection: Connection) -> Mapping[str, Mapping[str, Any]]:
    """Of each gateway the certificate that was issued last, without the certificates themselves."""
    table = GATEWAY_CERTIFICATE
    columns = [c for c in table.c if c.name not in ("pem", "telemetry_pem")]
    rows = connection.execute(select(*columns).order_by(table.c.issued_at_ms)).mappings()
    return {row["gateway"]: {**row} for row in rows}


def waiting_codes(connection: Connection, wall_ms: int) -> Mapping[str, int]:
    """By gateway until when a code that nobody has used yet holds."""
    table = GATEWAY_CODE
    wanted = select(table.c.gateway, table.c.expires_at_ms).where(
        table.c.used_at_ms.is_(None), table.c.expires_at_ms > wall_ms
    )
    return {gateway: int(at_ms) for gateway, at_ms in connection.execute(wanted)}


def find_by_key(connection: Connection, gateway: str, key_digest: str) -> Issued | None:
    """What this key got already: its answer may have been lost on the way."""
    table = GATEWAY_CERTIFICATE
    wanted = select(table).where(
        table.c.gateway == gateway,
        table.c.key_digest == key_digest,
        table.c.revoked_at_ms.is_(None),
    )
    row = _one(connection, wanted.order_by(table.c.issued_at_ms.desc()))
    return None if row is None else Issued(**{name: row[name] for name in Issued.__slots__})


def _one(connection: Connection, wanted: Select[Any]) -> Mapping[str, Any] | None:
    row = connection.execute(wanted).mappings().first()
    return None if row is None else {**row}
