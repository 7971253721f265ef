"""Steps of alarms that are long over are forgotten in portions; what the book has to say of them
stays, and so do the steps of whatever can still call."""

import pytest

from alarms.escalation.retention import FORGET_ALARMS, KEEP_STEPS_MS, WALK_EVERY_MS, StepRetention
from alarms.lifecycle import REOPEN_WITHIN_MS
from ledger.database import insert_sql
from ledger.schema import ESCALATION_STEP
from tests.alarms.stories.story import Story


@pytest.fixture
def story(tmp_path):
    told = Story(tmp_path / "hub.db")
    yield told
    told.writer.close()


def left(story: Story) -> dict[str, int]:
    rows = story.rows("SELECT alarm, count(*) AS n FROM escalation_step GROUP BY alarm")
    return {row["alarm"]: row["n"] for row in rows}


def forget(story: Story, kept: StepRetention) -> None:
    story.do(kept.forget)


def test_what_is_over_goes_and_what_was_told_stays(story) -> None:
    old, young, opened = story.press(), story.press("home-2"), story.press(rule="fall")
    story.wait(120)
    for alarm in (old, young):
        story.closes("duty1", alarm)
    story.acknowledges("duty1", opened)
    story.goes("visitor1", opened)
    steps, entries = left(story), story.rows("SELECT fact FROM entry ORDER BY seq")
    story.wall_ms += KEEP_STEPS_MS - 1
    story.do(
        lambda u: u.execute(
            "UPDATE alarm SET closed_at_ms = ? WHERE id = ?", (story.wall_ms, young)
        )
    )
    kept = StepRetention()
    forget(story, kept)
    assert left(story) == steps
    # Looked at once a day, and after a restart.
    story.wall_ms += 2
    forget(story, kept)
    assert left(story) == steps
    story.wall_ms += WALK_EVERY_MS
    forget(story, kept)
    assert left(story) == {alarm: n for alarm, n in steps.items() if alarm != old}
    assert story.rows("SELECT fact FROM entry ORDER BY seq") == entries
    assert [f for f in story.history(old) if f.startswith("told")] == [
        "told 1 raised",
        "told 2 not_taken",
        "told 3 not_taken",
    ]
    assert KEEP_STEPS_MS > REOPEN_WITHIN_MS


def test_much_is_forgotten_in_portions(story) -> None:
    """An alarm that called for a year, and many after it."""
    alarms = [story.press(f"h-{n}") for n in range(FORGET_ALARMS + 5)]
    row = (alarms[0], 1, "urgent", "not_taken", 0, 0, "[]")

    def fill(unit) -> None:
        insert = insert_sql(ESCALATION_STEP)
        for number in range(2, 122):
            unit.execute(insert, (row[0], number, *row[1:]))

    story.do(fill)
    for alarm in alarms:
        story.closes("duty1", alarm)
    story.wall_ms += KEEP_STEPS_MS + 1_000
    kept = StepRetention(portion=50)
    before, portions = sum(left(story).values()), []
    while before and len(portions) < 2 * FORGET_ALARMS:
        forget(story, kept)
        now = sum(left(story).values())
        portions.append(before - now)
        before = now
    assert before == 0
    assert max(portions) == 50
    assert len(portions) > sum(portions) // 50
    forget(story, kept)


def test_a_clock_that_was_set_back_forgets_nothing_and_looks_again(story) -> None:
    alarm = story.press()
    story.closes("duty1", alarm)
    kept = StepRetention()
    forget(story, kept)
    assert left(story) == {alarm: 1}
    story.wall_ms += KEEP_STEPS_MS + 1_000
    forget(story, kept)
    assert left(story) == {}
