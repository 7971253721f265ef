"""The evaluation of the sign of life: homes, meters, the simple methods, the judge."""

import numpy as np
import pytest

from bench.absence.houses import DAY, House, Span
from bench.absence.judging import judge, rule_alarms
from bench.absence.meters import METERS, Meter, Tape, quarters, record
from bench.absence.rivals import METHODS, alarms
from bench.absence.trial import OWN, TUNING

FIFTEEN = Meter(name="15 min")


def quiet_house(days: int, *, gone: Span) -> House:
    """50 W, and 2 kW for a quarter of an hour in about every third hour while somebody is there;
    never at the same minute on two days, which would be a timer."""
    watts = np.full(days * DAY, 50, dtype=np.float32)
    for beat in range(0, days * DAY - 180, 180):
        at = beat + beat // DAY * 37 % 150
        if at % DAY >= 360 and not gone.start <= at < gone.end:
            watts[at : at + 15] += 2000
    return House(name="quiet", watts=watts, absences=[gone])


def tape_of(house: House, **meter) -> Tape:
    return record(house, Meter(name="m", **meter), seed=1)


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_home_follows_from_its_family_and_seed(name) -> None:
    build = OWN[name].build
    one, again, other = build(7, 30), build(7, 30), build(8, 30)
    assert np.array_equal(one.watts, again.watts)
    assert not np.array_equal(one.watts, other.watts)


@pytest.mark.parametrize("name", sorted(OWN))
def test_human_loads_stop_in_an_absence_and_machines_do_not(name) -> None:
    lived, empty = [], []
    for seed in range(6):
        house = OWN[name].build(seed, 60)
        away = np.zeros(len(house.watts), dtype=bool)
        for span in house.absences:
            assert 20 <= (span.end - span.start) / 60 <= 120
            away[span.start : span.end] = True
        if away.any():
            lived.append(float(house.watts[~away].mean()))
            empty.append(float(house.watts[away].mean()))
    assert sum(empty) < sum(lived) * 0.9
    assert all(watts != 0.0 for watts in empty)


def test_the_held_out_family_is_no_part_of_tuning() -> None:
    assert {module.NAME for module in TUNING} < set(OWN)


def test_a_register_counts_whole_grains_and_the_load_that_was_left_on() -> None:
    house = quiet_house(3, gone=Span(start=DAY, end=2 * DAY))
    plain, left_on = (tape_of(house, grain_kwh=0.01, left_on_w=w) for w in (0.0, 120.0))
    assert all(abs(v * 100 - round(v * 100)) < 1e-6 for v in plain.values)
    assert left_on.values[-1] - plain.values[-1] == pytest.approx(24 * 0.12, abs=0.021)


def test_a_troubled_meter_loses_readings_and_says_when() -> None:
    house = quiet_house(60, gone=Span(start=0, end=1))
    tape = tape_of(house, troubled=True)
    assert tape.blind
    assert len(tape.minutes) < 60 * 96
    assert any(b < a for a, b in zip(tape.values, tape.values[1:], strict=False))


@pytest.mark.parametrize("every_min", [15, 60])
def test_quarter_hours_are_those_of_the_house(every_min) -> None:
    house = quiet_house(4, gone=Span(start=DAY, end=DAY + 1))
    watts = quarters(tape_of(house, every_min=every_min))
    # Energy is kept, but for the readings at the edges.
    assert np.nanmean(watts[96:288]) == pytest.approx(house.watts[DAY : 3 * DAY].mean(), rel=0.03)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_simple_methods_find_a_plain_absence_once(method) -> None:
    gone = Span(start=8 * DAY, end=11 * DAY)
    found = alarms(tape_of(quiet_house(14, gone=gone)), method)
    assert len(found) == 1
    assert gone.start + 18 * 60 <= found[0] <= gone.start + 26 * 60


def test_a_fixed_limit_is_hidden_by_a_load_left_on_and_a_change_is_not() -> None:
    tape = tape_of(quiet_house(14, gone=Span(start=8 * DAY, end=11 * DAY)), left_on_w=160.0)
    assert alarms(tape, "base+150") == []
    assert len(alarms(tape, "change")) == 1


def test_the_rule_finds_it_too() -> None:
    gone = Span(start=20 * DAY, end=23 * DAY)
    house = quiet_house(25, gone=gone)
    found = rule_alarms(tape_of(house), house)
    assert len(found) == 1
    assert found[0] <= gone.start + 26 * 60


GONE = Span(start=10_000, end=10_000 + 48 * 60)
CASES = {
    "in time": ([GONE.start + 25 * 60], (1, 1, 0, 0)),
    "too late": ([GONE.start + 27 * 60], (1, 0, 0, 0)),
    "before it": ([GONE.start - 1], (1, 0, 1, 0)),
    "just after the return": ([GONE.end + 60], (1, 0, 0, 0)),
    "later than that": ([GONE.end + 61], (1, 0, 1, 0)),
    "twice, and in a blackout": ([500, GONE.start + 60], (1, 1, 1, 1)),
    "never": ([], (1, 0, 0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_found_false_and_blind(case) -> None:
    minutes, wanted = CASES[case]
    house = quiet_house(20, gone=GONE)
    tape = Tape(meter=FIFTEEN, minutes=[], values=[], blind=[Span(start=400, end=450)])
    score = judge(minutes, house, tape)
    assert (score.absences, score.found, score.alarms_false, score.in_blind) == wanted


def test_an_absence_that_could_not_be_seen_is_not_asked_for() -> None:
    house = quiet_house(20, gone=GONE)
    dark = [Span(start=GONE.start + 60, end=GONE.start + 600)]
    assert judge([], house, Tape(meter=FIFTEEN, minutes=[], values=[], blind=dark)).absences == 0


def test_meters_have_names_of_their_own() -> None:
    assert len({meter.name for meter in METERS}) == len(METERS)
