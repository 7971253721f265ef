"""What a batch of readings has for the book: findings, devices heard for the first time, what could
not be read. It is told durably before the readings are acknowledged."""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Final, NamedTuple

from alarms.book import AlarmBook
from ingest.presence import DeviceKey, Presence
from ingest.quarantine import Unreadable, keep
from ingest.readings.port import StoreError
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer
from rules.finding import Finding
from rules.rule import GATEWAY_PREFIX

# Longest wait for the book to take findings; beyond it the batch is given up and comes again.
BOOK_TIMEOUT_S: Final = 30.0


class Well(NamedTuple):
    """An "I'm well" on its way into the book; `asks`: its gateway can ask where it was pressed."""

    home: str | None
    gateway: str
    device: str
    at_ms: int
    asks: bool


class ForBook:
    """Filled in the lane's thread, batch after batch; `tell` waits for the writer's."""

    def __init__(self, writer: Writer, book: AlarmBook, presence: Presence) -> None:
        self._writer, self._book, self._presence = writer, book, presence
        self._unknown: dict[DeviceKey, str] = {}
        self.begin(())

    def begin(self, unreadable: Iterable[Unreadable]) -> None:
        # In the order of what brought them about: a question stands before its answer.
        self._findings: list[tuple[Finding | Well, str | None]] = []
        self._recovered: list[tuple[DeviceKey, str]] = []
        self._unreadable = list(unreadable)

    def found(self, findings: Iterable[Finding | Well], gateway: str | None) -> None:
        self._findings += [(finding, gateway) for finding in findings]

    def unreadable(self, found: Unreadable) -> None:
        self._unreadable.append(found)

    def unknown(self, key: DeviceKey, kind: str) -> None:
        self._unknown[key] = kind

    def recovered(self, key: DeviceKey, fault: str) -> None:
        self._recovered.append((key, fault))

    def tell(self) -> None:
        """StoreError when the book did not take it."""
        if not (self._findings or self._unreadable or self._unknown or self._recovered):
            return
        findings, unreadable, recovered = self._findings, self._unreadable, self._recovered
        unknown, self._unknown = self._unknown, {}

        def apply(unit: UnitOfWork) -> None:
            for (gateway, device), kind in unknown.items():
                self._presence.know_device(unit, gateway, device, kind)
            for found in unreadable:
                keep(unit, found)
            for key, fault in recovered:
                self._presence.recovered(unit, key, fault)
            for finding, via in findings:
                self._settle(unit, finding, via)

        future: Future[None] | None = None
        try:
            future = self._writer.submit(apply)
            future.result(BOOK_TIMEOUT_S)
        except Exception as error:
            if future is not None:
                # Another worker may judge them by the time the book gets to it.
                future.cancel()
            detail = f"the book did not take the findings: {type(error).__name__}: {error}"
            raise StoreError(detail, retryable=True) from error

    def _settle(self, unit: UnitOfWork, finding: Finding | Well, gateway: str | None) -> None:
        if isinstance(finding, Well):
            self._presence.asks(unit, (finding.gateway, finding.device), finding.asks)
            if finding.home is not None:
                device = f"{finding.gateway}/{finding.device}"
                self._book.said_well(unit, finding.home, device, finding.at_ms)
            return
        self._book.take(unit, finding, gateway=gateway)
        if finding.kind == "gateway_silent":
            subject = finding.home.removeprefix(GATEWAY_PREFIX)
            self._presence.gateway_online(unit, subject, finding.phase == "cleared")
