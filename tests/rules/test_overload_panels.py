"""What a home's panels make is no load on its wires, once their meter is named."""

import pytest

from rules.engine import Engine
from rules.registry import RULE_KINDS
from rules.rule import HomeFacts, Rule

MINUTE_MS = 60_000
MADE_W = 9_000.0


class Roof:
    """A home whose panels' meter gives its watts beside its register."""

    def __init__(self, kit, *, named=True) -> None:
        self.kit, self.minute, self.found = kit, 0, []
        self.engine = self.started(named=named)

    def started(self, *, named=True) -> Engine:
        engine = Engine([_rule("mains"), _rule("overload")], lane="readings")
        said = {"mains": {"meter": "meter", "panels_meter": "panels"}} if named else {}
        engine.add_home(HomeFacts(home="h", overrides=said), self.kit.START_MS)
        return engine

    def see(self, device, minutes=30, **values) -> "Roof":
        for _ in range(minutes):
            at_ms = self.kit.START_MS + self.minute * MINUTE_MS
            self.minute += 1
            seen = self.kit.Seen(
                id=f"{device}{at_ms}",
                device=device,
                kind="power",
                measured_at_ms=at_ms,
                received_at_ms=at_ms,
                values=values,
                attrs={},
            )
            self.found += self.engine.observe("h", seen, at_ms)
        return self

    def reasons(self) -> list[str]:
        return [found.reason for found in self.found]

    def restart(self, *, named=True) -> "Roof":
        states = {rule: state for _home, rule, state in self.engine.take_dirty()}
        self.engine = self.started(named=named)
        for rule, state in states.items():
            assert self.engine.restore("h", rule, state) is None
        return self


def _rule(name) -> Rule:
    kind = RULE_KINDS[name]
    return Rule(name=name, kind=kind, severity=kind.severity, params=kind.parse({}, name))


def test_panels_that_nobody_named_are_a_load(kit) -> None:
    assert Roof(kit, named=False).see("panels", power_w=MADE_W).reasons() == ["overload_high"]


@pytest.mark.parametrize("seen", [{"power_w": MADE_W}, {"current_a": 40.0, "voltage_v": 230.0}])
def test_what_the_panels_make_is_no_load(kit, seen) -> None:
    home = Roof(kit).see("panels", energy_kwh=2000.0, **seen)
    assert home.reasons() == []
    assert home.see("meter", 2, power_w=MADE_W).reasons() == ["overload_high"]


def test_a_register_alone_says_whose_meter_it_is(kit) -> None:
    home = Roof(kit).see("panels", 1, energy_kwh=2000.0)
    assert home.see("panels", power_w=MADE_W).reasons() == []


def test_it_is_known_after_a_restart(kit) -> None:
    home = Roof(kit).see("panels", 1, energy_kwh=2000.0).restart(named=False)
    assert home.see("panels", power_w=MADE_W).reasons() == []


def test_a_day_after_it_was_last_named_it_is_a_meter_as_any(kit) -> None:
    home = Roof(kit).see("panels", 1, energy_kwh=2000.0).restart(named=False)
    home.minute += 24 * 60 + 1
    assert home.see("panels", power_w=MADE_W).reasons() == ["overload_high"]


def test_an_overload_ends_when_somebody_says_that_it_was_the_panels(kit) -> None:
    home = Roof(kit, named=False).see("panels", power_w=MADE_W).restart()
    assert home.see("panels", power_w=MADE_W).reasons() == ["overload_high", "load_usual"]
    assert [found.phase for found in home.found] == ["raised", "cleared"]
