"""The part of a hub that serves people: what the HTTP interface asks of the rest of it.

Imported when presses are taken already: all pages together take as long to import as everything
else of a hub."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alarms.desk import Desk
from alarms.rota.duty import on_duty_for, visiting_for
from dashboard.app import create_app
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the pages show of the lane that hears readings, where this process has it or not."""

    readings: ReadingsReader
    engines: Callable[[], Sequence[Engine]]
    reading: Callable[[], bool]


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
            rules=EngineViews(side, seen.engines, seen.reading, clock),
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
            outbox=hub.offices.exports.folder,
            departments=hub.offices.exports,
            enrolment=hub.enrolling,
            key_turns=hub.key_turns,
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
