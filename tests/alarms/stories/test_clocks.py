"""Stories in which clocks jump and machines die: early is allowed, late is not, and never twice."""

import pytest

from tests.alarms.stories.story import HOUR_S, Story
from tests.alarms.stories.test_escalation import BY_ALL, FIRST, SECOND

YEAR_H = 400 * 24


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    yield told
    told.end()


@pytest.mark.parametrize("hours", [1, -1, YEAR_H, -YEAR_H])
def test_the_clock_jumps_in_the_middle(story, hours) -> None:
    story.press()
    story.told(*FIRST)
    story.wait(10)
    story.clock_jumps(hours=hours)
    story.wait(19.9)
    story.told()
    story.wait(0.1)
    story.told(*SECOND)
    story.clock_jumps(hours=-hours)
    story.wait(30)
    story.told("visitor2:sms")
    story.wait(120)
    story.told("town1:voice")


@pytest.mark.parametrize("hours", [0, 1, -1, YEAR_H, -YEAR_H])
def test_kill_9_in_the_middle(story, hours) -> None:
    """In the same boot the running time decides, whatever the wall says."""
    story.press()
    story.told(*FIRST)
    story.wait(10)
    story.clock_jumps(hours=hours)
    story.kill(away_s=5)
    story.wait(14.9)
    story.told()
    story.wait(0.1)
    story.told(*SECOND)


def test_kill_9_over_several_steps_catches_up_at_once(story) -> None:
    alarm = story.press()
    story.told(*FIRST)
    story.kill(away_s=200)
    story.wait(0)
    story.told(*SECOND, "visitor2:sms", "town1:voice")
    story.wait(100)
    story.told("county1:voice")
    assert [late for _round, _step, late in story.steps(alarm)] == [0, 170_000, 140_000, 20_000, 0]


@pytest.mark.parametrize("off", [0, 1, -1, YEAR_H, -YEAR_H])
def test_a_power_cut_with_a_clock_that_is_wrong(story, off) -> None:
    """After another boot there is only the wall; where it can't be believed the step comes now."""
    story.press()
    story.told(*FIRST)
    story.wait(10)
    story.power_cut(away_s=5, clock_off_hours=off)
    story.wait(0)
    if off == 0:
        story.told()
        story.wait(15)
        story.told(*SECOND)
    else:
        # Everybody should have been told long ago, or may have been: nobody can say.
        story.told(*SECOND, "visitor2:sms", "town1:voice", "county1:voice")


def test_what_was_taken_is_watched_over_a_restart(story) -> None:
    alarm = story.press()
    story.told(*FIRST)
    story.acknowledges("duty1", alarm)
    story.wait(100)
    story.kill(away_s=100)
    story.wait(99)
    story.is_(alarm, "acknowledged", "duty1")
    story.wait(1)
    story.is_(alarm, "open")
    story.told(*BY_ALL)


def test_an_alarm_of_before_there_were_steps(story) -> None:
    alarm = story.press()
    taken = story.press("home-2")
    story.acknowledges("duty1", taken)
    story.do(lambda u: u.execute("DELETE FROM escalation"))
    story.outbox.written.clear()
    story.kill(away_s=HOUR_S)
    story.wait(0)
    story.told(*BY_ALL, of=alarm)
    story.wait(300)
    story.is_(taken, "open")
    story.outbox.written.clear()


def test_one_promise_that_cannot_be_kept_holds_up_no_other(story) -> None:
    broken, good = story.press(), story.press("home-2")
    story.told(*FIRST, *FIRST)
    honest = story.alarms._steps.fire

    def fire(unit, row, timer, late_ms, *reason):
        if row["id"] == broken:
            row["round"] = 99
            unit.execute("DELETE FROM alarm")
            raise RuntimeError("planted")
        honest(unit, row, timer, late_ms, *reason)

    story.alarms._steps.fire = fire
    story.wait(30)
    story.told(*SECOND, of=good)
    story.told(of=broken)
    story.alarms._steps.fire = honest
    story.wait(10)
    story.told(*SECOND, of=broken)
    assert story.alarm(broken)["round"] == 1
