"""Nobody's call stays unanswered: who is told, when, and that nobody else is."""

import pytest

from alarms.lifecycle import IllegalMove, TaskMove
from alarms.responders import Target
from tests.alarms.stories.story import DAY_S, HOUR_S, Story, county

FIRST = ("visitor1:push", "duty1:push", "duty2:push")
SECOND = ("visitor1:sms", "duty1:voice", "duty2:voice")
BY_ALL = (*FIRST, *SECOND)
ROUND = (*FIRST, *SECOND, "visitor2:sms", "town1:voice", "county1:voice")


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    yield told
    told.end()


def test_a_press_at_three_until_the_record_is_filed(story) -> None:
    """Duty sleeps, the next one declines, the one after has a dead phone, the town takes it."""
    story.outbox.dead = {"visitor3"}
    alarm = story.press()
    story.told(*FIRST)
    story.wait(29.9)
    story.told()
    story.wait(0.1)
    story.told(*SECOND)
    story.wait(30)
    story.told("visitor2:sms")
    story.wait(10)
    story.declines("visitor2", alarm)
    # The next step at once, two minutes before its time.
    story.told("town1:voice")
    story.wait(20)
    story.acknowledges("town1", alarm)
    story.is_(alarm, "acknowledged", "town1")
    story.assigns("town1", alarm, "visitor1")
    story.told("visitor1:push", "visitor1:sms")
    story.wait(60)
    story.goes("visitor1", alarm)
    story.is_(alarm, "in_response", "town1")
    story.wait(20 * 60)
    story.goes("visitor1", alarm, TaskMove.DEPART, TaskMove.ARRIVE)
    story.wait(40 * 60)
    story.goes("visitor1", alarm, TaskMove.COMPLETE)
    story.closes("town1", alarm)
    story.is_(alarm, "closed")
    story.wait(DAY_S)
    assert story.outbox.reassured == [alarm]
    assert story.history(alarm) == [
        "raised",
        "told 1 raised",
        "told 2 not_taken",
        "told 3 not_taken",
        "declined",
        "told 4 declined",
        "acknowledged",
        "assigned",
        "in_response",
        "closed",
    ]


def test_a_dead_phone_costs_nobody_else_a_second(story) -> None:
    story.outbox.dead = {"visitor1", "visitor2"}
    story.press()
    story.told("duty1:push", "duty2:push")
    story.wait(60)
    story.told("duty1:voice", "duty2:voice")
    story.wait(120)
    story.told("town1:voice")


def test_nobody_takes_it_for_an_hour(story) -> None:
    alarm = story.press()
    story.wait(599)
    story.told(*ROUND)
    story.wait(1)
    # The second round, by all their channels.
    story.told(*BY_ALL)
    story.wait(300)
    story.told(*BY_ALL, "visitor2:sms", "town1:voice", "county1:voice")
    story.wait(HOUR_S)
    assert len(story.outbox.written) == 6 * (12 + 3)
    story.outbox.written.clear()
    story.is_(alarm, "open")
    assert max(late for _round, _step, late in story.steps(alarm)) == 0


def test_pressed_again_while_somebody_has_it(story) -> None:
    alarm = story.press()
    story.told(*FIRST)
    story.wait(20)
    story.acknowledges("duty1", alarm)
    story.wait(100)
    story.told()
    assert story.press() == alarm
    # Who has it hears it first, by all channels.
    story.told("duty1:push", "duty1:voice")
    story.is_(alarm, "acknowledged", "duty1")
    story.wait(20)
    story.acknowledges("duty1", alarm)
    story.wait(250)
    story.told()


def test_pressed_again_and_who_has_it_does_not_hear(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.wait(60)
    story.press()
    story.told("duty1:push", "duty1:voice")
    story.wait(30)
    story.told(*BY_ALL)
    story.wait(30)
    story.told(*BY_ALL)
    story.acknowledges("duty2", alarm)
    story.is_(alarm, "acknowledged", "duty2")
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.ARRIVE)
    story.wait(DAY_S)


def test_a_trembling_hand_is_heard_and_delays_nothing(story) -> None:
    alarm = story.press()
    for _press in range(8):
        story.wait(1)
        assert story.press() == alarm
    story.told(*FIRST)
    story.wait(22)
    story.told(*SECOND)
    story.wait(15)
    story.press()
    story.told(*BY_ALL)
    # Step 3 comes when it would have come.
    story.wait(15)
    story.told("visitor2:sms")
    story.wait(120)
    story.told("town1:voice")
    assert story.alarm(alarm)["event_count"] == 10


def test_whoever_took_it_finds_nobody(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.wait(299)
    story.is_(alarm, "acknowledged", "duty1")
    story.told()
    story.wait(1)
    story.is_(alarm, "open")
    story.told(*BY_ALL)
    assert story.history(alarm)[-2:] == ["ack_expired", "told 1 ack_expired"]


def test_keeping_it_longer_is_the_holders(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.wait(250)
    with pytest.raises(IllegalMove, match="duty1"):
        story.extends("duty2", alarm)
    story.extends("duty1", alarm)
    story.wait(299)
    story.is_(alarm, "acknowledged", "duty1")
    story.wait(1)
    story.is_(alarm, "open")
    story.told(*BY_ALL)


def test_a_handover_that_is_refused_one_that_lapses_and_one_that_is_taken(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.hands_over("duty1", alarm, "duty2")
    story.told("duty2:push", "duty2:voice")
    story.is_(alarm, "acknowledged", "duty1")
    story.declines("duty2", alarm)
    story.told("duty1:push", "duty1:voice")
    story.is_(alarm, "acknowledged", "duty1")
    story.hands_over("duty1", alarm, "town1")
    story.told("town1:voice")
    story.wait(120)
    story.told("duty1:push", "duty1:voice")
    story.hands_over("duty1", alarm, "town1")
    story.told("town1:voice")
    story.wait(30)
    story.acknowledges("town1", alarm)
    story.is_(alarm, "acknowledged", "town1")
    with pytest.raises(IllegalMove, match="town1"):
        story.hands_over("duty1", alarm, "duty2")
    history = story.history(alarm)
    assert [f for f in history if f.startswith("hand")] == [
        "handover_offered",
        "handover_refused",
        "handover_offered",
        "handover_lapsed",
        "handover_offered",
        "handed_over",
    ]


def test_who_has_it_goes_home(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    story.releases("duty1", alarm)
    story.is_(alarm, "open")
    # Who has just given it up is not asked again.
    story.told("visitor1:push", "visitor1:sms", "duty2:push", "duty2:voice")


def test_who_is_on_the_way_turns_back(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.DEPART)
    story.told(*FIRST)
    story.releases("visitor1", alarm)
    story.is_(alarm, "acknowledged", "duty1")
    story.told("duty1:push", "duty1:voice")
    (task,) = story.rows("SELECT * FROM task")
    assert (task["state"], task["assignee"]) == ("open", None)
    story.goes("visitor2", alarm)
    story.is_(alarm, "in_response", "duty1")


def test_on_the_way_and_never_there(story) -> None:
    alarm = story.press()
    story.goes("visitor1", alarm)
    story.told(*FIRST)
    story.wait(45 * 60 - 1)
    story.told()
    story.wait(1)
    story.told("visitor1:push", "visitor1:sms")
    story.wait(30)
    story.told(*BY_ALL)
    story.is_(alarm, "in_response", "visitor1")
    story.goes("visitor1", alarm, TaskMove.ARRIVE)
    story.wait(DAY_S)


def test_nobody_is_on_duty(tmp_path) -> None:
    """Steps that have nobody are no reason to wait."""
    staff = county()
    staff.targets[Target.DUTY] = staff.targets[Target.RESPONSIBLE] = []
    story = Story(tmp_path / "hub.db", staff)
    alarm = story.press()
    story.told("visitor1:push")
    story.wait(120)
    story.told("town1:voice")
    assert story.history(alarm) == ["raised", "told 3 none_before", "told 4 not_taken"]
    story.end()


def test_there_is_nobody_at_all(tmp_path) -> None:
    staff = county()
    people, staff.targets = staff.targets, {}
    story = Story(tmp_path / "hub.db", staff)
    alarm = story.press()
    assert story.history(alarm) == ["raised", "nobody_told"]
    story.wait(299)
    # Somebody has been entered meanwhile.
    staff.targets = people
    story.wait(1)
    story.told(*BY_ALL)
    story.end()


def test_two_alarms_at_once_have_times_of_their_own(story) -> None:
    first = story.press("home-1")
    story.wait(10)
    second = story.press("home-2", rule="fall")
    assert first != second
    story.told(*FIRST, of=first)
    story.told(*FIRST, of=second)
    story.wait(20)
    story.told(*SECOND, of=first)
    story.told(of=second)
    story.acknowledges("duty1", first)
    story.wait(10)
    story.told(*SECOND, of=second)
    story.told(of=first)
    story.closes("duty1", second)
    story.wait(100)


def test_watch_alarms_wait_for_the_morning_and_urgent_ones_never(story) -> None:
    """03:00: a weight that grows can wait until 06:30; what it becomes can't."""
    alarm = story.press(rule="weight", severity="watch", reason="gaining")
    story.told()
    story.wait(3.5 * HOUR_S - 1)
    story.told()
    story.wait(1)
    story.told(*FIRST)
    story.press(rule="weight", severity="urgent", reason="gaining")
    story.told(*BY_ALL)
    story.acknowledges("duty1", alarm)
