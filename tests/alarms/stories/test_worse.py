"""Stories of an alarm that somebody has, and that becomes worse: who has it hears it first, then
the policy of what it has become."""

import pytest

from alarms.lifecycle import TaskMove
from alarms.responders import ContactPoint, Responder, Target
from tests.alarms.stories.story import DAY_S, HOUR_S, Story, county
from tests.alarms.stories.test_escalation import BY_ALL

GAINING = {"rule": "weight", "reason": "gaining"}


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    yield told
    told.end()


def in_hand(story: Story) -> str:
    """A watch alarm of the night, taken by duty1 before anybody was woken."""
    alarm = story.press(severity="watch", **GAINING)
    story.told()
    story.acknowledges("duty1", alarm)
    story.wait(10)
    assert story.alarm(alarm)["task"] is None
    return alarm


def test_who_has_it_is_woken_at_night_and_has_it_for_an_urgent_ones_time(story) -> None:
    alarm = in_hand(story)
    assert story.press(severity="urgent", **GAINING) == alarm
    story.told("duty1:push", "duty1:voice")
    assert story.alarm(alarm)["task"] is not None
    story.wait(20)
    story.acknowledges("duty1", alarm)
    story.wait(299)
    story.told()
    story.is_(alarm, "acknowledged", "duty1")
    # Not the hour that a watch alarm may take.
    story.wait(1)
    story.is_(alarm, "open")
    story.told(*BY_ALL)
    assert story.history(alarm)[-5:] == [
        "worsened",
        "told 0 worsened",
        "confirmed",
        "ack_expired",
        "told 1 ack_expired",
    ]


def test_who_has_it_does_not_hear_it(story) -> None:
    """The policy of urgent alarms goes its way, at its times, whoever has it."""
    alarm = in_hand(story)
    story.press(severity="urgent", **GAINING)
    story.told("duty1:push", "duty1:voice")
    story.wait(29)
    story.told()
    story.wait(1)
    story.told(*BY_ALL)
    story.wait(30)
    story.told(*BY_ALL)
    story.wait(30)
    story.told("visitor2:sms")
    story.wait(120)
    story.told("town1:voice")
    story.is_(alarm, "acknowledged", "duty1")
    story.acknowledges("town1", alarm)
    story.is_(alarm, "acknowledged", "town1")
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.ARRIVE)
    story.wait(DAY_S)


def test_it_is_heard_after_a_kill_too(story) -> None:
    alarm = in_hand(story)
    story.press(severity="urgent", **GAINING)
    story.told("duty1:push", "duty1:voice")
    story.kill(10)
    story.wait(20)
    story.told(*BY_ALL)
    story.acknowledges("duty2", alarm)
    story.wait(20)


def test_who_is_on_the_way_hears_it_with_who_has_it(story) -> None:
    alarm = in_hand(story)
    story.assigns("duty1", alarm, "visitor1")
    story.told("visitor1:push", "visitor1:sms")
    story.goes("visitor1", alarm)
    story.wait(2 * HOUR_S)
    story.told()
    story.press(severity="urgent", **GAINING)
    story.told("duty1:push", "duty1:voice", "visitor1:push", "visitor1:sms")
    story.wait(10)
    story.acknowledges("duty1", alarm)
    # From now on somebody has to be there within an urgent alarm's 45 minutes.
    story.wait(45 * 60 - 1)
    story.told()
    story.wait(1)
    story.told("duty1:push", "duty1:voice", "visitor1:push", "visitor1:sms")
    story.goes("visitor1", alarm, TaskMove.ARRIVE)


def test_a_technical_one_that_becomes_watch_wakes_nobody(story) -> None:
    alarm = story.press(rule="weight", severity="technical", reason="gaining")
    story.acknowledges("duty1", alarm)
    story.press(severity="watch", **GAINING)
    story.wait(3.5 * HOUR_S - 1)
    story.told()
    story.wait(1)
    story.told("duty1:push", "duty1:voice")
    story.acknowledges("duty1", alarm)


def test_a_way_that_carries_nothing_urgent_takes_no_others_place(tmp_path) -> None:
    mixed = ContactPoint(channel="mixed", address="m", verified=True, urgent=False)
    sms = ContactPoint(channel="sms", address="s", verified=True)
    staff = county()
    staff.targets[Target.DUTY] = [
        Responder(id="duty1", name="duty1", role="duty", points=(mixed, sms)),
        Responder(id="duty2", name="duty2", role="duty", points=(mixed,)),
    ]
    story = Story(tmp_path / "hub.db", staff)
    story.press(rule="sos")
    story.told("visitor1:push", "duty1:sms")
    story.wait(30)
    story.told("visitor1:sms", "duty1:sms")
    story.wait(3.5 * HOUR_S)
    story.told(of="none")
    story.outbox.written.clear()
    watch = story.press("home-2", severity="watch", **GAINING)
    story.told("visitor1:push", "duty1:mixed", "duty2:mixed", of=watch)
    story.outbox.written.clear()
    story.end()
