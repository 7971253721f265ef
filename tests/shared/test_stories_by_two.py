"""Every story about alarms once more, told by two processes that write one book in turn: the same
people are told at the same times, the same facts stand in it."""

import inspect
from collections.abc import Callable, Iterator

import pytest

from ledger.changes import Changes
from tests.adapters.postgres import Postgres
from tests.alarms.stories import test_cases, test_clocks, test_contacts, test_escalation, test_worse
from tests.shared.two_hands import TwoHands

MODULES = (test_cases, test_clocks, test_contacts, test_escalation, test_worse)

LEFT_OUT = {
    # It reaches into the parts of one hand.
    "test_one_promise_that_cannot_be_kept_holds_up_no_other",
    # Hours, looked at every second: thousands of transactions that show no more than ten.
    "test_held_by_a_dark_village_and_released",
    "test_a_call_from_a_home_that_is_away_is_a_call",
    "test_silence_closes_nothing",
}


def stories() -> Iterator[object]:
    """Those that ask for nothing but a story, each with its cases."""
    for module in MODULES:
        for name, told in vars(module).items():
            if not name.startswith("test_") or name in LEFT_OUT:
                continue
            asked = list(inspect.signature(told).parameters)
            cases = [mark for mark in getattr(told, "pytestmark", ()) if mark.name == "parametrize"]
            if asked == ["story"]:
                yield pytest.param(module, told, {}, id=name)
            elif len(asked) == 2 and asked[0] == "story" and len(cases) == 1:
                for case in cases[0].args[1]:
                    yield pytest.param(module, told, {asked[1]: case}, id=f"{name}-{case}")


@pytest.fixture
def story(postgres: Postgres) -> TwoHands:
    return TwoHands(postgres.fresh())


@pytest.mark.parametrize(("module", "told", "case"), list(stories()))
def test_a_story_told_by_two(
    story: TwoHands, module: object, told: Callable[..., None], case: dict[str, object]
) -> None:
    if module is test_cases:
        story.asks_for_s = {"no_sign_of_life": 300}
    told(story, **case)
    story.end()


def test_there_are_as_many_as_there_are_stories() -> None:
    assert len(list(stories())) > 40


def test_memory_that_follows_nothing_is_found_out(story: TwoHands) -> None:
    """The oracle of this file: the same story fails where one of two does not follow."""
    deaf: Callable[[object, Changes], None] = lambda _unit, _changes: None  # noqa: E731
    for hand in story.hands:
        hand.writer.follow = deaf
    with pytest.raises(AssertionError):
        test_cases.test_asked_first_and_well(story)
    for hand in story.hands:
        hand.writer.close()
