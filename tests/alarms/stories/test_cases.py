"""Stories of what is asked, held, joined or opened again: silence never ends an alarm."""

import pytest

from alarms.lifecycle import IllegalMove, Outcome, TaskMove
from tests.alarms.stories.story import DARK, DAY_S, HOUR_S, Story
from tests.alarms.stories.test_escalation import BY_ALL, FIRST, ROUND, SECOND

SILENT = {"rule": "no_sign_of_life", "reason": "no_activity"}


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    told.asks_for_s = {"no_sign_of_life": 300}
    yield told
    told.end()


def test_asked_first_and_well(story) -> None:
    alarm = story.press(**SILENT)
    story.wait(200)
    story.says_well()
    story.wait(DAY_S)
    story.told()
    story.is_(alarm, "closed")
    assert story.alarm(alarm)["outcome"] == "answered_well"


def test_asked_first_and_no_answer(story) -> None:
    alarm = story.press(**SILENT)
    story.wait(299)
    story.told()
    story.wait(1)
    story.told(*FIRST)
    story.wait(30)
    story.told(*SECOND)
    assert story.history(alarm)[-3:] == ["not_answered", "told 1 not_answered", "told 2 not_taken"]


def test_asked_first_and_somebody_takes_it_meanwhile(story) -> None:
    alarm = story.press(**SILENT)
    story.acknowledges("duty1", alarm)
    story.wait(299)
    story.told()
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.ARRIVE)
    story.wait(DAY_S)


def test_held_by_a_dark_village_and_released(story) -> None:
    dark = story.press(**DARK)
    silent = story.press(**SILENT)
    story.acknowledges("duty1", dark)
    story.goes("visitor1", dark, TaskMove.ACCEPT, TaskMove.ARRIVE)
    story.told(*FIRST)
    story.wait(HOUR_S)
    story.told()
    story.light_again()
    story.wait(30 * 60 - 1)
    story.told()
    story.wait(1)
    # Released it is as one of now: the elder is asked first.
    story.told()
    story.wait(300)
    story.told(*FIRST, of=silent)
    assert "hold_ends" in story.history(silent)


def test_a_call_from_a_home_that_is_away_is_a_call(story) -> None:
    story.goes_away(days=5)
    doubt = story.press(**SILENT)
    story.wait(HOUR_S)
    story.told()
    story.is_(doubt, "open")
    call = story.press()
    story.told(*FIRST)
    story.wait(30)
    story.told(*SECOND)
    story.acknowledges("duty1", call)
    story.wait(100)


def test_closed_by_mistake(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.wait(60)
    story.closes("duty1", alarm, Outcome.TEST)
    story.wait(HOUR_S)
    story.told()
    story.reopens("duty1", alarm)
    story.is_(alarm, "open")
    story.told(*BY_ALL)
    story.wait(30)
    story.told(*BY_ALL)
    tasks = story.rows("SELECT state FROM task ORDER BY number")
    assert [t["state"] for t in tasks] == ["cancelled", "open"]
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.ARRIVE, TaskMove.COMPLETE)
    story.closes("duty1", alarm)
    story.wait(25 * HOUR_S)
    with pytest.raises(IllegalMove, match="within 24 h"):
        story.reopens("duty1", alarm)


def test_an_alarm_whose_cause_called_again_is_not_opened_beside_it(story) -> None:
    first = story.press()
    story.closes("duty1", first)
    second = story.press()
    story.told(*FIRST, of=first)
    story.told(*FIRST, of=second)
    with pytest.raises(IllegalMove, match="cause_open"):
        story.reopens("duty1", first)
    story.closes("duty1", second)


def test_a_fall_and_a_press_are_one_event(story) -> None:
    fall = story.press(rule="fall")
    story.wait(5)
    call = story.press()
    story.told(*FIRST, of=fall)
    story.told(*FIRST, of=call)
    story.merges("duty1", fall, call)
    story.is_(fall, "closed")
    row = story.alarm(fall)
    assert (row["outcome"], row["merged_into"], row["closed_by"]) == ("merged", call, "duty1")
    # Another fall joins the alarm that is open for both, and is heard; a restart forgets nothing.
    story.kill()
    story.wait(20)
    assert story.press(rule="fall") == call
    assert story.alarm(call)["event_count"] == 3
    story.told(*BY_ALL)
    story.wait(10)
    story.told(*BY_ALL)
    story.acknowledges("duty1", call)
    story.goes("visitor1", call, TaskMove.ACCEPT, TaskMove.ARRIVE)
    story.closes("duty1", call)
    assert story.press(rule="fall") not in (fall, call)
    story.told(*FIRST)


def test_what_is_no_event_with_it_is_not_merged(story) -> None:
    call = story.press()
    other = story.press("home-2")
    doubt = story.press(rule="device_fault", severity="technical", part="gw-1/meter-1")
    for alarm, into, why in (
        (call, other, "one home"),
        (call, call, "one home"),
        (call, doubt, "can end without a human"),
    ):
        with pytest.raises(IllegalMove, match=why):
            story.merges("duty1", alarm, into)
    story.goes("visitor1", call)
    second = story.press(rule="fall")
    with pytest.raises(IllegalMove, match="somebody goes"):
        story.merges("duty1", call, second)
    story.outbox.written.clear()


def test_a_merge_that_was_wrong(story) -> None:
    fall = story.press(rule="fall")
    call = story.press()
    story.outbox.written.clear()
    story.merges("duty1", fall, call)
    story.closes("duty1", call)
    story.reopens("duty1", fall)
    story.is_(fall, "open")
    assert story.alarm(fall)["merged_into"] is None
    story.told(*BY_ALL)
    story.closes("duty1", fall)


def test_silence_closes_nothing(story) -> None:
    alarm = story.press()
    story.wait(2 * DAY_S)
    story.is_(alarm, "open")
    assert len(story.outbox.written) > 288 * len(ROUND)
    story.outbox.written.clear()


def test_who_is_sent_after_a_task_is_over_has_another_one(story) -> None:
    """The first visit has its end and its times; the second is watched as the first was."""
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.assigns("duty1", alarm, "visitor1")
    story.told("visitor1:push", "visitor1:sms")
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.ARRIVE, TaskMove.COMPLETE)
    story.wait(HOUR_S)
    story.told()
    for who, ways in (("visitor1", ("push", "sms")), ("visitor2", ("sms",))):
        story.assigns("duty1", alarm, who)
        story.told(*(f"{who}:{way}" for way in ways))
        story.is_(alarm, "acknowledged", "duty1")
        story.goes(who, alarm, TaskMove.ACCEPT)
        story.is_(alarm, "in_response", "duty1")
        story.kill()
        story.goes(who, alarm, TaskMove.ARRIVE, TaskMove.COMPLETE)
    tasks = story.rows("SELECT * FROM task ORDER BY number")
    assert [(t["assignee"], t["state"]) for t in tasks] == [
        ("visitor1", "completed"),
        ("visitor1", "completed"),
        ("visitor2", "completed"),
    ]
    assert story.alarm(alarm)["task"] == tasks[-1]["id"]
    # Nobody says yes to the last one: it calls again as always.
    story.assigns("duty1", alarm, "visitor3")
    story.told("visitor3:sms")
    story.wait(299)
    story.told()
    story.wait(1)
    story.is_(alarm, "open")
    story.told(*BY_ALL, "visitor3:sms")
    story.closes("duty1", alarm)
