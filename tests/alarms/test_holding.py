"""Holding: what is kept back and what never is, how long, and what ends it."""

import itertools
from pathlib import Path

import pytest

from alarms.holding import (
    ABSENCE_KINDS,
    DARK_MAX_MS,
    DUE_MAX,
    HOLDABLE_KINDS,
    HOUR_MS,
    LIGHT_GRACE_MS,
    STAY_MAX_MS,
    due,
    held_by_dark,
    held_by_stay,
    holding,
)
from alarms.lifecycle import IllegalMove, Outcome
from alarms.stays import NewStay
from contract.kinds import ACTIVATION_KINDS
from rules.config import default_rules
from tests.adapters.book import NEW_HOME, Book, finding

DAY_MS = 24 * HOUR_MS
NOW_MS = 1_795_363_200_000
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


def row(**changes) -> dict:
    held = {"id": "a", "state": "open", "held_at_ms": 1000, "held_until_ms": 9000}
    return {**held, "released_at_ms": None, **changes}


def stay(**changes) -> dict:
    made = {"id": "s", "kind": "away", "person": None, "from_ms": 0, "until_ms": 10 * DAY_MS}
    return {**made, "ended_at_ms": None, "ended_how": None, **changes}


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({}, True),
        ({"held_until_ms": None}, False),
        ({"released_at_ms": 2000}, False),
        ({"state": "acknowledged"}, False),
        ({"state": "in_response"}, False),
        ({"state": "closed"}, False),
    ],
)
def test_it_is_held_until_it_is_released_or_taken(changes, held) -> None:
    assert holding(row(**changes)) is held
    assert due([row(**changes)], 9000) == (["a"] if held else [])


@pytest.mark.parametrize(("now_ms", "over"), [(8999, False), (9000, True), (999, True)])
def test_its_time_is_never_late(now_ms, over) -> None:
    assert due([row()], now_ms) == (["a"] if over else [])


def test_a_round_is_bounded() -> None:
    rows = [row(id=f"{n:03}", held_until_ms=9000 - n) for n in range(DUE_MAX + 7)]
    found = due(rows, 10_000)
    assert (len(found), found[0]) == (DUE_MAX, f"{DUE_MAX + 6:03}")


def test_nothing_that_must_be_heard_can_be_held() -> None:
    """Promise 6: a call, a detector or a vital sign, whatever holds in its home."""
    assert not HOLDABLE_KINDS & (ACTIVATION_KINDS | {"activation"})
    vital = {"blood_pressure", "oximetry", "pulse", "temperature", "glucose", "weight"}
    assert not HOLDABLE_KINDS & (vital | {"carbon_monoxide", "gateway_silent", "village_dark"})
    known = {rule.kind.name for rule in default_rules()}
    assert known >= HOLDABLE_KINDS
    for kind in known | ACTIVATION_KINDS:
        dark = held_by_dark(kind, "power", "d", NOW_MS)
        assert (dark is not None) == (kind in ABSENCE_KINDS | {"device_fault", "device_silent"})


def test_the_times_are_those_that_were_promised() -> None:
    assert (LIGHT_GRACE_MS, DARK_MAX_MS) == (1_800_000, 43_200_000)
    assert STAY_MAX_MS == 90 * 86_400_000


def test_of_devices_those_without_electricity_alone() -> None:
    assert held_by_dark("device_fault", "power", "d", NOW_MS) is not None
    assert held_by_dark("device_fault", "sos", "d", NOW_MS) is None
    assert held_by_dark("device_fault", None, "d", NOW_MS) is None


@pytest.mark.parametrize(
    ("kind", "stays", "holds"),
    [
        ("no_sign_of_life", [stay()], True),
        ("load_left_on", [stay(kind="hospital")], True),
        ("overload", [stay()], False),
        ("no_sign_of_life", [stay(kind="visitors")], False),
        ("overload", [stay(kind="visitors")], True),
        ("night_activity", [stay(kind="visitors")], True),
        ("no_sign_of_life", [stay(from_ms=3 * DAY_MS)], False),  # not yet
        ("no_sign_of_life", [stay(until_ms=DAY_MS)], False),  # over, not yet said
        # Of two people one is at home.
        ("no_sign_of_life", [stay(person="p1")], False),
        ("no_sign_of_life", [stay(person="p1"), stay(id="t", person="p2")], True),
    ],
)
def test_what_a_stay_explains(kind, stays, holds) -> None:
    assert (held_by_stay(kind, stays, ["p1", "p2"], 2 * DAY_MS) is not None) is holds


@pytest.mark.parametrize(
    ("kind", "how", "after_ms", "holds"),
    [
        ("no_sign_of_life", "until", 24 * HOUR_MS - 1, True),
        ("no_sign_of_life", "until", 24 * HOUR_MS, False),
        ("no_sign_of_life", "user", HOUR_MS, True),
        ("no_sign_of_life", "activity", 0, False),  # somebody is there: judged as ever
        ("bed_absence", "until", 0, False),
        ("not_up_yet", "user", HOUR_MS, False),
    ],
)
def test_the_silence_of_a_stay_explains_one_that_is_found_after_it(
    kind, how, after_ms, holds
) -> None:
    ended = stay(ended_at_ms=5 * DAY_MS, ended_how=how)
    assert (held_by_stay(kind, [ended], ["p1"], 5 * DAY_MS + after_ms) is not None) is holds


def test_a_stay_that_was_taken_back_before_it_began_explains_nothing() -> None:
    never = stay(from_ms=6 * DAY_MS, ended_at_ms=5 * DAY_MS, ended_how="user")
    assert held_by_stay("no_sign_of_life", [never], ["p1"], 5 * DAY_MS + 1) is None


class Village:
    """v1 of town t: home-1 with its meter and button; home-2 in v2 of the same town."""

    def __init__(self, folder: Path) -> None:
        self.book = Book(folder / "hub.db")
        self.book.now_ms = NOW_MS
        self.book.objects.region_of = lambda home, _gw: {"home-2": "v2"}.get(home or "", "g1")
        self.numbers = itertools.count()
        self.do(self.furnish)

    @staticmethod
    def furnish(unit) -> None:
        regions = [("t", "town", None), ("v1", "village", "t"), ("v2", "village", "t")]
        for code, level, parent in [*regions, ("g1", "group", "v1")]:
            unit.execute("INSERT INTO region VALUES (?, '', ?, ?)", (code, level, parent))
        for home, region in (("home-1", "g1"), ("home-2", "v2")):
            unit.execute(NEW_HOME, (home, region))
        unit.execute(
            "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade,"
            " conditions, contacts) VALUES ('p1', 'home-1', '', '', '', '', '[]', '', '[]', '[]')"
        )
        for device, kind in (("meter-1", "power"), ("button-1", "sos")):
            unit.execute(
                'INSERT INTO "device" (gateway, device, home, kind, model, label)'
                " VALUES ('gw-1', ?, 'home-1', ?, '', '')",
                (device, kind),
            )

    def do(self, apply):
        future = self.book.writer.submit(apply)
        self.book.writer.step()
        return future.result(0)

    def take(self, **changes) -> str:
        one = finding(str(next(self.numbers)), at_ms=self.book.now_ms, **changes)
        return self.do(lambda u: self.book.alarms.take(u, one, gateway="gw-1", replayable=False))

    def away(self, **changes) -> str:
        made = {"id": "s1", "home": "home-1", "person": None, "kind": "away", "note": ""}
        made |= {"from_ms": self.book.now_ms, "until_ms": self.book.now_ms + 5 * DAY_MS}
        stay = NewStay(**{**made, **changes})
        self.do(lambda u: self.book.alarms.stays.begin(u, stay, "duty1"))
        return stay.id

    def later(self, ms: int) -> None:
        self.book.now_ms += ms
        while self.do(self.book.alarms.fire_due):
            continue

    def restart(self) -> None:
        self.book.writer.close()
        self.book.open()

    def alarm(self, alarm: str) -> dict:
        return dict(self.book.rows("SELECT * FROM alarm WHERE id = ?", alarm)[0])

    def tasks(self) -> list[str]:
        return [r["alarm"] for r in self.book.rows("SELECT alarm FROM task ORDER BY number")]

    def facts(self, subject: str) -> list[str]:
        """Without who was told, which has tests of its own."""
        sql = (
            "SELECT fact FROM entry WHERE subject = ? AND topic <> 'task' AND fact <> 'told'"
            " ORDER BY seq"
        )
        return [r["fact"] for r in self.book.rows(sql, subject)]

    @property
    def told(self) -> list[str]:
        return self.book.outbox.raised


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
