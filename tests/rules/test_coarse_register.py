"""Registers of whole kilowatt-hours: what is known of a day's energy, and what is found by it."""

import json
import math
import random
from pathlib import Path

import pytest

from rules.coarse_limit import UNIT_W, CoarseLimit
from rules.coarse_living import CoarseLiving, living_for
from rules.living import Living
from rules.metering import Slot
from rules.quiet_limit import DAYS_TRUSTED
from rules.register_steps import RegisterSteps
from rules.together import Step
from tests.rules.silent_home import RULE, House, hours_after

FORMER_STATES = Path(__file__).parent / "former_states"
DAY = 96
# The small home of these tests uses little more than its machines: a larger one, so that its days
# lie apart by more than a step.
LARGER = 2.5
AWAY = 41.5


def whole(rows, *, step_kwh=1.0, larger=LARGER):
    """The same readings by a register of such steps."""
    begun = rows[0][1]
    return [
        (at, round(math.floor((kwh - begun) * larger / step_kwh) * step_kwh, 3)) for at, kwh in rows
    ]


def pushed(steps: RegisterSteps, watts, *, holes=()) -> None:
    """Quarter-hours of these watts, by a register of 1 kWh; in holes nothing was read."""
    wh, told, follows = 0.0, 0, True
    for place, power_w in enumerate(watts):
        wh += power_w / 4
        gone_up, told = int(wh // 1000) - told, int(wh // 1000)
        if place not in holes:
            steps.push(gone_up * 4000.0, 4000.0, follows=follows)
        follows = place not in holes


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("seed", range(6))
def test_a_day_has_used_less_than_the_most_and_more_than_the_least(seed, every) -> None:
    chance, steps = random.Random(seed), RegisterSteps(DAY)
    watts = [chance.choice([40.0, 80.0, 90.0, 2500.0]) for _ in range(6 * DAY)]
    last, grain_w = 0.0, 4000.0 / every
    for place in range(0, len(watts), every):
        part = watts[: place + every]
        wh = sum(part) / 4
        gone_up, last = wh // 1000 - last // 1000, wh
        for _ in range(every):
            steps.push(gone_up * grain_w, grain_w, follows=True)
        if len(part) < DAY + 4 * every:
            continue
        slots, _gone_up = steps.stretch()
        assert slots >= DAY
        assert sum(part[-slots:]) / slots < steps.most_w()
        means = (sum(part[-n:]) / n for n in range(every, DAY + 1, every))
        assert steps.least_w() <= max(means) + 1e-6


def test_the_longest_time_between_two_steps_is_what_the_home_uses_alone() -> None:
    steps = RegisterSteps(DAY)
    for _day in range(5):
        pushed(steps, [80.0] * 60 + [800.0] * 36)
        steps.day_over(lived=True)
    assert steps.alone_w == pytest.approx(80.0, rel=0.25)
    least_w = steps.alone_w
    # A day that may have been an empty one teaches nothing.
    pushed(steps, [20.0] * 300)
    steps.doubt()
    for _day in range(3):
        steps.day_over(lived=True)
    assert steps.alone_w == least_w


def test_what_nobody_saw_may_hide_a_step() -> None:
    """What was used in the hours that were seen is never more than is said."""
    chance = random.Random(5)
    for _ in range(60):
        watts = [chance.choice([40.0, 90.0, 1500.0]) for _ in range(3 * DAY)]
        begun = [chance.randrange(DAY, 3 * DAY) for _ in range(6)]
        holes = {place + n for place in begun for n in range(3)}
        steps = RegisterSteps(DAY)
        pushed(steps, watts, holes=holes)
        seen = [power_w for place, power_w in enumerate(watts) if place not in holes]
        slots, _gone_up = steps.stretch()
        assert sum(seen[-slots:]) / slots < steps.most_w()
        again = RegisterSteps.load(DAY, json.loads(json.dumps(steps.dump())))
        told = [(each.most_w(), each.least_w(), each.stretch()) for each in (steps, again)]
        assert told[0] == told[1]
        assert again.dump() == steps.dump()


def test_behind_a_dead_supply_the_day_is_counted_anew() -> None:
    living = CoarseLiving(24)
    day = [4000.0 if n % 12 == 0 else 0.0 for n in range(DAY)]
    known = [*day * 4, *[0.0] * 40, *day, 0.0]
    judged = []
    for number, power_w in enumerate(known, 96 * 100):
        living.push(number, power_w, 4000.0, learn=True)
        judged.append((living.measure() is not None, living.dark))
    dark = judged[4 * DAY : 4 * DAY + 40]
    assert dark[0] == (True, False)
    assert dark[-1] == (False, True)
    assert judged[4 * DAY + 40 : -1] == [(False, False)] * DAY
    assert judged[-1] == (True, False)


def test_how_long_it_takes_until_a_day_can_look_empty_is_never_too_long() -> None:
    chance, living = random.Random(3), CoarseLiving(24)
    living.quiet.limit = 1.5
    number, watts = 1000, []
    for _ in range(4000):
        slots = living.patience()
        for _later in range(slots + 1):
            number += 1
            watts.append(chance.choice([0.0] * 12 + [4000.0]))
            living.push(number, watts[-1], 4000.0, learn=False)
            activity = living.measure()
            living.quiet.limit = 1.5
            if _later < slots:
                assert activity is None or activity > living.quiet.limit
        if len(watts) > 4000:
            break


def test_a_memory_is_chosen_by_the_day_before() -> None:
    living: Living = Living(24)
    number = 96 * 100
    for _ in range(96):
        living = living_for(living, Slot(number, 0.0, 4000.0), (24, 48))
        living.push(number, 0.0, 4000.0, learn=True)
        number += 1
    assert type(living) is Living
    living = living_for(living, Slot(number, 0.0, 4000.0), (24, 48))
    assert type(living) is CoarseLiving
    # An hourly reading that comes late says less power for a step, not that it is finer.
    for grain_w in [4000.0] * 40 + [500.0] * 8 + [4000.0] * 48:
        living = living_for(living, Slot(number, 0.0, grain_w), (24, 48))
        living.push(number, 0.0, grain_w, learn=True)
        number += 1
    assert type(living_for(living, Slot(number, 0.0, 0.0), (24, 48))) is CoarseLiving
    living.take([Step(Slot(n, 90.0, 0.0), True, False) for n in range(number, number + 96)])
    assert type(living_for(living, Slot(number + 96, 90.0, 0.0), (24, 48))) is Living


def limit(*, alone=66.0, usual=190.0, least=(), days=60) -> CoarseLimit:
    quiet = CoarseLimit()
    quiet.alone, quiet.step = alone / UNIT_W, 4000.0 / 96 / UNIT_W
    for day, low_w in enumerate([*[usual] * (days - len(least)), *least]):
        quiet.lived(low_w / UNIT_W, day)
    return quiet


def test_the_limit_lies_between_the_home_alone_and_its_quietest_days() -> None:
    assert limit().limit * UNIT_W == pytest.approx(66.0 * 1.4)
    quiet = limit(least=[95.0 + n for n in range(8)])
    assert 66.0 < quiet.limit * UNIT_W < 92.0
    # It never falls below what the home uses alone, or no empty day would be found.
    assert limit(least=[60.0] * 3).limit * UNIT_W == pytest.approx(66.0)


def test_days_that_lie_closer_than_the_register_tells_are_not_judged() -> None:
    assert limit(usual=120.0).limit == 0.0
    assert limit(usual=120.0).weak
    # While little is known nothing is said, and not that it can't be judged.
    young = limit(days=13)
    assert young.limit == 0.0
    assert not young.weak
    assert limit(usual=120.0, days=DAYS_TRUSTED).weak


@pytest.mark.parametrize("minutes", [15, 60])
def test_an_absence_is_found_and_ends(kit, minutes) -> None:
    found = []
    for seed in (1, 4):
        step_ms = minutes * kit.MINUTE_MS
        rows = whole(kit.electricity(seed, 48, away=[(AWAY, 45)], step_ms=step_ms))
        house = House(kit).power(rows)
        hours = hours_after(kit, house, AWAY)
        assert len(hours) == 1
        found += hours
        assert [f.phase for f in house.found] == ["raised", "cleared"]
        assert house.state().state == "well"
        evidence = house.found[0].evidence
        assert evidence["window_h"] == 24
        assert evidence["register_step_kwh"] == 1.0
        assert evidence["mean_most_w"] <= evidence["usual_most_w"] * 0.6 + 1
        used_kwh = evidence["mean_most_w"] * evidence["register_h"] / 1000
        assert used_kwh == pytest.approx(evidence["register_steps"] + 1, abs=0.3)
        assert "spread_w" not in evidence
    assert min(found) >= 0
    assert max(found) <= 40


def test_a_register_of_tenths_that_is_read_often_is_judged_too(kit) -> None:
    rows = kit.electricity(2, 48, away=[(AWAY, 45)], step_ms=5 * kit.MINUTE_MS)
    house = House(kit).power(whole(rows, step_kwh=0.1, larger=1.0))
    (hours,) = hours_after(kit, house, AWAY)
    assert hours <= 40
    assert house.found[0].evidence["register_step_kwh"] == pytest.approx(0.1)


def test_a_load_that_was_left_on_hides_it_and_a_small_home_cannot_be_judged(kit) -> None:
    left_on = whole(kit.electricity(1, 48, away=[(AWAY, 45)], left_on_w=120.0))
    assert House(kit).power(left_on).raised_at() == []
    house = House(kit).power(whole(kit.electricity(1, 48, away=[(AWAY, 45)]), larger=1.0))
    assert house.found == []
    assert house.state().state == "cannot_judge"
    assert house.state().explanation["reason"] == "coarse_register"


def test_a_dead_supply_is_no_empty_home(kit) -> None:
    """The register stands still for two days; the home alone would have moved it."""
    house, stood = House(kit), None
    for at_ms, kwh in whole(kit.electricity(1, 46)):
        dark = 42 <= (at_ms - kit.START_MS) / kit.DAY_MS < 44
        stood = (kwh if stood is None else stood) if dark else None
        house.power([(at_ms, stood if dark else kwh)])
        if (at_ms - kit.START_MS) / kit.DAY_MS == 43.5:
            assert house.state().explanation["reason"] == "supply_dead"
    assert house.found == []


def test_nothing_is_found_while_nothing_is_read_or_just_behind(kit) -> None:
    rows = whole(kit.electricity(1, 46, away=[(AWAY, 45)]))
    gap = [kit.START_MS + int((AWAY + d) * kit.DAY_MS) for d in (0.2, 1.3)]
    house = House(kit).power([row for row in rows if not gap[0] < row[0] < gap[1]])
    (hours,) = hours_after(kit, house, AWAY)
    assert hours > 1.3 * 24 + 1.25


def test_restarts_and_duplicates_change_nothing(kit) -> None:
    rows = whole(kit.electricity(4, 45, away=[(AWAY, 43.5)]))
    straight, house = House(kit).power(rows), House(kit)
    for number, row in enumerate(rows):
        if number % 37 == 0 or (number > AWAY * 96 and number % 3 == 0):
            house.restart()
        house.power([row])
        again = rows[max(0, number - 5 * (number % 3))]
        house.see("power", again[0], {"energy_kwh": again[1]}, now_ms=row[0])
    assert [*map(repr, house.found)] == [*map(repr, straight.found)] != []


@pytest.mark.parametrize("first", ["coarse", "fine"])
def test_another_meter_of_the_other_kind_is_learned_anew(kit, first) -> None:
    rows = kit.electricity(1, 60, away=[(57.5, 60)])
    fine = [(at, round((kwh - rows[0][1]) * LARGER, 3)) for at, kwh in rows]
    before, behind = (whole(rows), fine) if first == "coarse" else (fine, whole(rows))
    day = [(at - kit.START_MS) / kit.DAY_MS for at, _kwh in rows]
    house = House(kit).power([row for row, at in zip(before, day, strict=True) if at < 12])
    house.power([row for row, at in zip(behind, day, strict=True) if at >= 12], device="meter-2")
    assert ("register_step_kwh" in house.state().explanation) == (first == "fine")
    (hours,) = hours_after(kit, house, 57.5)
    assert 0 <= hours <= 40


def test_states_of_the_program_before_go_on(kit) -> None:
    """Of a fine register as if nothing had changed; a coarse one, of which it knew nothing, is
    learned from the next day on."""
    rows = kit.electricity(2, 24, away=[(21.5, 24)])
    seen_until_ms = kit.START_MS + int(21.4 * kit.DAY_MS)
    straight, house = House(kit).power(rows), House(kit)
    house.now_ms = seen_until_ms
    for rule, name in ((RULE, "no_sign_of_life_8"), ("mains", "mains_3_of_8")):
        house.engine.restore("h", rule, (FORMER_STATES / f"{name}.json").read_bytes())
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    assert [*map(repr, house.found)] == [*map(repr, straight.found)] != []

    rows = whole(kit.electricity(2, 66, away=[(63, 66)]))
    house = House(kit)
    house.now_ms = seen_until_ms
    written = (FORMER_STATES / "no_sign_of_life_8_coarse.json").read_bytes()
    assert json.loads(written)["v"] == 8
    house.engine.restore("h", RULE, written)
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    (hours,) = hours_after(kit, house, 63)
    assert hours <= 40
