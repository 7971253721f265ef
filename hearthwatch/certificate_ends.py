"""When the broker's certificate and the authority's own end, told while there is time.

Gateways have theirs renewed by themselves; these two a person has to think of, after 825 days and
after ten years, and once they are over no gateway comes in by the broker any more. The broker's is
looked at where gateways see it, at its port: what lies in a folder may not be what it serves.
"""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from cryptography import x509
from prometheus_client import CollectorRegistry

from dashboard.enrolment_port import AuthorityAway
from dashboard.middleware import gauge
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.enrolment_config import EnrolmentConfig
from rules.finding import Severity

# A certificate is good for years; who has renewed it wants to see that it was.
LOOK_S: Final = 3600.0
TIMEOUT_S: Final = 5.0
DAY_MS: Final = 86_400_000
# Told at each of them: time to plan, time to do it, and no time left.
STAGES_DAYS: Final = (60, 30, 7)
BROKER: Final = "broker"
AUTHORITY: Final = "authority"
# An alarm of its own: gateways refuse the broker now, whatever its certificate's end.
REFUSED: Final = "watchdog_broker_refused"
RULES: Final[Mapping[str, str]] = {
    BROKER: "watchdog_broker_certificate",
    AUTHORITY: "watchdog_authority_certificate",
}


class Tell(Protocol):
    """Opens an alarm of the hub's own, makes it heard again, or ends it."""

    def __call__(
        self,
        rule: str,
        failed: bool,
        evidence: Mapping[str, Any],
        severity: Severity = "technical",
        /,
    ) -> Awaitable[object]: ...


class RefusedError(Exception):
    """The broker serves what no gateway believes; the text says why."""


def stage_of(ends_ms: int, now_ms: int) -> int | None:
    """The last of the stages that is reached; 0: it is over; None: there is time."""
    if ends_ms <= now_ms:
        return 0
    reached = [days for days in STAGES_DAYS if ends_ms - now_ms <= days * DAY_MS]
    return min(reached, default=None)


def days_left(ends_ms: int, now_ms: int) -> int:
    """Whole days; below zero: so many ago."""
    return (ends_ms - now_ms) // DAY_MS


def ends_of(pem: str) -> int:
    """When this certificate ends."""
    return _ms(x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc)


def served(config: EnrolmentConfig, broker: BrokerConfig, authority_pem: str) -> int:
    """When the certificate ends that gateways are shown, looked at as they do; for worker threads.
    RefusedError: they would not believe it. OSError: nobody answers."""
    context = ssl.create_default_context(cadata=authority_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    failed: OSError | None = None
    # From here the broker may have no way by the name that it has outside.
    for host in dict.fromkeys((broker.host, config.broker_host)):
        try:
            with (
                socket.create_connection((host, config.broker_port), TIMEOUT_S) as raw,
                context.wrap_socket(raw, server_hostname=config.broker_host) as line,
            ):
                shown = line.getpeercert(binary_form=True) or b""
            return _ms(x509.load_der_x509_certificate(shown).not_valid_after_utc)
        except ssl.SSLCertVerificationError as error:
            raise RefusedError(error.verify_message) from error
        except OSError as error:
            failed = failed or error
    raise failed or OSError("no address")


class CertificateEnds:
    """`look` and `authority` are for worker threads: the end of what is served, and the authority's
    certificate. `wall_ms`: the clock by which gateways judge."""

    def __init__(
        self,
        look: Callable[[str], int],
        authority: Callable[[], str],
        wall_ms: Callable[[], int],
        tell: Tell,
        log: Callable[[str, str], None],
    ) -> None:
        self._look, self._authority, self._wall_ms = look, authority, wall_ms
        self._tell, self._log = tell, log
        # What was told of each since the start; an alarm of before may be open.
        self._told: dict[str, int | str | None] = {}
        self.ends_ms: dict[str, int] = {}
        self.refused = ""
        # Of several processes one tells; the others know it for their pages and figures.
        self.tells = True

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        while True:
            await self.look()
            await pause(LOOK_S)

    async def look(self) -> None:
        """Once. What stops it does not stop the hub."""
        try:
            pem = await asyncio.to_thread(self._authority)
            await self._tell_end(AUTHORITY, ends_of(pem))
            try:
                ends_ms = await asyncio.to_thread(self._look, pem)
                self.refused = ""
                await self._tell_end(BROKER, ends_ms)
            except RefusedError as refused:
                self.refused = str(refused)
            await self._tell_refused()
        except Exception as error:  # noqa: BLE001 - a broker that is away is told by others
            said = str(error) if isinstance(error, OSError | AuthorityAway) else ""
            self._log("certificates_not_looked_at", said or type(error).__name__)

    async def _tell_end(self, name: str, ends_ms: int) -> None:
        self.ends_ms[name] = ends_ms
        if not self.tells:
            return
        now_ms = self._wall_ms()
        stage = stage_of(ends_ms, now_ms)
        if self._told.get(name, "nothing") == stage:
            return
        severity: Severity = "watch" if stage in (0, STAGES_DAYS[-1]) else "technical"
        evidence = {} if stage is None else {"days_left": days_left(ends_ms, now_ms)}
        await self._tell(RULES[name], stage is not None, evidence, severity)
        self._told[name] = stage

    async def _tell_refused(self) -> None:
        if not self.tells or self._told.get(REFUSED, "nothing") == self.refused:
            return
        evidence = {"problem": self.refused} if self.refused else {}
        await self._tell(REFUSED, bool(self.refused), evidence, "watch")
        self._told[REFUSED] = self.refused


def measure_ends(registry: CollectorRegistry, ends: CertificateEnds | None) -> None:
    """0: not known, or gateways have passwords."""
    for name, text in (
        (BROKER, "When the broker's certificate ends"),
        (AUTHORITY, "When the authority's certificate ends"),
    ):
        read = partial(_end_s, ends, name)
        gauge(registry, f"hearthwatch_{name}_certificate_ends_seconds", text, read)


def _end_s(ends: CertificateEnds | None, name: str) -> float:
    return 0.0 if ends is None else float(ends.ends_ms.get(name, 0) // 1000)


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)
