"""A step is fired once, also by an engine that was replaced and does not know it."""

import pytest

from alarms.book import AlarmBook
from alarms.escalation.plan import TimerKind
from ledger.database import open_writer
from ledger.writer import Writer
from tests.adapters.escalation import escalating
from tests.alarms.stories.story import Story
from tests.alarms.stories.test_escalation import FIRST, SECOND


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    yield told
    told.end()


def test_two_engines_that_found_the_same_step_due_fire_it_once(story) -> None:
    alarm = story.press()
    story.told(*FIRST)
    other = AlarmBook(
        story.objects, story.outbox, escalating(story.clock.look, story.staff), story.ask_first
    )
    second = Writer(open_writer(story.path), story.clock.now_ms)
    second.attach(other)
    second.start()

    def find(unit):
        return other._promises._parts.timers.find(unit, alarm, TimerKind.STEP)

    # The second engine has read what is due, and sleeps before it acts.
    stale = second.submit(find).result(10)
    row = dict(other._cases.alarms[alarm])
    story.wait(30)
    story.told(*SECOND)
    second.submit(lambda unit: other._steps.fire(unit, row, stale, 0)).result(10)
    second.close()
    story.told()
    assert [step for _round, step, _late in story.steps(alarm)] == [1, 2]
    assert story.history(alarm) == ["raised", "told 1 raised", "told 2 not_taken"]
