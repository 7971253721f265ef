"""The part of a hub that serves people: what the HTTP interface asks of the rest of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alarms.desk import Desk
from alarms.rota.duty import on_duty_for, visiting_for
from dashboard.app import create_app
from dashboard.middleware import gauge
from dashboard.ports import Deps, ReadingsReader
from dashboard.request_rate import ACCOUNT, ADDRESS, rate_of
from hearthwatch.apart import in_a_process
from hearthwatch.clock import wall_ms
from hearthwatch.logs import say
from hearthwatch.rule_views import EngineViews
from hearthwatch.sealed_book import eraser_of
from hearthwatch.seen_readings import SeenReadings
from rules.engine import Engine

if TYPE_CHECKING:
    from hearthwatch.hub import Hub

# A name, a text and what it counts.
Gauge = tuple[str, str, Callable[[], int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the pages show of the lane that hears readings, where this process has it or not."""

    readings: ReadingsReader
    engines: Callable[[], Sequence[Engine]]


def pages(hub: "Hub", seen: Seen, registry: CollectorRegistry) -> FastAPI:
    side, config, clock = hub.side, hub.config, hub.clock
    duty = Duty(hub)
    return create_app(
        Deps(
            engine=hub.reader,
            writer=hub.writer,
            desk=Desk(
                hub.writer,
                hub.book,
                hub.register,
                nobody_met_days=config.nobody_met_days,
            ),
            feed=hub.feed,
            intake=hub.urgent,
            readings=SeenReadings(seen.readings, say),
            rules=EngineViews(side, seen.engines, clock),
            clock=clock,
            wall_ms=wall_ms,
            registry=registry,
            health=hub.health,
            copied_at_ms=lambda: side.backups.made_at_ms,
            roster_changed=hub.roster_changed,
            tries=hub.tries,
            timezone=config.notify.telling.zone.key,
            apart=in_a_process,
            gps_proof=config.gps_proof,
            account_rate=rate_of(ACCOUNT, config.http.account_per_s),
            address_rate=rate_of(ADDRESS, config.http.address_per_s),
            eraser=eraser_of(config),
            signing_in=config.signing_in,
            notices=hub.notices,
            replies=hub.replies,
            rota=side.rota,
            on_duty=duty.there,
            shift_of=duty.shift_of,
            outbox=hub.exports.folder,
            departments=hub.exports,
            enrolment=hub.enrolling,
        )
    )


class Duty:
    """Who is on duty, by the rota."""

    def __init__(self, hub: "Hub") -> None:
        self._rota = hub.side.rota.book

    def there(self, region: str | None, at_ms: int) -> list[str]:
        """Those at the desk, and those whose shift it is to go."""
        plan = self._rota.plan
        found = (*on_duty_for(plan, region, at_ms), *visiting_for(plan, region, at_ms))
        return [on.person for on in found]

    def shift_of(self, region: str | None, at_ms: int) -> str | None:
        on_duty = on_duty_for(self._rota.plan, region, at_ms)
        return on_duty[0].shift.name if on_duty else None


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
            found.append(("shards", "Shards of readings heard here", lambda: len(shards.shards)))
    return found


def put_gauges(registry: CollectorRegistry, gauges: Sequence[Gauge]) -> None:
    for name, text, read in gauges:
        gauge(registry, f"hearthwatch_{name}", text, partial(_as_float, read))


def _as_float(read: Callable[[], int]) -> float:
    return float(read())
