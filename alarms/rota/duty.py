"""Who is told of an alarm as "who is on duty": the rota's answer where there is one, and never
nobody.

The desk of the smallest region that the alarm lies in and that has somebody now answers; where
none has, the accounts of the duty desk do as if there were no rota, then the town's supervisors,
then the county's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from alarms.responders import Responder, Responders, Target
from alarms.rota.plan import OnDuty, Plan

# Asked one after the other where the rota has nobody.
INSTEAD: Final = (Target.DUTY, Target.SUPERVISOR_TOWN, Target.SUPERVISOR_COUNTY)


class RotaResponders:
    """Answers for the duty desk; everybody else is `others`' business."""

    def __init__(self, others: Responders, plan: Callable[[], Plan]) -> None:
        self._others = others
        self._plan = plan

    def of(self, target: Target, alarm: Mapping[str, Any], now_ms: int) -> Sequence[Responder]:
        if target is not Target.DUTY:
            return self._others.of(target, alarm, now_ms)
        on_duty = on_duty_for(self._plan(), alarm["region"], now_ms)
        known = [self._others.named(on.person) for on in on_duty]
        found = [responder for responder in known if responder is not None]
        if found:
            return found
        asked = (self._others.of(instead, alarm, now_ms) for instead in INSTEAD)
        return next((answer for answer in asked if answer), ())

    def named(self, username: str) -> Responder | None:
        return self._others.named(username)


def visiting_for(plan: Plan, region: str | None, at_ms: int) -> list[OnDuty]:
    """Whoever has a shift of going there: of every visiting desk whose region covers it."""
    desks = [
        desk
        for desk in plan.desks.values()
        if desk.kind == "visit"
        and not desk.closed
        and (region is None or region.startswith(desk.region))
    ]
    desks.sort(key=lambda desk: (-len(desk.region), desk.id))
    return [on for desk in desks for on in plan.on_duty(desk.id, at_ms)]


def on_duty_for(plan: Plan, region: str | None, at_ms: int) -> list[OnDuty]:
    """Of the smallest region with somebody at its duty desk; what has no region is the widest's."""
    desks = [
        desk
        for desk in plan.desks.values()
        if desk.kind == "duty"
        and not desk.closed
        and (region is None or region.startswith(desk.region))
    ]
    desks.sort(
        key=lambda desk: (len(desk.region) if region is None else -len(desk.region), desk.id)
    )
    answers = (plan.on_duty(desk.id, at_ms) for desk in desks)
    return next((answer for answer in answers if answer), [])
