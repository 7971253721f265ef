"""Time that passes at once where nothing is due to anybody, so that a day costs what happens in it.

Where all is well and at rest the clock leaps to just before the next moment that means something:
a person's, a fault's, a step of an alarm, a time-out of a rule. What is passed over is that the
programs look round (every second at what is due, every two for what to write): it comes late, once,
as in a machine that slept. No leap goes past a step or a rule's time. A heartbeat comes late, and
never so late that its gateway would be called silent; what a heartbeat shows is shown by the next.
"""

import asyncio
from typing import Any, ClassVar

from tests.simulation.standing_still import MACHINE

# So long everything goes on by itself between two leaps: what was late is done by then.
LIVE_S = 0.4
# Before the moment that is leapt to; less is not worth it.
BEFORE_S, LEAST_S = 1.5, 3.0
# Where nothing at all is due.
LONGEST_S = 3_600.0


class _Desk:
    """Whose looks round are nobody's business while no case is open."""

    frozen = False
    held: ClassVar[list[asyncio.Handle]] = []


DESK = _Desk()


async def leaps(world: Any) -> None:
    loop = world.loop
    while True:
        await asyncio.sleep(LIVE_S)
        if _at_rest(world):
            rest_s = min(_due_in_s(world), _others_in_s(world)) - BEFORE_S
            if rest_s > LEAST_S:
                loop.leap(rest_s)


def _at_rest(world: Any) -> bool:
    """Nothing is broken, under way, waits, or was planned to break at a statement."""
    net, broker, hub = world.net, world.broker, world.hub
    machines_rest = all(
        m.up and not (m.slow or m._pumping or m.disk.full or m.disk.dead)
        and m.disk._statements_left is None
        for m in world.machines
    )  # fmt: skip
    if not (machines_rest and net.whole and broker.up and net.under_way == 0):
        return False
    if len(broker.sessions) < 2 * len(world.gateways) + 2 or hub.readings._turning:
        return False
    if not all(session.link for session in broker.sessions.values()):
        return False
    if any(provider.mood != "well" for provider in world.providers.values()):
        return False
    oracle = world.oracle
    lanes = (*oracle.spools.values(), *oracle.readings.lanes.values())
    if any(lane.waiting for lane in lanes):
        return False
    waits = "SELECT 1 FROM outbox WHERE state = 'pending' LIMIT 1"
    return not hub._connection.look(waits)


def _due_in_s(world: Any) -> float:
    """Until the hub owes somebody something: a step of an alarm, or what a rule waits for."""
    hub = world.hub
    now = hub.hub_clock.look()
    found = [
        due_ms - now.running_ms
        for boot, due_ms in hub._connection.look(
            "SELECT boot, min(due_running_ms) FROM escalation GROUP BY boot"
        )
        if boot == now.boot
    ]
    foreign = hub._connection.look("SELECT 1 FROM escalation WHERE boot <> ? LIMIT 1", now.boot)
    if foreign:
        return 0.0
    engines = (hub.urgent.engine, hub.readings.batch.engine)
    rules = [due_ms for engine in engines if (due_ms := engine.next_due_ms()) is not None]
    found += [due_ms - now.wall_ms for due_ms in rules]
    return min(found, default=LONGEST_S * 1000) / 1000


def _others_in_s(world: Any) -> float:
    """Until anybody but the programs does something; who only looks at an empty screen does not."""
    loop = world.loop
    idle = world.nothing_is_open()
    moments = []
    for handle in loop._scheduled:
        whose = handle._context.get(MACHINE)
        if not handle._cancelled and (whose is None or (whose is DESK and not idle)):
            moments.append(handle._when)
    return min(moments, default=loop.time() + LONGEST_S) - loop.time()
