"""A home whose panels have a meter of their own is judged by what it uses, or not at all."""

import json
import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.config import ConfigError
from rules.behind_panels import BehindPanels, mains_of
from rules.engine import Engine
from rules.kinds.mains import MainsFeed
from rules.mains import Mains
from rules.metering import SLOT_MS, Gap, Slot
from rules.rule import HomeFacts, Rule

FEED = MainsFeed()
NAMED = {"meter": "meter", "panels_meter": "panels"}
DAY = 96
LATE_MS = 5_000
# Past the first quarter-hours, which begin in the middle.
SEEN = slice(2, None)


class Sunny:
    """Uses `used_w` and makes `made_w`; each reading can be spoilt on its way."""

    def __init__(self, kit, *, used_w=120.0, made_w=0.0, digits=3) -> None:
        self.kit = kit
        self.used_w, self.made_w, self.digits = used_w, made_w, digits
        self.top_kwh, self.panels = 100_000, "panels"
        self.kwh = {"taken": 4000.0, "given": 900.0, "made": 2000.0}
        self.mains = mains_of("meter", "panels")
        self.parts: list[Slot | Gap] = []
        self.spoken: list[str] = []
        self.number = 0

    def live(self, slots, *, skip=(), without=()) -> "Sunny":
        for _ in range(slots):
            used, made = (
                w(self.number % DAY) if callable(w) else w for w in (self.used_w, self.made_w)
            )
            self.number += 1
            for name, watts in (
                ("taken", max(used - made, 0.0)),
                ("given", max(made - used, 0.0)),
                ("made", made),
            ):
                if name not in without:
                    self.kwh[name] += watts / 4000
            if "main" not in skip:
                given = None if "given" in skip else self.shown("given")
                self.read("meter", 0, self.shown("taken"), given=given)
            if "panels" not in skip:
                self.read(self.panels, LATE_MS, self.shown("made"))
        return self

    def shown(self, name) -> float:
        whole = 10**self.digits
        return int(self.kwh[name] * whole + 1e-6) % (self.top_kwh * whole) / whole

    def read(self, device, late_ms, kwh, *, given=None) -> None:
        at_ms = self.kit.START_MS + self.number * SLOT_MS + late_ms
        seen = self.kit.Seen(
            id=f"{device}{at_ms}",
            device=device,
            kind="power",
            measured_at_ms=at_ms,
            received_at_ms=at_ms,
            values={"energy_kwh": kwh},
            attrs={} if given is None else {"reverse_energy_kwh": given},
        )
        done = self.mains.read(seen, at_ms)
        if self.mains.larger:
            self.mains.larger, self.parts = False, []
            self.spoken.append("larger")
        self.parts.extend(done or ())

    def watts(self) -> list[float]:
        return [part.watts for part in self.parts if isinstance(part, Slot)][SEEN]

    def gaps(self) -> list[Gap]:
        return [part for part in self.parts if isinstance(part, Gap)]

    def restart(self, panels="panels") -> None:
        document = json.loads(json.dumps(self.mains.dump()))
        self.mains = mains_of("meter", panels)
        self.mains.restore(document)


def sun(slot: int) -> float:
    """3 kW at noon, nothing for fourteen hours."""
    return max(0.0, 3000.0 * (1 - ((slot - 48) / 20) ** 2))


def test_what_is_used_is_told_whatever_the_sun_does(kit) -> None:
    home = Sunny(kit, made_w=sun).live(3 * DAY)
    assert home.spoken == ["larger"]
    assert home.gaps() == []
    # From the first sun on.
    assert len(home.watts()) > 2.6 * DAY
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())
    numbers = [part.number for part in home.parts]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_kettle_under_the_sun_stands_out(kit) -> None:
    home = Sunny(kit, made_w=sun, used_w=lambda slot: 800.0 if slot == 47 else 60.0).live(2 * DAY)
    assert sum(watts > 600 for watts in home.watts()) == 2


@pytest.mark.parametrize("phase_wh", range(10))
def test_coarser_registers_never_tell_less_than_nothing(kit, phase_wh) -> None:
    home = Sunny(kit, made_w=sun, used_w=4.0, digits=2)
    home.kwh["made"] += phase_wh / 1000
    watts = home.live(3 * DAY).watts()
    assert home.gaps() == []
    assert min(watts) >= 0
    assert sum(watts) / len(watts) == pytest.approx(4, abs=1)
    assert {round(part.grain_w) for part in home.parts[2:]} == {40}


def test_until_all_three_are_heard_it_is_what_is_taken(kit) -> None:
    home = Sunny(kit, made_w=80.0).live(20, skip=("given",))
    assert home.spoken == []
    assert len(home.watts()) == 17
    home.live(20, skip=("panels",))
    assert home.spoken == []
    assert len(home.watts()) == 37
    assert home.watts()[-1] == pytest.approx(40, abs=4)
    assert home.live(3).spoken == ["larger"]
    assert home.live(20).watts()[-1] == pytest.approx(120, abs=8)


def test_registers_of_a_tenth_are_not_added_up(kit) -> None:
    home = Sunny(kit, made_w=sun, digits=1).live(2 * DAY)
    assert home.spoken == []
    assert min(home.watts()) == 0


@pytest.mark.parametrize("lost", ["panels", "given", "main"])
def test_a_part_that_is_missing_by_day_is_a_gap(kit, lost) -> None:
    home = Sunny(kit, made_w=sun).live(DAY + 40)
    told = len(home.parts)
    home.live(12, skip=(lost,))
    assert len(home.parts) <= told + 1
    home.live(20)
    (gap,) = home.gaps()
    assert gap.end_ms - gap.start_ms >= 12 * SLOT_MS
    # What was used meanwhile is known from the registers.
    assert gap.watts == pytest.approx(120, abs=12)
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())


def test_one_missing_reading_is_borne(kit) -> None:
    home = Sunny(kit, made_w=sun).live(DAY + 45)
    for lost in ("panels", "given", "main"):
        home.live(1, skip=(lost,)).live(7)
    assert home.gaps() == []
    assert all(watts == pytest.approx(120, abs=60) for watts in home.watts())


def test_a_meter_of_the_panels_that_sleeps_by_night_is_believed_in_the_morning(kit) -> None:
    home = Sunny(kit, made_w=sun).live(2 * DAY - 24)
    told = len(home.parts)
    home.live(44, skip=("panels",))
    assert len(home.parts) <= told + 1
    home.live(30)
    assert home.gaps() == []
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())


@pytest.mark.parametrize("register", ["taken", "given", "made"])
@pytest.mark.parametrize("kwh", [0.0, 7.5, 60_000.0])
def test_another_meter_is_a_gap_of_which_nothing_is_known(kit, register, kwh) -> None:
    home = Sunny(kit, made_w=sun).live(DAY + 45)
    home.kwh[register] = kwh
    home.live(10)
    assert {gap.watts for gap in home.gaps()} == {None}
    assert sum(gap.end_ms - gap.start_ms for gap in home.gaps()) <= 2 * SLOT_MS
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())


@pytest.mark.parametrize("register", ["given", "made"])
def test_one_that_shows_a_little_less_is_another_meter(kit, register) -> None:
    home = Sunny(kit, made_w=sun).live(DAY + 10)
    home.kwh[register] -= 0.02
    home.live(10)
    assert {gap.watts for gap in home.gaps()} == {None}
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())


def test_old_and_repeated_readings_say_nothing(kit) -> None:
    straight, home = Sunny(kit, made_w=sun), Sunny(kit, made_w=sun)
    straight.live(2 * DAY)
    said, read = [], home.read

    def again(*reading, **more) -> None:
        said.append((home.number, reading, more))
        for number, before, how in (said[-1], said[-1], said[max(0, len(said) - 6)], said[-1]):
            home.number = number
            read(*before, **how)

    home.read = again
    home.live(2 * DAY)
    assert home.parts == straight.parts


@pytest.mark.parametrize("first", ["meter", "panels"])
@pytest.mark.parametrize("slots", [2, 16, 90])
def test_a_backlog_meter_by_meter_tells_the_same(kit, slots, first) -> None:
    straight, home = Sunny(kit, made_w=sun), Sunny(kit, made_w=sun)
    straight.live(3 * DAY)
    said, read = [], home.read
    home.read = lambda *reading, **more: said.append((home.number, reading, more))
    home.live(3 * DAY)
    said.sort(key=lambda one: ((one[0] - 1) // slots, one[1][0] != first))
    for number, reading, more in said:
        home.number = number
        read(*reading, **more)
    # How many digits a register has is known sooner of a backlog.
    begin = straight.parts[0].number + DAY
    told = [[part for part in one.parts if part.number >= begin] for one in (straight, home)]
    assert told[0] == told[1] != []


@pytest.mark.parametrize("register", ["taken", "given", "made"])
def test_registers_roll_over(kit, register) -> None:
    home = Sunny(kit, made_w=sun)
    home.top_kwh = 10_000
    home.kwh[register] = 9999.5
    home.live(3 * DAY)
    assert home.kwh[register] > home.top_kwh
    assert home.gaps() == []
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())


def test_panels_that_give_and_don_t_count_are_no_quiet_home(kit) -> None:
    home = Sunny(kit, made_w=sun).live(DAY)
    home.live(DAY, without=("made",))
    by_day = [p for p in home.parts if isinstance(p, Slot) and 36 <= p.number % DAY - 0 < 60]
    dark = [p for p in by_day if p.number >= home.parts[0].number + DAY]
    assert len(dark) <= 4
    assert len(home.gaps()) > 20


def test_a_clock_that_jumps_back_tells_nothing_twice(kit) -> None:
    home = Sunny(kit, made_w=sun).live(DAY + 45)
    before = list(home.parts)
    home.number -= 8
    kwh = dict(home.kwh)
    home.live(6)
    assert home.parts == before
    home.kwh = kwh
    home.number += 2
    home.live(8)
    numbers = [part.number for part in home.parts if isinstance(part, Slot)]
    assert len(set(numbers)) == len(numbers)


def test_the_larger_of_the_panels_never_speaks_for_the_home(kit) -> None:
    home = Sunny(kit, made_w=3000.0, used_w=100.0).live(3 * DAY, skip=("given",))
    assert home.mains.primary == "meter"
    assert max(home.watts(), default=0.0) == 0.0


def test_other_meters_go_on_as_the_same_home(kit) -> None:
    home = Sunny(kit, made_w=sun).live(DAY + 45)
    home.panels = "panels-2"
    home.kwh["made"] += 0.4
    home.restart(panels="panels-2")
    home.live(8)
    assert isinstance(home.mains, BehindPanels)
    assert home.mains.used
    assert len(home.spoken) == 1
    assert [gap.watts for gap in home.gaps()] == [None]
    assert all(watts == pytest.approx(120, abs=12) for watts in home.watts())


def test_a_home_that_is_judged_by_what_it_takes_again_is_learned_anew(kit) -> None:
    home = Sunny(kit, made_w=sun).live(DAY)
    home.restart(panels="")
    home.restart(panels="")
    assert type(home.mains) is Mains
    assert home.live(2).spoken == ["larger", "larger"]
    assert "used" not in home.mains.dump()


def test_states_of_before_and_of_homes_without_panels_are_the_same(kit) -> None:
    home = Sunny(kit, made_w=50.0)
    home.mains = Mains("meter")
    home.live(10)
    document = home.mains.dump()
    assert set(document) == {"primary", "meters", "means"}
    home.restart()
    assert home.live(3).spoken == ["larger"]


def test_the_parameter_asks_for_the_main_meter() -> None:
    assert FEED.parse(NAMED, "x").panels_meter == "panels"
    for table in ({"panels_meter": "panels"}, {"meter": "panels", "panels_meter": "panels"}):
        with pytest.raises(ConfigError, match="needs `meter`"):
            FEED.parse(table, "x")


def readings(kit, chance):
    """A day by the quarter-hour and finer, with everything that goes wrong."""
    home = Sunny(kit, used_w=lambda _slot: chance.choice([60.0, 900.0]), made_w=sun, digits=2)
    seen, home.read = [], lambda *said, **more: seen.append((home.number, said, more))
    for _ in range(150):
        home.live(1, skip=chance.sample(["panels", "given", "main"], chance.choice([0, 0, 0, 1])))
        if chance.random() < 0.03:
            home.kwh[chance.choice(["taken", "given", "made"])] = chance.choice([0.0, 9999.0])
        if chance.random() < 0.1:
            seen.append(chance.choice(seen)) if seen else None
    return seen


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_restarts_change_nothing(kit, seed) -> None:
    chance = random.Random(seed)
    seen = readings(kit, chance)
    straight, cut = Sunny(kit), Sunny(kit)
    for number, said, more in seen:
        for home in (straight, cut):
            home.number = number
        if chance.random() < 0.5:
            cut.restart()
        straight.read(*said, **more)
        cut.read(*said, **more)
        assert straight.parts == cut.parts
        assert straight.mains.dump() == cut.mains.dump()
    assert straight.parts


def engine_of(overrides) -> Engine:
    rule = Rule(name="mains", kind=FEED, severity=FEED.severity, params=FEED.parse({}, "mains"))
    engine = Engine([rule])
    engine.add_home(HomeFacts(home="h", overrides={"mains": overrides}), 0)
    return engine


def test_the_screen_says_how_a_home_is_judged(kit) -> None:
    home, engine = Sunny(kit, made_w=50.0), engine_of(NAMED)
    home.mains = None
    said = []

    def read(device, late_ms, kwh, *, given=None):
        at_ms = kit.START_MS + home.number * SLOT_MS + late_ms
        attrs = {} if given is None else {"reverse_energy_kwh": given}
        seen = kit.Seen(id=f"{device}{at_ms}", device=device, kind="power", measured_at_ms=at_ms,
                        received_at_ms=at_ms, values={"energy_kwh": kwh}, attrs=attrs)  # fmt: skip
        engine.observe("h", seen, at_ms)
        said.append(engine.view("h", at_ms)[0].explanation)

    home.read = read
    home.live(1)
    assert said[-1]["reason"] == "use_unknown"
    home.live(3)
    assert said[-1]["reason"] == "metered_used"
    assert (said[-1]["meter"], said[-1]["panels_meter"]) == ("meter", "panels")


@pytest.mark.parametrize("spoilt", [None, 3, [], {}, {"known": True, "energy": {}, "names": []}])
def test_a_spoilt_state_is_told(kit, spoilt) -> None:
    before, home = engine_of(NAMED), Sunny(kit, made_w=sun)
    home.mains = SimpleNamespace(
        read=lambda seen, at_ms: before.observe("h", seen, at_ms) and None, larger=False
    )
    home.live(DAY)
    ((_home, _rule, state),) = before.take_dirty()
    for used, problems in ((json.loads(state)["mains"]["used"], 0), (spoilt, 1)):
        document = json.loads(state)
        document["mains"]["used"] = used
        engine = engine_of(NAMED)
        engine.restore("h", "mains", json.dumps(document).encode())
        engine.view("h", kit.START_MS)
        assert len(engine.take_problems()) == problems
