"""The port of the readings store: what the readings lane writes and what the dashboard reads.

One thread, the lane, owns a `ReadingsStore`; any thread may use a `ReadingsReader`. A batch holds
readings, rule states and spool marks, and becomes durable as a whole or not at all. A reading is
identified by its series and its moment: written twice it is there once, the later value counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from contract.errors import ContractError
from ingest.marks import SpoolMark

SeriesKey = tuple[str, str, str]  # (gateway, device, kind)
RuleState = tuple[str, str, bytes]  # (home, rule, state); an empty state removes the row
Resolution = Literal["raw", "hour", "day", "auto"]
# Raw: (moment, value). Roll-ups: (start of the bucket, lowest, mean, highest).
Point = tuple[int, float] | tuple[int, float, float, float]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

# Raw points drawn as they are: two days of a meter read every minute are 2,880 points.
AUTO_RAW_SPAN_MS: Final = 2 * DAY_MS
# A quarter of hourly points is 2,200 per line, about the pixels of a wide screen.
AUTO_HOUR_SPAN_MS: Final = 92 * DAY_MS
# Points of one series in one answer; 100,000 are about 4 MB of JSON. More is an export's work.
POINTS_MAX: Final = 100_000


class StoreError(Exception):
    """A batch could not be made durable; nothing of it is kept.

    `retryable` tells a fault that may pass (full disk, locked file, server away) from one that
    will not. The caller acknowledges nothing and reloads rule states and marks, which in its
    memory are ahead of the store.
    """

    def __init__(self, detail: str, *, retryable: bool) -> None:
        super().__init__(detail)
        self.retryable = retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The points of one line of a chart, oldest first; `resolution` is never `auto`."""

    device: str
    kind: str
    field: str
    resolution: Literal["raw", "hour", "day"]
    points: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The newest value of one series by the moment it was measured."""

    gateway: str
    device: str
    kind: str
    field: str
    measured_at_ms: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedReading:
    """A value the store's server would never take; set aside with the server's reason."""

    series_key: SeriesKey
    field: str
    measured_at_ms: int
    value: float
    reason: str


class ReadingsStore(Protocol):
    """The lane's side; every call from one thread."""

    def begin_batch(self) -> None:
        """Forget whatever an unfinished batch held."""

    def add(self, series_key: SeriesKey, measured_at_ms: int, values: Mapping[str, float]) -> None:
        """Put an item's values into the batch; ContractError leaves the batch as it was."""

    def write_rule_states(self, rows: Sequence[RuleState]) -> None: ...

    def write_marks(self, rows: Sequence[SpoolMark]) -> None: ...

    def commit(self) -> None:
        """Durable on return; StoreError means that nothing of the batch was kept."""

    def load_marks(self) -> Iterable[SpoolMark]:
        """First of all; then the states."""
        ...

    def load_rule_states(self) -> Iterable[RuleState]: ...

    def maintain(self, now_ms: int) -> bool:
        """One short slice of housekeeping; True while more is waiting. For idle moments."""

    def take_refused(self) -> list[RefusedReading]:
        """Readings of committed batches that the server refused for good, for the quarantine."""

    def close(self) -> None: ...


class ReadingsReader(Protocol):
    """The dashboard's side: read-only, from any thread, sees every committed batch."""

    def series(  # noqa: PLR0917 - the order is agreed with the dashboard's port
        self,
        gateway: str,
        device: str,
        kind: str | None,
        field: str | None,
        from_ms: int,
        to_ms: int,
        resolution: str,
    ) -> list[Series]:
        """Every matching series with from_ms <= moment < to_ms; ContractError for bad bounds."""

    def latest(self, gateway: str | None = None, device: str | None = None) -> list[Latest]: ...

    def count(self) -> int:
        """Raw values kept, each (series, moment) counted once."""

    def close(self) -> None: ...


def choose_resolution(resolution: str, from_ms: int, to_ms: int) -> Literal["raw", "hour", "day"]:
    """The resolution to answer with; `auto` goes by the span asked for."""
    if from_ms >= to_ms:
        raise ContractError("bad_span", f"from {from_ms} must lie before to {to_ms}")
    span_ms = to_ms - from_ms
    match resolution:
        case "raw":
            return "raw"
        case "hour":
            return "hour"
        case "day":
            return "day"
        case "auto" if span_ms <= AUTO_RAW_SPAN_MS:
            return "raw"
        case "auto" if span_ms <= AUTO_HOUR_SPAN_MS:
            return "hour"
        case "auto":
            return "day"
        case _:
            raise ContractError(
                "bad_resolution", f"{resolution[:40]!r}: one of raw, hour, day, auto"
            )


def too_many_points(count: int) -> ContractError:
    return ContractError(
        "too_many_points",
        f"{count} points in one series, at most {POINTS_MAX}: "
        "ask for a shorter span, or for resolution hour or day",
    )
