"""Figures of one process among several that make a hub: what its writer waits for, how far its
boards are, whether it hears the broker."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from dashboard.middleware import gauge
from hearthwatch.hub_gauges import gauges_of, put_gauges

if TYPE_CHECKING:
    from hearthwatch.hub import Hub

# A name, a text, and what is read.
_Figure = tuple[str, str, Callable[[], float]]
STANDBY: Final = ("standby", "Whether this process waits for its turn")


def measure_part(registry: CollectorRegistry, hub: "Hub") -> None:
    put_gauges(registry, gauges_of(hub))
    for name, words, read in _figures(hub):
        gauge(registry, f"hearthwatch_{name}", words, read)


def _figures(hub: "Hub") -> list[_Figure]:
    writer, client = hub.writer, hub.client
    found: list[_Figure] = [
        (*STANDBY, lambda: 0.0),
        ("writer_waiting", "Changes that wait for their commit", lambda: float(writer.waiting)),
        (
            "turn_seconds",
            "Time in which transactions waited for their turn, in all",
            lambda: writer.turn_s,
        ),
        (
            "commit_seconds",
            "Time in which commits waited for the disk, and a standby's, in all",
            lambda: writer.commit_s,
        ),
        ("writer_healthy", "Whether the last commit was made", lambda: float(writer.healthy)),
    ]
    if client is not None:
        connected = client.connected
        found.append(
            ("broker_connected", "Whether the broker is heard", lambda: float(connected.is_set()))
        )
    if hub.ingest is not None:
        ingest = hub.ingest
        found.append(
            (
                "readings_heard",
                "Whether readings are heard here and something is done with them",
                lambda: float(ingest.readings_heard),
            )
        )
    if hub.joined is not None and hub.role.serves:
        joined = hub.joined
        found.append(
            (
                "entries_published",
                "Number of the newest entry that this process's boards were told of",
                lambda: float(joined.published),
            )
        )
    return found


def standby_registry() -> CollectorRegistry:
    """What a process says that waits for its turn: without it it would be taken for one that is
    gone."""
    registry = CollectorRegistry()
    name, words = STANDBY
    gauge(registry, f"hearthwatch_{name}", words, lambda: 1.0)
    return registry
