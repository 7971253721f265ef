"""What a process of a hub knows, to be compared with what another one knows."""

from typing import Any

from hearthwatch.hub import Hub
from ledger.register_changes import Changed
from tests.shared.histories import County

DEVICE_TOLD = ("home", "kind", "model", "label", "reports_itself")


def memory_of(hub: Hub) -> dict[str, Any]:
    """What a process knows, after it has looked and read what it has listed itself."""
    County.on(hub, lambda unit: hub.roster_changed(unit, Changed()))
    side, book = hub.side, hub.book
    cases, plan, index = book._cases, side.rota.book.plan, side.register.index
    return {
        "alarms": cases.alarms,
        "tasks": cases.tasks,
        "causes": cases._by_cause,
        "numbers": (cases._next_alarm, cases._next_task),
        "troubles": {subject: ids for subject, ids in cases._troubles.items() if ids},
        "asking": book._questions._asking,
        "held": book._holds._held,
        "dark": book._holds._dark,
        "pressing": book.visiting._asked,
        "stays": book.stays._stays,
        "calls": book.heard._calls,
        "said": book.found_out._said,
        "plan": (plan.desks, plan.patterns, plan.changes, plan.leaves),
        "swaps": side.rota.book._swaps,
        "register": (
            index.regions,
            index.homes,
            index.persons,
            index.accounts,
            # As others have heard of it, or it itself has: the rest of a row is not followed.
            {key: [row[name] for name in DEVICE_TOLD] for key, row in index.devices.items()},
            {name: row["region"] for name, row in index.gateways.items()},
        ),
        "home_of": side.presence.home_of,
        "gateways": side.presence._gateways,
        "devices_of": side.presence.devices_of,
        "marks": side.marks._marks,
        "settings": side.settings.current.settings,
        "states": _calls_for_help(hub),
    }


def _calls_for_help(hub: Hub) -> dict[str, Any]:
    """What the rule of calls for help remembers of each home, as it would be stored."""
    engine = hub.urgent.engine
    (rule,) = (one for one in engine._rules if one.name == "sos")
    homes = (home for home in engine.homes() if not home.startswith(("region:", "gateway:")))
    return {home: engine._opinionated(engine._homes[home], rule).dump() for home in homes}
