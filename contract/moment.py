"""Instants: integers of milliseconds since the Unix epoch inside, RFC 3339 UTC on the wire."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Years 1970-2199: a device without a clock often says 1970 or 2000, and both must be readable,
# while anything past this range is a decoding mistake and not a time.
MIN_MS = 0
MAX_MS = 7_258_118_400_000
# No gateway is older than this: an earlier time is that of a machine without a clock.
EARLIEST_MS = 1_700_000_000_000


def to_iso(at_ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339 with milliseconds, always in UTC (`…Z`)."""
    at_s, ms = divmod(at_ms, 1000)
    return f"{_second(at_s)}.{ms:03d}Z"


# The instants of one press lie in one or two seconds, those of a page of alarms in some hundreds.
@lru_cache(maxsize=1024)
def _second(at_s: int) -> str:
    return (EPOCH + timedelta(seconds=at_s)).isoformat()[:19]


def from_iso(text: str) -> int:
    """RFC 3339 with an offset as milliseconds since the epoch; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {text[:40]!r}")
    at_ms = (moment - EPOCH) // timedelta(milliseconds=1)
    if not MIN_MS <= at_ms <= MAX_MS:
        raise ValueError(f"time out of range 1970-2199: {text[:40]!r}")
    return at_ms
