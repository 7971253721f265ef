"""The coverage watch: told hours ahead, told again when it nears, over when it is mended, and
never twice, whatever is restarted."""

import json

import pytest

from alarms.lifecycle import Outcome
from alarms.rota.coverage import Level, Reach, Reason, Village, problems
from alarms.rota.model import Desk, Leave
from alarms.rota.plan import Plan
from alarms.rota.watch import at_the_board, verified_ways, villages_of
from tests.alarms.rota.conftest import DAY, HOUR, at

EMPTY = "county/nobody"


def test_a_full_rota_raises_nothing(rota) -> None:
    rota.staff()
    for hour in range(48):
        rota.fire(at(DAY, "9:00") + hour * HOUR)
    assert rota.open_alarms() == []
    assert rota.closed() == []


def test_an_empty_shift_is_told_twelve_and_two_hours_ahead_and_when_it_begins(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", [])
    rota.fire(at(DAY, "20:00") - 1)
    assert rota.open_alarms() == []
    rota.fire(at(DAY, "20:00") + 60_000)
    assert rota.open_alarms() == [(EMPTY, "nobody", "technical", 1)]
    for minute in range(2, 30):
        rota.fire(at(DAY, "20:00") + minute * 60_000)
    assert rota.open_alarms() == [(EMPTY, "nobody", "technical", 1)]
    rota.fire(at(DAY + 1, "5:59"))
    assert rota.open_alarms() == [(EMPTY, "nobody", "technical", 1)]
    rota.fire(at(DAY + 1, "6:00"))
    assert rota.open_alarms() == [(EMPTY, "nobody", "watch", 2)]
    rota.fire(at(DAY + 1, "8:00"))
    assert rota.open_alarms() == [(EMPTY, "nobody", "watch", 3)]
    rota.fire(at(DAY + 1, "19:59"))
    assert rota.open_alarms() == [(EMPTY, "nobody", "watch", 3)]
    rota.fire(at(DAY + 1, "20:00"))
    assert rota.open_alarms() == []
    assert rota.closed() == [(EMPTY, "recovered")]


def test_it_is_over_at_once_when_somebody_is_named(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", [])
    rota.fire(at(DAY, "21:00"))
    assert len(rota.open_alarms()) == 1
    rota.change(DAY + 1, "day", ["zhao"])
    rota.fire(rota.now_ms + 1000)
    assert (rota.open_alarms(), rota.closed()) == ([], [(EMPTY, "recovered")])
    rota.change(DAY + 1, "day", [])
    rota.fire(rota.now_ms + 1000)
    assert rota.open_alarms() == [(EMPTY, "nobody", "technical", 1)]
    assert len(rota.rows("SELECT 1 FROM alarm")) == 2


def test_a_restart_tells_nothing_twice(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", [])
    rota.fire(at(DAY, "21:00"))
    for _ in range(3):
        rota.restart()
        rota.fire(rota.now_ms + 60_000)
    assert rota.open_alarms() == [(EMPTY, "nobody", "technical", 1)]


def test_what_a_human_has_closed_comes_again_when_it_nears(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", [])
    rota.fire(at(DAY, "21:00"))
    [row] = rota.rows("SELECT id FROM alarm")
    rota.do(lambda u: rota.alarms.close(u, row["id"], "boss", Outcome.OUTAGE, "I know"))
    for minute in range(1, 10):
        rota.restart()
        rota.fire(at(DAY, "21:00") + minute * 60_000)
    assert rota.open_alarms() == []
    rota.fire(at(DAY + 1, "6:30"))
    assert rota.open_alarms() == [(EMPTY, "nobody", "watch", 1)]


def test_a_leave_that_empties_a_part_of_a_shift_is_told(rota) -> None:
    rota.staff()
    leave = Leave(id="1", person="wang", from_ms=at(DAY, "22:00"), until_ms=at(DAY + 1, "1:00"))
    rota.do(lambda unit: rota.rota.set_leave(unit, leave, "boss", "ill"))
    rota.fire()
    assert rota.open_alarms() == []
    rota.fire(at(DAY, "10:00"))
    [row] = rota.rows("SELECT evidence FROM alarm")
    assert rota.open_alarms() == [(EMPTY, "nobody", "technical", 1)]
    evidence = json.loads(row["evidence"])
    assert (evidence["from_ms"], evidence["until_ms"]) == (leave.from_ms, leave.until_ms)


def test_who_can_not_be_reached(rota) -> None:
    rota.staff()
    rota.reach["wang"] = Reach(alive=0, dead=2)
    rota.reach["zhou"] = Reach()
    rota.fire(at(DAY, "7:00"))
    assert [(part, reason) for part, reason, *_ in rota.open_alarms()] == [
        ("county/nobody", "nobody"),  # the night before belongs to nobody
        ("county/unverified", "unverified"),
    ]
    rota.fire(at(DAY, "9:00"))
    assert [(part, reason) for part, reason, *_ in rota.open_alarms()] == [
        ("county/dead_contact", "dead_contact"),
        ("county/unverified", "unverified"),
    ]
    rota.reach["wang"] = rota.reach["zhou"] = Reach(alive=1, dead=2)
    rota.fire(at(DAY, "9:01"))
    assert rota.open_alarms() == []


def test_many_restarts_and_looks_agree_with_one_watch(rota) -> None:
    """Minute by minute over two days with a hole each day: the same alarms with a restart at every
    hour as without."""
    rota.staff()
    rota.change(DAY + 1, "day", [])
    rota.change(DAY + 2, "night", None)
    for minute in range(0, 60 * 60, 20):
        if minute % 120 == 0:
            rota.restart()
        rota.fire(at(DAY, "9:00") + minute * 60_000)
    rows = rota.rows("SELECT part, event_count, outcome FROM alarm ORDER BY number")
    assert [tuple(row) for row in rows] == [
        (EMPTY, 3, "recovered"),
        (EMPTY, 3, None),
    ]


def test_villages_come_from_the_tables(rota) -> None:
    def fill(unit) -> None:
        home = "INSERT INTO home (id, region, address, access_note) VALUES ('h1', ?, 'x', '')"
        unit.execute(home, ("610926101001",))

    rota.staff()
    rota.do(fill)
    [village] = rota.do(lambda unit: villages_of(unit.cursor))
    assert village == Village(region="610926101001", homes=1, responders=0)
    rota.fire()
    assert rota.open_alarms() == [("/no_responder", "no_responder", "technical", 1)]
    rota.do(
        lambda u: u.execute(
            "UPDATE account SET role = 'visitor', region = '610926101' WHERE username = 'zhao'"
        )
    )
    rota.fire(rota.now_ms + 60_000)
    assert rota.open_alarms() == []


def test_ways_that_were_proved_and_ways_that_died(rota) -> None:
    sql = (
        "INSERT INTO contact_point (id, owner, channel, address, label, language, place,"
        " created_at_ms, verified_at_ms, dead_since_ms, dead_reason)"
        " VALUES (?, ?, 'smtp', 'x', '', 'zh-CN', 1, 0, ?, ?, '')"
    )
    ways = [("1", "li", 5, None), ("2", "li", 5, 9), ("3", "zhou", 5, 9), ("4", "wang", None, None)]
    rota.do(lambda unit: [unit.execute(sql, way) for way in ways])
    reach = rota.do(lambda unit: verified_ways(unit.cursor))
    assert reach == {"li": Reach(alive=1, dead=1), "zhou": Reach(dead=1), "wang": Reach()}
    # By what carries nothing urgent nobody on duty is reached.
    reach = rota.do(lambda unit: verified_ways(unit.cursor, {"aliyun_sms"}))
    assert reach == {"li": Reach(), "zhou": Reach(), "wang": Reach()}
    rota.do(lambda unit: unit.execute("UPDATE account SET disabled = 1 WHERE username = 'li'"))
    board = rota.do(lambda unit: at_the_board(unit.cursor))
    assert ("li" in board, board["zhou"]) == (False, Reach(alive=1))


def test_visitors_on_call_are_responders_of_their_region() -> None:
    village = Village(region="610926101001", homes=3, responders=0)
    desk = Desk(id="v", name="v", region="610926101", kind="visit", always=False)
    [found] = problems(Plan(desks={"v": desk}), {}, [village], at(DAY, "9:00"))
    assert (found.reason, found.level, found.region) == (
        Reason.NO_RESPONDER,
        Level.NOW,
        "610926101001",
    )


@pytest.mark.parametrize(("always", "found"), [(True, 1), (False, 0)])
def test_a_desk_without_shifts(always, found) -> None:
    desk = Desk(id="d", name="d", region="610926", always=always)
    assert len(problems(Plan(desks={"d": desk}), {}, [], at(DAY, "9:00"))) == found
    closed = Desk(id="d", name="d", region="610926", closed=True)
    assert problems(Plan(desks={"d": closed}), {}, [], at(DAY, "9:00")) == []
