"""What every process of a hub counts."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from dashboard.middleware import gauge

if TYPE_CHECKING:
    from hearthwatch.hub import Hub

# A name, a text and what it counts.
Gauge = tuple[str, str, Callable[[], int]]


def gauges_of(hub: "Hub") -> list[Gauge]:
    copies = hub.side.backups
    found: list[Gauge] = [
        ("alarms_open", "Alarms that are not closed", lambda: hub.book.open_count),
        ("activations_stored", "Activations stored", lambda: hub.urgent.stored),
        ("activations_duplicate", "Redeliveries absorbed", lambda: hub.urgent.duplicates),
        ("commits", "Transactions of the book", lambda: hub.writer.commits),
        ("commit_failures", "Changes that failed", lambda: hub.writer.failures),
        ("backup_copies", "Checked copies that are there", lambda: copies.copies),
        ("backup_made_seconds", "When the newest was made", lambda: copies.made_at_ms // 1000),
        ("live_listeners", "Open live streams", lambda: hub.feed.listeners),
    ]
    if hub.ingest is not None:
        ingest = hub.ingest
        found += [
            ("readings_stored", "Readings stored", lambda: ingest.counted[0]),
            ("readings_duplicate", "Readings seen before", lambda: ingest.counted[1]),
        ]
        shards = ingest.set
        if shards is not None:
            found += [
                ("shards", "Shards of readings heard here", lambda: len(shards.shards)),
                (
                    "shards_failing",
                    "Shards of readings whose last turn here failed, a moment ago",
                    lambda: len(shards.failing),
                ),
            ]
    return found


def put_gauges(registry: CollectorRegistry, gauges: Sequence[Gauge]) -> None:
    for name, text, read in gauges:
        gauge(registry, f"hearthwatch_{name}", text, partial(_as_float, read))


def _as_float(read: Callable[[], int]) -> float:
    return float(read())
