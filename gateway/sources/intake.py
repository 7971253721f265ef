"""From a driver's outcomes to the spool; what can't be decoded is reported, at a bearable rate."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from contract.ids import safe_name
from contract.item import Measurement, Scalar
from gateway.device_health import health
from gateway.driver import Decoded, Outcome, Undecodable

# One report for a source and a kind of damage in this time; the counter has the rest.
REPORT_EVERY_MS: Final = 600_000
# Bytes of a refused frame that travel to the hub, as hexadecimal in one attribute.
RAW_REPORTED_MAX: Final = 120
# Devices whose last sign is remembered for the heartbeat; a noisy radio hears strangers' too.
DEVICES_MAX: Final = 2000


class Intake:
    """Shared by all sources of a gateway; lives on the event loop."""

    def __init__(
        self,
        offer: Callable[[Sequence[Measurement]], bool],
        now_ms: Callable[[], int],
        log: Callable[[str, str], None],
    ) -> None:
        self._offer = offer
        self._now_ms = now_ms
        self._log = log
        self._reported: dict[tuple[str, str], int] = {}
        self.undecodable: dict[str, int] = {}
        self.last_seen_ms: dict[str, int] = {}
        self.battery_pct: dict[str, float] = {}

    def take(self, source: str, outcomes: Sequence[Outcome]) -> None:
        batch: list[Measurement] = []
        for outcome in outcomes:
            if isinstance(outcome, Decoded):
                batch += outcome.measurements
            else:
                batch += self._damage(source, outcome)
        for measurement in batch:
            self._seen(measurement.device, measurement.received_at_ms, measurement.values)
        if batch and not self._offer(batch):
            self._log("spool_queue_full", f"{source}: {len(batch)} measurements refused")

    def failed(self, source: str, error: Exception, raw: bytes) -> None:
        """A driver raised: a mistake of ours, kept with its bytes; the source goes on."""
        self._log("driver_failed", f"{source}: {type(error).__name__}: {error} on {raw[:64].hex()}")
        failure = Undecodable(code="driver_failed", detail=type(error).__name__, raw=raw)
        self.take(source, [failure])

    def _seen(self, device: str, at_ms: int, values: Mapping[str, float]) -> None:
        if device in self.last_seen_ms or len(self.last_seen_ms) < DEVICES_MAX:
            self.last_seen_ms[device] = at_ms
            if "battery_pct" in values:
                self.battery_pct[device] = values["battery_pct"]

    def _damage(self, source: str, found: Undecodable) -> list[Measurement]:
        """The report that the hub shows, or nothing when one was sent lately."""
        self.undecodable[source] = self.undecodable.get(source, 0) + 1
        now_ms = self._now_ms()
        last_ms = self._reported.get((source, found.code))
        if last_ms is not None and 0 <= now_ms - last_ms < REPORT_EVERY_MS:
            return []
        self._reported[(source, found.code)] = now_ms
        self._log("undecodable", f"{source}: {found.code}: {found.detail}")
        attrs: dict[str, Scalar] = {
            "fault": "undecodable",
            "code": found.code[:64],
            "detail": found.detail[:200],
            "raw_hex": found.raw[:RAW_REPORTED_MAX].hex(),
            "count": self.undecodable[source],
        }
        return [health(safe_name(source), now_ms, attrs)]
