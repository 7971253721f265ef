"""Stories of a neighbour who was told and answers by the link: heard at once by who has the alarm,
and nothing waits for it."""

import json

import pytest

from alarms.lifecycle import IllegalMove, TaskMove
from tests.alarms.stories.story import DAY_S, Story
from tests.alarms.stories.test_escalation import FIRST, SECOND

NEIGHBOUR = "contact:p1/1"


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    yield told
    told.end()


def says(story: Story, alarm: str, said: str) -> bool:
    return story.do(lambda u: story.alarms.contacts.says(u, alarm, NEIGHBOUR, said))


def entries(story: Story, alarm: str) -> list[tuple[str, str, list[str]]]:
    sql = "SELECT actor, reason, data FROM entry WHERE subject = ? AND fact = 'contact_said'"
    rows = story.rows(f"{sql} ORDER BY seq", alarm)
    return [(r["actor"], r["reason"], json.loads(r["data"])["told"]) for r in rows]


def test_nobody_has_it_and_the_neighbour_goes(story) -> None:
    """The desk hears it at once; the steps come at their times all the same, and it stays open."""
    alarm = story.press()
    story.told(*FIRST)
    story.wait(10)
    assert says(story, alarm, "going")
    desk = ("duty1:push", "duty1:voice", "duty2:push", "duty2:voice")
    story.told(*desk)
    story.is_(alarm, "open")
    story.wait(20)
    story.told(*SECOND)
    assert says(story, alarm, "with_person")
    story.told(*desk)
    story.wait(30)
    story.told("visitor2:sms")
    story.wait(120)
    story.told("town1:voice")
    story.is_(alarm, "open")
    assert entries(story, alarm) == [
        (NEIGHBOUR, "going", ["duty1", "duty2"]),
        (NEIGHBOUR, "with_person", ["duty1", "duty2"]),
    ]
    assert [news for _who, news in story.outbox.news] == ["going"] * 4 + ["with_person"] * 4


def test_who_has_it_hears_it_alone(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    assert says(story, alarm, "with_person")
    story.told("duty1:push", "duty1:voice")
    # It holds up nothing: nobody accepts the task in five minutes, and it calls again.
    story.wait(300)
    story.is_(alarm, "open")
    story.outbox.written.clear()


def test_what_was_said_is_not_told_again(story) -> None:
    alarm = story.press()
    story.acknowledges("duty1", alarm)
    story.told(*FIRST)
    assert says(story, alarm, "going")
    story.told("duty1:push", "duty1:voice")
    story.kill()
    assert not says(story, alarm, "going")
    # Who said that it goes and can't is news; from then on no answer is new but the last.
    assert says(story, alarm, "decline")
    story.told("duty1:push", "duty1:voice")
    for said in ("going", "decline"):
        assert not says(story, alarm, said)
    assert says(story, alarm, "with_person")
    story.told("duty1:push", "duty1:voice")
    assert [news for _who, news in story.outbox.news[::2]] == ["going", "not_going", "with_person"]
    story.goes("visitor1", alarm, TaskMove.ACCEPT, TaskMove.ARRIVE)
    story.wait(DAY_S)


def test_that_a_neighbour_cant_come_is_the_next_step(story) -> None:
    alarm = story.press()
    story.wait(59)
    story.outbox.written.clear()
    assert says(story, alarm, "decline")
    story.told("visitor2:sms")
    story.acknowledges("duty1", alarm)


def test_what_is_over_takes_no_answers(story) -> None:
    alarm = story.press()
    story.told(*FIRST)
    story.closes("duty1", alarm)
    for said in ("going", "with_person", "decline"):
        with pytest.raises(IllegalMove, match="already_closed"):
            says(story, alarm, said)
    assert entries(story, alarm) == []
