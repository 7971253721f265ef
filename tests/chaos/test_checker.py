"""The judge of the chaos runs: each thing that can go wrong is seen, and named for what it is."""

import random

import pytest

from tests.chaos.checker import Accepted, Alarm, Event, Task, check, shown
from tests.chaos.options import FAULTS, parse
from tests.chaos.storm import Deck

BUTTON = ("gw-1", "ev1527-00001")


def accepted(*ids):
    return {i: Accepted(*BUTTON, "sos") for i in ids}


def event(i, alarm="a1"):
    return Event(i, *BUTTON, "sos", alarm)


def alarm(count, i="a1", state="open"):
    return Alarm(i, *BUTTON, count, state)


def test_all_is_well() -> None:
    verdict = check(
        accepted("1", "2"), {BUTTON: 3}, [event("1"), event("2")], [alarm(2)], [Task("t1", "a1")]
    )
    assert verdict.holds
    assert (verdict.accepted, verdict.presses, verdict.found) == (2, 2, 2)


def test_a_fault_item_needs_a_place_in_the_book_and_no_alarm_of_its_own() -> None:
    item = {"9": Accepted("gw-1", "gw-1", "device_health")}
    told = Event("9", "gw-1", "gw-1", "device_health", None)
    assert check(item, {}, [told], [], []).holds
    assert check(item, {}, [], [], []).lost


@pytest.mark.parametrize(
    ("wrong", "events", "alarms", "tasks", "pressed"),
    [
        ("lost", ["1"], [alarm(1)], [Task("t1", "a1")], 2),
        ("lost", ["1", "2"], [], [], 2),
        ("lost", ["1", "2"], [alarm(1)], [Task("t1", "a1")], 2),
        ("lost", ["1", "2"], [alarm(2)], [], 2),
        ("doubled", ["1", "2", "2"], [alarm(3)], [Task("t1", "a1")], 2),
        ("doubled", ["1", "2"], [alarm(3)], [Task("t1", "a1")], 2),
        ("doubled", ["1", "2"], [alarm(1), alarm(1, "a2")], [Task("1", "a1"), Task("2", "a2")], 2),
        ("doubled", ["1", "2"], [alarm(2)], [Task("t1", "a1"), Task("t2", "a1")], 2),
        ("doubled", ["1", "2"], [alarm(2)], [Task("t1", "a1")], 1),
        ("unknown", ["1", "2", "3"], [alarm(3)], [Task("t1", "a1")], 3),
        ("closed", ["1", "2"], [alarm(2, state="closed")], [Task("t1", "a1")], 2),
    ],
)
def test_what_is_wrong_is_named(wrong, events, alarms, tasks, pressed) -> None:
    verdict = check(
        accepted("1", "2"), {BUTTON: pressed}, [event(i) for i in events], alarms, tasks
    )
    assert getattr(verdict, wrong)
    assert not verdict.holds


def test_an_event_without_an_alarm_is_lost() -> None:
    verdict = check(accepted("1"), {BUTTON: 1}, [event("1", None)], [alarm(1)], [Task("t1", "a1")])
    assert verdict.lost


def test_of_many_wrongs_a_few_are_shown() -> None:
    assert shown(["a", "b"]) == "a; b"
    assert shown([str(n) for n in range(9)]).endswith(" and 4 more")


def test_each_fault_comes_as_often_as_the_others_and_who_cant_comes_later() -> None:
    deck, done = Deck(["net", "slow", "full"], random.Random(1)), []
    broken = {"slow"}

    def inject(fault: str) -> bool:
        if fault in broken:
            return False
        done.append(fault)
        return True

    for _ in range(4):
        deck.draw(inject)
    assert sorted(done) == ["full", "net"]
    broken.clear()
    deck.draw(inject)
    assert done[-1] == "slow"


def test_words_that_make_no_sense_are_refused() -> None:
    assert parse(["KILLS=7", "FAULTS=kill,stop"]).activations == 140
    for words in (["KILLS"], ["LIVES=9"], ["FAULTS=meteor"], ["BOOK=paper"], ["KILLS=many"]):
        with pytest.raises(ValueError, match=r"expected|no such fault|invalid literal"):
            parse(words)
    assert set(parse([]).faults) | set(parse([]).skipped) == set(FAULTS)
