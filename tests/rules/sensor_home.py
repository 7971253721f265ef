"""A home with sensors, and days of somebody who lives there."""

import random

from rules.config import default_rules
from rules.engine import Engine
from rules.rule import DEVICE_STATUS, DeviceFacts, HomeFacts

RULE = "no_sign_of_life"
FEED = "movements"
KINDS = {"pir": "motion", "door": "contact", "radar": "presence"}
FIELDS = {"motion": "active", "contact": "open", "presence": "present"}
RULES = [rule for rule in default_rules() if rule.name in (RULE, FEED, "mains")]
STEP_MS = 600_000


class Home:
    """A home with sensors; its gateway says every ten minutes what it has heard. Days of a person
    who is up from seven to ten and passes the sensor now and then."""

    def __init__(self, kit, *, sensors=("pir", "door"), rules=RULES, seed=1) -> None:
        self.kit, self.rules, self.sensors = kit, rules, sensors
        self.chance = random.Random(seed)
        facts = tuple(DeviceFacts("gw", name, KINDS[name]) for name in sensors)
        self.facts = HomeFacts(home="h", devices=facts)
        self.engine = Engine(rules, lane="readings")
        self.engine.add_home(self.facts, kit.START_MS)
        self.found, self.stored, self.now_ms = [], {}, kit.START_MS
        self.heard = dict.fromkeys(sensors, kit.START_MS)
        self.open = 0.0

    def day_ms(self, day) -> int:
        """Local midnight of a day, 0: the first whole one."""
        return self.kit.START_MS + 16 * self.kit.HOUR_MS + int(day * self.kit.DAY_MS)

    def see(self, kind, at_ms, values, *, device="", attrs=None, now_ms=None) -> None:
        now_ms = at_ms if now_ms is None else now_ms
        self.now_ms = max(self.now_ms, now_ms)
        seen = self.kit.Seen(
            id=f"{kind}{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=self.now_ms,
            values=values,
            attrs=attrs or {},
        )
        found = self.engine.observe("h", seen, self.now_ms)
        self.found += [one for one in found if one.rule == RULE]

    def sign(self, device, at_ms, *, value=1.0, now_ms=None) -> None:
        kind = KINDS[device]
        self.heard[device] = at_ms
        self.see(kind, at_ms, {FIELDS[kind]: value}, device=device, now_ms=now_ms)

    def status(self, at_ms, *, dead=()) -> None:
        for device in self.sensors:
            if device not in dead and at_ms - self.heard[device] >= self.kit.HOUR_MS:
                self.heard[device] = at_ms
        values = {device: float(ms) for device, ms in self.heard.items()}
        self.see(DEVICE_STATUS, at_ms, values, device="gw")

    def live(self, start, end, *, out=(), dead=(), down=(), power=()) -> "Home":
        """From a day to another. out: when nobody is seen; dead: sensors that are not heard; down:
        when the gateway isn't. power: rows of a meter."""
        rows = list(power)
        at_ms, end_ms = self.day_ms(start), self.day_ms(end)
        while at_ms < end_ms:
            day = (at_ms - self.day_ms(0)) / self.kit.DAY_MS
            gone = any(a <= day < b for a, b in out)
            while rows and rows[0][0] <= at_ms:
                row_ms, kwh = rows.pop(0)
                self.see("power", row_ms, {"energy_kwh": kwh}, device="meter")
            awake = 7 / 24 <= day % 1 < 22 / 24
            luck = self.chance.random()
            if awake and not gone and luck < 0.25:
                self.act(at_ms, dead, door=luck < 0.02)
            if not any(a <= day < b for a, b in down):
                self.status(at_ms + 1000, dead=dead)
            at_ms += STEP_MS
        return self

    def act(self, at_ms, dead, *, door) -> None:
        if door and "door" in self.sensors and "door" not in dead:
            self.open = 1.0 - self.open
            self.sign("door", at_ms, value=self.open)
        elif "pir" in self.sensors and "pir" not in dead:
            self.sign("pir", at_ms)

    def restart(self) -> None:
        self.stored.update({rule: state for _home, rule, state in self.engine.take_dirty()})
        self.engine = Engine(self.rules, lane="readings")
        self.engine.add_home(self.facts, self.now_ms)
        for rule, state in self.stored.items():
            self.engine.restore("h", rule, state)
        assert self.engine.take_problems() == []

    def phases(self):
        return [(one.phase, one.reason) for one in self.found]

    def hours(self, day):
        """After which each was raised."""
        raised = [one.at_ms for one in self.found if one.phase == "raised"]
        return [round((at - self.day_ms(day)) / self.kit.HOUR_MS, 1) for at in raised]

    def state(self):
        views = self.engine.view("h", self.now_ms)
        return next(view for view in views if view.rule == RULE)
