"""Holding in a dark village and while people are away: what is kept back, and what ends it."""

import pytest

from alarms.holding import (
    DARK_MAX_MS,
    HOUR_MS,
    LIGHT_GRACE_MS,
)
from alarms.lifecycle import IllegalMove, Outcome
from rules.local_time import DAY_MS
from tests.alarms.village import NOW_MS, Village

SILENT = {"rule": "no_sign_of_life", "reason": "no_activity", "device": "meter-1"}
DARK = {
    "home": "region:v1",
    "rule": "village_dark",
    "reason": "village_dark",
    "severity": "technical",
    "device": None,
    "repair_within_ms": 2 * HOUR_MS,
}
BROKEN = {
    "rule": "device_fault",
    "reason": "no_answer",
    "severity": "technical",
    "repair_within_ms": 72 * HOUR_MS,
}


@pytest.fixture
def village(tmp_path):
    village = Village(tmp_path)
    yield village
    village.book.writer.close()


def test_a_dark_village_is_one_alarm_with_its_region_and_task(village) -> None:
    dark = village.take(**DARK)
    seen = village.alarm(dark)
    assert (seen["subject"], seen["region"], seen["home"]) == ("region:v1", "v1", None)
    [task] = village.book.rows("SELECT * FROM task")
    assert (task["kind"], task["region"], task["alarm"]) == ("follow_up", "v1", dark)
    assert task["due_at_ms"] == NOW_MS + 2 * HOUR_MS
    assert village.told == [dark]


def test_what_the_dark_explains_is_seen_and_held_and_what_it_does_not_is_not(village) -> None:
    dark = village.take(**DARK)
    silent, broken = village.take(**SILENT), village.take(**BROKEN, part="gw-1/meter-1")
    loud = [
        village.take(),
        village.take(rule="blood_pressure", reason="high"),
        village.take(**BROKEN, part="gw-1/button-1"),
        village.take(**SILENT, home="home-2"),
    ]
    for alarm in (silent, broken):
        seen = village.alarm(alarm)
        assert (seen["state"], seen["task"], seen["held_for"]) == ("open", None, "dark")
        assert (seen["held_by"], seen["held_until_ms"]) == (dark, NOW_MS + DARK_MAX_MS)
        assert village.facts(alarm) == ["raised", "held"]
    assert village.told == [dark, *loud]
    assert sorted(village.tasks()) == sorted([dark, *loud])


def test_what_was_open_before_is_not_touched(village) -> None:
    before = village.take(**SILENT)
    village.take(**DARK)
    assert village.alarm(before)["held_until_ms"] is None
    assert before in village.tasks()


def test_light_gives_half_an_hour_and_what_is_cleared_meanwhile_wakes_nobody(village) -> None:
    dark = village.take(**DARK)
    lasting, passing = village.take(**SILENT), village.take(**BROKEN, part="gw-1/meter-1")
    bed = village.take(rule="bed_absence", severity="watch", reason="out")
    village.later(3 * HOUR_MS)
    village.take(**{**DARK, "phase": "cleared", "reason": "light_again"})
    assert village.alarm(dark)["outcome"] == "recovered"
    village.restart()
    village.take(**{**BROKEN, "phase": "cleared"}, part="gw-1/meter-1")
    village.take(rule="bed_absence", severity="watch", phase="cleared", reason="back")
    assert village.alarm(passing)["state"] == "closed"
    village.later(LIGHT_GRACE_MS - 1)
    assert village.alarm(lasting)["released_at_ms"] is None
    village.restart()
    village.later(1)
    assert village.facts(lasting) == ["raised", "held", "hold_ends", "released"]
    assert village.tasks() == [dark, lasting]
    assert village.told == [dark, lasting]
    # Nobody but a human closes it; it waits there without a sound.
    assert (village.alarm(bed)["state"], village.alarm(bed)["task"]) == ("open", None)
    assert village.facts(bed)[-1] == "released"


def test_nobody_is_held_for_ever(village) -> None:
    village.take(**DARK)
    silent = village.take(**SILENT)
    village.later(DARK_MAX_MS - 1)
    assert silent not in village.tasks()
    village.restart()
    village.later(1)
    assert silent in village.tasks()


def test_a_human_takes_it_and_its_task_is_there(village) -> None:
    village.take(**DARK)
    silent, broken = village.take(**SILENT), village.take(**BROKEN, part="gw-1/meter-1")
    for alarm in (silent, broken):
        village.do(lambda u, a=alarm: village.book.alarms.acknowledge(u, a, "duty1"))
    kinds = {r["alarm"]: r["kind"] for r in village.book.rows("SELECT * FROM task")}
    assert (kinds[silent], kinds[broken]) == ("emergency", "repair")
    village.later(2 * DARK_MAX_MS)
    # Taken, and nobody went: that is another promise, and has nothing to do with the hold.
    assert village.facts(silent)[:4] == ["raised", "held", "acknowledged", "ack_expired"]
    assert village.alarm(silent)["released_at_ms"] is None


def test_what_worsens_is_held_no_longer(village) -> None:
    village.take(**DARK)
    broken = village.take(**BROKEN, part="gw-1/meter-1")
    village.take(**{**BROKEN, "severity": "watch", "phase": "repeated"}, part="gw-1/meter-1")
    assert broken in village.tasks()
    assert village.facts(broken) == ["raised", "held", "worsened", "released"]


def test_repeats_of_a_held_alarm_make_no_sound(village) -> None:
    dark = village.take(**DARK)
    silent = village.take(**SILENT)
    village.take(**SILENT)
    assert village.alarm(silent)["event_count"] == 2
    assert (village.told, village.tasks()) == ([dark], [dark])


def test_a_human_who_settles_the_dark_village_ends_its_holds(village) -> None:
    dark = village.take(**DARK)
    silent = village.take(**SILENT)
    close = village.book.alarms.close
    village.do(lambda u: close(u, dark, "duty1", Outcome.OUTAGE, ""))
    village.later(LIGHT_GRACE_MS)
    assert silent in village.tasks()


def test_a_released_alarm_asks_first_where_it_would_have(village) -> None:
    village.book.asks_for_s = {"no_sign_of_life": 300}
    village.do(
        lambda u: (
            u.execute("INSERT INTO gateway (id, name, online, status) VALUES ('gw-1', '', 1, '')"),
            u.execute("UPDATE device SET asks = 1 WHERE device = 'button-1'"),
        )
    )
    village.take(**DARK)
    silent = village.take(**SILENT)
    assert village.book.outbox.asked == []
    village.later(DARK_MAX_MS)
    assert [asked[0] for asked in village.book.outbox.asked] == [silent]
    assert silent not in village.tasks()
    village.later(300_000)
    assert silent in village.tasks()


def test_away_holds_until_a_day_after_its_date(village) -> None:
    stay_id = village.away()
    village.later(DAY_MS)
    silent, call = village.take(**SILENT), village.take()
    assert village.alarm(silent)["held_for"] == "away"
    assert (village.told, village.tasks()) == ([call], [call])
    village.restart()
    village.later(4 * DAY_MS)
    assert village.facts(stay_id) == ["set", "ended"]
    [ended] = village.book.rows("SELECT * FROM stay")
    assert (ended["ended_how"], ended["ended_at_ms"]) == ("until", NOW_MS + 5 * DAY_MS)
    village.later(DAY_MS - 1)
    assert silent not in village.tasks()
    village.later(1)
    assert silent in village.tasks()


def test_activity_ends_a_stay_and_wakes_nobody(village) -> None:
    stay_id = village.away()
    hospital = village.away(id="s2", kind="hospital")
    village.later(DAY_MS)
    silent = village.take(**SILENT)
    early = {"rule": "back_early", "severity": "watch", "reason": "moved", "device": "motion-1"}
    assert village.take(**early) is None
    assert village.book.rows("SELECT * FROM alarm WHERE kind = 'back_early'") == []
    assert (village.facts(stay_id), village.facts(hospital)) == (["set", "ended"], ["set"])
    [entry] = village.book.rows("SELECT * FROM entry WHERE fact = 'ended'")
    assert (entry["actor"], entry["reason"]) == ("system", "activity")
    assert "motion-1" in entry["data"]
    # Another stay explains it as well, so it is held on.
    village.later(LIGHT_GRACE_MS)
    assert village.alarm(silent)["held_by"] == hospital
    assert village.tasks() == []
    village.take(**early)  # comes again after a crash: nothing is left to end
    assert village.facts(stay_id) == ["set", "ended"]


def test_what_holds_now_is_told_to_the_rules(village) -> None:
    stays = village.book.alarms.stays
    village.away(until_ms=NOW_MS + DAY_MS)
    village.away(id="s2", kind="visitors", from_ms=NOW_MS + 2 * DAY_MS)
    assert stays.present == {"home-1": frozenset({"away"})}
    village.later(DAY_MS)
    assert stays.present == {"home-1": frozenset()}
    village.restart()
    village.later(DAY_MS)
    assert village.book.alarms.stays.present == {"home-1": frozenset({"visitors"})}


@pytest.mark.parametrize("how", ["activity", "user", "until"])
def test_how_far_activity_cut_an_absence_short_is_known(village, how) -> None:
    stay_id = village.away(until_ms=NOW_MS + 3 * DAY_MS)
    village.later(DAY_MS)
    if how == "activity":
        village.take(rule="back_early", severity="watch", reason="activity", device="meter-1")
    elif how == "user":
        village.do(lambda u: village.book.alarms.stays.end(u, "home-1", stay_id, "duty1"))
    else:
        village.later(2 * DAY_MS)
    stays = village.book.alarms.stays
    assert stays.present == {"home-1": frozenset()}
    assert stays.cut_short_ms == ({"home-1": 2 * DAY_MS} if how == "activity" else {})


def test_a_stay_is_ended_once_by_those_of_its_home(village) -> None:
    stay_id = village.away()
    stays = village.book.alarms.stays
    with pytest.raises(KeyError):
        village.do(lambda u: stays.end(u, "home-2", stay_id, "duty1"))
    for actor in ("duty1", "duty2"):
        village.do(lambda u, a=actor: village.book.alarms.stays.end(u, "home-1", stay_id, a))
    [ended] = village.book.rows("SELECT * FROM stay")
    assert (ended["ended_by"], ended["ended_how"]) == ("duty1", "user")


def test_a_home_has_room_for_a_few_stays(village) -> None:
    for number in range(8):
        village.away(id=f"s{number}")
    with pytest.raises(IllegalMove):
        village.away(id="one too many")


def test_a_clock_that_was_set_back_holds_nobody(village) -> None:
    village.take(**DARK)
    silent = village.take(**SILENT)
    village.do(
        lambda u: u.execute(
            "INSERT INTO gateway (id, name, online, status, status_at_ms)"
            " VALUES ('gw-9', '', 1, '', ?)",
            (NOW_MS + HOUR_MS,),
        )
    )
    village.restart()
    village.later(1000)
    assert silent in village.tasks()
