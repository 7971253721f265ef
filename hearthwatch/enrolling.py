"""The hub's part in certificates of gateways: it asks the authority, keeps the broker's list of
what is revoked, and ends the sessions of those who are out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine

from contract.enrolment import EnrolmentCode
from contract.errors import ContractError
from dashboard.enrolment_port import AuthorityAway, Ends, NoEnrolment
from hearthwatch.authority import certificates
from hearthwatch.authority.asking import AskedAuthority
from hearthwatch.authority.keys import write
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_session import is_own
from hearthwatch.clock import wall_ms
from hearthwatch.enrolment_config import EnrolmentConfig
from hearthwatch.hub_config import HubConfig
from hearthwatch.session_end import end_certified, end_session, own_proofs
from ledger.gateway_certificates import Issued, gateways_of, revoked
from ledger.unit_of_work import Entry, UnitOfWork

# What another process revoked (`hearthwatch admin revoke`) is seen at the next look.
LOOK_S: Final = 15.0
# The broker reads the list a moment after it was written; until then whoever was let go may come
# back, so it is let go again.
AGAIN_S: Final = (0.0, 5.0, 20.0)
# Who was revoked so shortly before a hub begins may still be connected: the hub before it, or the
# process that escalated, may have gone before it let them go.
JUST_REVOKED_MS: Final = 600_000

Revoked = frozenset[tuple[str, int]]


class Authority(Protocol):
    """What is asked of it, in worker threads."""

    def certificate(self) -> str: ...
    def sign(self, gateway: str, request: str) -> Issued: ...
    def revocation_list(self, revoked: Sequence[tuple[str, int]]) -> str: ...


class GatewayObjects(Protocol):
    def gateway(self, row: Mapping[str, object]) -> bytes: ...


class Enrolling:
    """`Enrolment` of a hub that has an authority."""

    on = True
    ends: Ends | None = None

    def __init__(
        self,
        config: EnrolmentConfig,
        broker: BrokerConfig,
        reader: Engine,
        objects: GatewayObjects,
        log: Callable[[str, str], None],
        *,
        authority: Authority | None = None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._config = config
        self._broker = broker
        self._reader = reader
        self._objects = objects
        self._log = log
        self._now_ms = now_ms
        self._authority = authority or AskedAuthority(config.authority)
        self._wake = asyncio.Event()
        self._out: set[str] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._written: Revoked | None = None
        self.state = "ok"

    # For the routes.

    def certificate(self) -> str:
        return self._authority.certificate()

    def code(self, gateway: str, token: str) -> str:
        self._check(gateway)
        return code_text(self._config, self._authority, gateway, token)

    def sign(self, gateway: str, request: str) -> Issued:
        self._check(gateway)
        return self._authority.sign(gateway, request)

    def _check(self, gateway: str) -> None:
        certificates.check_gateway(gateway)
        # The broker makes the name the client's id: as one of the hub's own it would push the hub
        # out of its sessions, with every press that waits there.
        if is_own(self._broker, gateway):
            raise ContractError("bad_name", f"{gateway!r} is a name of the hub's own connections")

    def key_digest(self, request: str) -> str:
        return certificates.key_digest(certificates.key_of_request(request.encode()))

    def proves(self, pem: str, message: bytes, signature: bytes) -> bool:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        try:
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def place(self) -> Mapping[str, object]:
        # RabbitMQ speaks MQTT 3.1.1 and keeps a session on one node alone (ADR 0023).
        rabbit = self._broker.rabbitmq is not None
        return {
            "url": self._config.url,
            "broker_host": self._config.broker_host,
            "broker_port": self._config.broker_port,
            "protocol": "3.1.1" if rabbit else self._broker.protocol,
            "keep_session": not rabbit,
        }

    def note(
        self, unit: UnitOfWork, gateway: str, fact: str, actor: str, reason: str = "", /
    ) -> None:
        cursor = unit.execute("SELECT * FROM gateway WHERE id = ?", (gateway,))
        names = [column[0] for column in cursor.description]
        found = cursor.fetchone()
        if found is None:
            return
        row = dict(zip(names, found, strict=True))
        unit.entry(
            Entry(
                topic="gateway",
                subject=gateway,
                fact=fact,
                actor=actor,
                reason=reason,
                region=row["region"],
                payload=lambda: self._objects.gateway(row),
            )
        )

    def revoked(self, gateway: str) -> None:
        # One of an older book may have any name.
        if not is_own(self._broker, gateway):
            self._out.add(gateway)
        self._wake.set()

    # A part of the hub, on its event loop.

    async def run(self) -> None:
        """Until cancelled: the list as the book has it, and nobody connected who is on it."""
        try:
            while True:
                # Before the look: who is revoked during it is let go by the next, at once.
                self._wake.clear()
                await self._look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._wake.wait()
        finally:
            for task in self._ending:
                task.cancel()

    async def _look(self) -> None:
        out, self._out = self._out, set()
        try:
            self._written, elsewhere = await asyncio.to_thread(self._write_list)
            self.state = "ok"
        except Exception as error:  # noqa: BLE001 - a book that is away must not end the hub
            self._out |= out
            self.state = "the list of what is revoked is not written"
            # Texts of a database's driver are long, and may hold an address.
            known = isinstance(error, AuthorityAway | ContractError | OSError)
            said = str(error)[:200] if known else type(error).__name__
            self._log("revocation_list_not_written", said)
            return
        for gateway in out | elsewhere:
            task = asyncio.create_task(self._end(gateway))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _write_list(self) -> tuple[Revoked, frozenset[str]]:
        """What is on the list, and whose was put there since by another process: a command, one
        that serves pages, the hub before."""
        with self._reader.connect() as connection:
            found = frozenset(revoked(connection))
            new = self._just_revoked(found) if self._written is None else found - self._written
            whose = gateways_of(connection, (serial for serial, _at_ms in new))
            elsewhere = frozenset(one for one in whose if not is_own(self._broker, one))
        if found != self._written or not self._config.crl_file.exists():
            write_list(self._config, self._authority, found)
        return found, elsewhere

    def _just_revoked(self, found: Revoked) -> Revoked:
        now_ms = self._now_ms()
        return frozenset(one for one in found if abs(now_ms - one[1]) < JUST_REVOKED_MS)

    async def _end(self, gateway: str) -> None:
        before_s = 0.0
        for after_s in AGAIN_S:
            await asyncio.sleep(after_s - before_s)
            before_s = after_s
            if self._broker.rabbitmq is None:
                for client_id in (gateway, gateway + certificates.TELEMETRY):
                    await self._told(client_id, end_session(self._broker, client_id))
            else:
                await self._told(gateway, self._end_certified(gateway))

    async def _end_certified(self, gateway: str) -> None:
        proofs = await asyncio.to_thread(own_proofs, self._authority, gateway)
        for client_id, proof in proofs.items():
            await self._told(client_id, end_certified(self._config, proof, client_id))

    async def _told(self, client_id: str, end: Awaitable[None]) -> None:
        try:
            await end
        except (OSError, AuthorityAway, ContractError) as error:
            self._log("session_not_ended", f"{client_id}: {error or type(error).__name__}")


def enrolling(
    config: HubConfig,
    reader: Engine,
    objects: GatewayObjects,
    log: Callable[[str, str], None],
) -> "Enrolling | NoEnrolling":
    if config.enrolment is None:
        return NoEnrolling()
    return Enrolling(config.enrolment, config.broker, reader, objects, log)


class NoEnrolling(NoEnrolment):
    """Nothing to keep."""

    state = "ok"

    async def run(self) -> None:
        await asyncio.Event().wait()


def code_text(config: EnrolmentConfig, authority: Authority, gateway: str, token: str) -> str:
    """The text of a one-time code."""
    certificate = x509.load_pem_x509_certificate(authority.certificate().encode())
    return EnrolmentCode(
        url=config.url,
        gateway=gateway,
        token=token,
        fingerprint=certificates.fingerprint(certificate),
    ).text()


def write_list(config: EnrolmentConfig, authority: Authority, found: Revoked) -> None:
    """Ask for the list and put it where the broker reads it."""
    pem = authority.revocation_list(sorted(found))
    write(config.crl_file, pem.encode(), 0o644)
