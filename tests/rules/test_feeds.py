"""Feeds: observations that one rule makes for others; `mains` and its quarter-hours."""

from dataclasses import replace

import pytest

from rules.config import default_rules
from rules.derived import POWER_GAP, POWER_METER, POWER_SLOT
from rules.engine import Engine
from rules.registry import RULE_KINDS
from rules.rule import NOTHING, HomeFacts, Opinion, Rule

SLOT_MS = 900_000


class Listener:
    """A rule kind that keeps what it hears."""

    name = "listener"
    lane = "readings"
    subject = "home"
    severity = "technical"
    state_version = 1
    starts_idle = True

    def __init__(self, *kinds):
        self.kinds = frozenset(kinds)
        self.heard = []
        self.due_ms = None

    def parse(self, table, where, base=None):
        return None

    def listens(self, params):
        return self.kinds

    def start(self, subject, params, now_ms):
        return self

    load = start

    def observe(self, observation, now_ms):
        self.heard.append(observation)
        return NOTHING

    def fire(self, at_ms):
        return NOTHING

    def resume(self, now_ms): ...

    def dump(self):
        return {}

    def view(self, now_ms):
        return Opinion(state="", since_ms=None, explanation={})


def rule(name, kind):
    return Rule(name=name, kind=kind, severity="technical", params=kind.parse({}, name))


def hearing(*kinds):
    listener = Listener(*kinds)
    engine = Engine([rule("mains", RULE_KINDS["mains"]), rule("aa", listener)])
    engine.add_home(HomeFacts(home="h"), 0)
    return engine, listener


def power(kit, at_ms, number, device="meter-1", **values):
    return kit.Seen(
        id=f"{device}-{number}",
        device=device,
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values=values,
    )


def test_a_reading_becomes_a_quarter_hour_for_the_rules_behind(kit) -> None:
    engine, listener = hearing(POWER_SLOT)
    start_ms = kit.START_MS
    for number in range(9):
        at_ms = start_ms + number * 300_000
        seen = power(kit, at_ms, number, energy_kwh=1.0 + number * 0.05)
        engine.observe("h", seen, at_ms)
    slots = [(o.id, o.values["number"], round(o.values["watts"])) for o in listener.heard]
    first = start_ms // SLOT_MS
    assert slots == [("meter-1-3", first, 600), ("meter-1-6", first + 1, 600)]
    assert [o.measured_at_ms for o in listener.heard] == [
        (first + 1) * SLOT_MS,
        (first + 2) * SLOT_MS,
    ]


def test_gaps_and_a_larger_meter_are_told(kit) -> None:
    engine, listener = hearing(POWER_GAP, POWER_METER)
    start_ms = kit.START_MS
    for number in range(400):
        at_ms = start_ms + number * SLOT_MS
        if 200 <= number < 220:
            continue
        engine.observe("h", power(kit, at_ms, number, power_w=40.0), at_ms)
        engine.observe("h", power(kit, at_ms, number, device="main", power_w=400.0), at_ms)
    kinds = [o.kind for o in listener.heard]
    assert kinds.count(POWER_GAP) == 1
    larger = [o for o in listener.heard if o.kind == POWER_METER]
    assert [(o.device, o.values["larger"]) for o in larger] == [("meter-1", 0.0), ("main", 1.0)]


def test_rules_see_the_reading_before_what_is_made_of_it(kit) -> None:
    engine, listener = hearing("power", POWER_SLOT)
    for number in range(4):
        at_ms = kit.START_MS + number * SLOT_MS
        engine.observe("h", power(kit, at_ms, number, power_w=100.0), at_ms)
    kinds = [o.kind for o in listener.heard]
    assert kinds[-2:] == ["power", POWER_SLOT]


def test_a_feed_that_listens_to_a_feed_is_refused() -> None:
    class Circular(type(RULE_KINDS["mains"])):
        def listens(self, params):
            return frozenset({POWER_SLOT})

    circular = rule("circular", Circular())
    with pytest.raises(ValueError, match="made by a feed"):
        Engine([circular])
    by_name = {r.name: r for r in default_rules()}
    Engine([replace(by_name["mains"])])
