"""For whom somebody stands in on the rota of visitors at an instant. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from alarms.rota.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class StandsIn:
    """At a desk of a region, for `gone`, who would have been there, and for all of the region's
    visitors who are on leave."""

    region: str
    gone: frozenset[str]


def stands_in(plan: Plan, who: str, at_ms: int) -> Iterator[StandsIn]:
    """The desks of visitors at which `who` is on duty now."""
    meant = replace(plan, changes={})
    for desk in plan.desks.values():
        if desk.kind != "visit" or desk.closed:
            continue
        shifts = {on.shift for on in plan.on_duty(desk.id, at_ms) if on.person == who}
        if not shifts:
            continue
        gone: set[str] = set()
        for key in shifts:
            now, before = plan.find(key), meant.find(key)
            gone |= set(before.people if before else ()) - set(now.people if now else ())
        yield StandsIn(region=desk.region, gone=frozenset(gone))
