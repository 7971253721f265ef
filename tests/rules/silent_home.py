"""A home on the engine, for the tests of `no_sign_of_life`."""

from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts

RULE = "no_sign_of_life"


class House:
    """One home on the engine; remembers what was found."""

    def __init__(self, kit, rules=None) -> None:
        self.kit = kit
        self.rules = rules or default_rules()
        self.engine = Engine(self.rules, lane="readings")
        self.engine.add_home(HomeFacts(home="h"), kit.START_MS)
        self.found = []
        # What a store has of it: states that didn't change are not written again.
        self.stored = {}
        self.now_ms = kit.START_MS

    def see(self, kind, at_ms, values, *, now_ms=None, device="meter", attrs=None) -> None:
        self.now_ms = max(self.now_ms, at_ms if now_ms is None else now_ms)
        seen = self.kit.Seen(
            id=f"{device}-{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=self.now_ms,
            values=values,
            attrs=attrs or {},
        )
        found = self.engine.observe("h", seen, self.now_ms)
        self.found += [finding for finding in found if finding.rule == RULE]

    def power(self, rows, *, device="meter") -> "House":
        for at_ms, kwh in rows:
            self.see("power", at_ms, {"energy_kwh": kwh}, device=device)
        return self

    def restart(self) -> None:
        self.engine._touch(self.engine._cell("h", RULE))
        self.stored |= {row[:2]: row for row in self.engine.take_dirty()}
        self.engine = Engine(self.rules, lane="readings")
        self.engine.add_home(HomeFacts(home="h"), self.now_ms)
        for row in self.stored.values():
            self.engine.restore(*row)
        assert self.engine.take_problems() == []

    def monitor(self):
        return self.engine._cell("h", RULE).monitor

    def state(self, now_ms=None):
        views = self.engine.view("h", self.now_ms if now_ms is None else now_ms)
        return next(v for v in views if v.rule == RULE)

    def raised_at(self):
        return [f.at_ms for f in self.found if f.phase == "raised"]


def hours_after(kit, house, day):
    return [(at - kit.START_MS) / kit.HOUR_MS - day * 24 for at in house.raised_at()]
