"""Readings on an InfluxDB 2 server; rule states and spool marks in a small file beside the hub.

InfluxDB has no transactions, so the order makes the batch whole: first the server takes the
readings (each is identified by its series and moment; written twice it is there once), then the
file commits states and marks. A crash between the two repeats a batch whose readings are there.

What the server refuses for good is found by halving, taken out with the server's reason for the
quarantine, and never holds up the rest. Everything else (server away, overloaded, out of space,
wrong token) is a fault that may pass: nothing is acknowledged, the gateways keep what they sent.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import lane_state
from ingest.readings.influx_lines import LineBuilder
from ingest.readings.influx_settings import InfluxSettings
from ingest.readings.port import RefusedReading, RuleState, SeriesKey, StoreError

# InfluxDB's documentation, "Optimize writes": 5,000 lines a request.
LINES_PER_REQUEST: Final = 5_000
# Lines of one batch; far above what one read of the socket brings.
BATCH_LINES_MAX: Final = 500_000
# Statuses for which the request itself is at fault, not the server or the account:
# bad line or type (400), too large (413), outside the bucket's retention (422).
REFUSED_STATUSES: Final = frozenset({400, 413, 422})
# Requests spent on finding the refused lines of one batch; past it the rest of a refused request
# goes to the quarantine unwritten, so that a batch of nothing but rubbish can't hold the lane.
HALVINGS_MAX: Final = 400
REASON_MAX: Final = 300
# The client declares an enumeration's class where it wants one of its texts.
_MILLISECONDS: Final = cast("WritePrecision", WritePrecision.MS)


class _Row(NamedTuple):
    line: str
    key: SeriesKey
    at_ms: int
    values: Mapping[str, float]


def open_client(settings: InfluxSettings) -> InfluxDBClient:
    """The official client without retries of its own: the lane decides when to try again."""
    return InfluxDBClient(
        url=settings.url,
        token=settings.token,
        org=settings.org,
        timeout=settings.timeout_ms,
        enable_gzip=True,
        retries=Retry(0, redirect=0),
    )


class InfluxStore:
    """The lane's side of the port; one thread."""

    def __init__(self, settings: InfluxSettings, state_path: Path) -> None:
        self._settings = settings
        self._client = open_client(settings)
        self._write_api = self._client.write_api(write_options=SYNCHRONOUS)
        state_path.parent.mkdir(parents=True, exist_ok=True)
        self._state = sqlite3.connect(state_path, isolation_level=None, check_same_thread=False)
        lane_state.make_durable(self._state)
        self._state.executescript(lane_state.SCHEMA)
        self._lines = LineBuilder()
        self._rows: list[_Row] = []
        self._states: list[RuleState] = []
        self._marks: list[SpoolMark] = []
        self._refused: list[RefusedReading] = []
        self._halvings_left = 0

    def begin_batch(self) -> None:
        self._rows, self._states, self._marks = [], [], []

    def add(self, series_key: SeriesKey, measured_at_ms: int, values: Mapping[str, float]) -> None:
        if not values:
            return
        if len(self._rows) >= BATCH_LINES_MAX:
            raise ContractError("batch_full", f"over {BATCH_LINES_MAX} readings in one batch")
        line = self._lines.line(series_key, measured_at_ms, values)
        self._rows.append(_Row(line, series_key, measured_at_ms, values))

    def write_rule_states(self, rows: Sequence[RuleState]) -> None:
        self._states.extend(rows)

    def write_marks(self, rows: Sequence[SpoolMark]) -> None:
        self._marks.extend(rows)

    def commit(self) -> None:
        refused: list[RefusedReading] = []
        self._halvings_left = HALVINGS_MAX
        for at in range(0, len(self._rows), LINES_PER_REQUEST):
            self._send(self._rows[at : at + LINES_PER_REQUEST], refused)
        try:
            self._state.execute("BEGIN IMMEDIATE")
            lane_state.write(self._state, self._states, self._marks)
            self._state.execute("COMMIT")
        except sqlite3.Error as error:
            if self._state.in_transaction:
                self._state.execute("ROLLBACK")
            raise StoreError(str(error), retryable=True) from error
        self._refused += refused
        self.begin_batch()

    def _send(self, rows: Sequence[_Row], refused: list[RefusedReading]) -> None:
        """Write rows; what the server will never take ends in `refused`, one by one."""
        reason = self._post(rows)
        if reason is None:
            return
        if len(rows) == 1 or self._halvings_left <= 0:
            refused += [_refusal(row, name, reason) for row in rows for name in row.values]
            return
        self._halvings_left -= 1
        middle = len(rows) // 2
        self._send(rows[:middle], refused)
        self._send(rows[middle:], refused)

    def _post(self, rows: Sequence[_Row]) -> str | None:
        """None when the server has them, else why it never will; StoreError for the rest."""
        body = "\n".join(row.line for row in rows).encode()
        try:
            self._write_api.write(
                bucket=self._settings.bucket, record=body, write_precision=_MILLISECONDS
            )
        except ApiException as error:
            if error.status in REFUSED_STATUSES:
                return f"{error.status}: {_message(error)}"
            raise StoreError(f"{error.status}: {_message(error)}", retryable=True) from error
        except (HTTPError, OSError) as error:
            raise StoreError(f"{type(error).__name__}: {error}", retryable=True) from error
        return None

    def load_rule_states(self) -> Iterable[RuleState]:
        return lane_state.load_states(self._state)

    def load_marks(self) -> Iterable[SpoolMark]:
        return lane_state.load_marks(self._state)

    def maintain(self, now_ms: int) -> bool:  # noqa: ARG002 - the bucket has its own retention
        return False

    def take_refused(self) -> list[RefusedReading]:
        refused, self._refused = self._refused, []
        return refused

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the client's own
        self._state.close()


def _refusal(row: _Row, name: str, reason: str) -> RefusedReading:
    return RefusedReading(
        series_key=row.key,
        field=name,
        measured_at_ms=row.at_ms,
        value=row.values[name],
        reason=reason,
    )


def _message(error: Any) -> str:
    """The server's own words; headers and request, which carry the token, are left out."""
    text = getattr(error, "message", None) or error.reason or ""
    return str(text)[:REASON_MAX]
