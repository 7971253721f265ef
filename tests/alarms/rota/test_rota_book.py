"""What is said of a rota: checked, appended, kept over restarts, undone by a failed transaction."""

import pytest

from alarms.lifecycle import IllegalMove
from alarms.rota.days import DayKind, day_number
from alarms.rota.facts import plan_of
from alarms.rota.model import Change, Desk, Leave, RotaError, ShiftKey
from alarms.rota.plan import weekly
from alarms.rota.swaps import Swap, SwapMove
from tests.alarms.rota.conftest import DAY, HOUR, SPLIT, at


def key(day, name="day") -> ShiftKey:
    return ShiftKey(desk="county", day=day, name=name)


def who(rota, at_ms) -> list[str]:
    return [on.person for on in rota.rota.plan.on_duty("county", at_ms)]


def swap(**changes) -> Swap:
    fields = {"id": "s1", "asker": "li", "other": "wang", "given": key(DAY + 1)}
    return Swap(**{**fields, "taken": key(DAY + 2, "night"), **changes})


def moved(rota, move, actor, *, may_approve=False, swap_id="s1") -> None:
    rota.do(lambda unit: rota.rota.move_swap(unit, swap_id, move, actor, may_approve=may_approve))


def test_what_was_said_is_kept_with_who_and_why(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", ["zhao"])
    leave = Leave(id="l1", person="wang", from_ms=at(DAY, "20:00"), until_ms=at(DAY, "23:00"))
    rota.do(lambda unit: rota.rota.set_leave(unit, leave, "wang", "doctor"))
    own = {day_number("2027-02-13"): DayKind(working=True, name="春节", known="announced")}
    rota.do(lambda unit: rota.rota.set_days(unit, own, "boss", "国办通知"))
    before = rota.rota.plan
    assert who(rota, at(DAY + 1, "9:00")) == ["zhao"]
    assert who(rota, at(DAY, "21:00")) == []
    rota.restart()
    assert rota.rota.plan.desks == before.desks
    assert rota.rota.plan.patterns == before.patterns
    assert rota.rota.plan.changes == before.changes
    assert rota.rota.plan.leaves == before.leaves
    assert rota.rota.plan.calendar.own == before.calendar.own
    facts = rota.rows("SELECT kind, actor, reason FROM rota_fact ORDER BY seq")
    assert [tuple(row) for row in facts] == [
        ("desk", "boss", "new"),
        ("pattern", "boss", "new"),
        ("shift", "boss", "why"),
        ("leave", "wang", "doctor"),
        ("day", "boss", "国办通知"),
    ]
    assert rota.facts("rota") == [
        "desk_made",
        "pattern_made",
        "shift_changed",
        "leave_set",
        "days_set",
    ]


def test_a_change_is_taken_back_and_a_leave_ends_early(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", None)
    assert who(rota, at(DAY + 1, "9:00")) == []
    rota.do(lambda unit: rota.rota.take_back(unit, key(DAY + 1), "boss", "not so"))
    assert who(rota, at(DAY + 1, "9:00")) == ["li", "zhou"]
    with pytest.raises(KeyError):
        rota.do(lambda unit: rota.rota.take_back(unit, key(DAY + 1), "boss", "again"))
    leave = Leave(id="l1", person="li", from_ms=at(DAY, "8:00"), until_ms=at(DAY + 9, "8:00"))
    for _ in range(2):
        rota.do(lambda unit: rota.rota.set_leave(unit, leave, "li", "ill"))
    assert who(rota, at(DAY + 1, "9:00")) == ["zhou"]
    for _ in range(2):
        rota.do(lambda unit: rota.rota.end_leave(unit, "l1", "li", "well"))
    assert who(rota, at(DAY + 1, "9:00")) == ["li", "zhou"]
    assert len(rota.rows("SELECT 1 FROM rota_fact WHERE kind = 'leave'")) == 2


def pattern(**changes):
    fields = {"id": "round", "desk": "county", "from_day": DAY, "hours": SPLIT}
    return weekly(**{**fields, "teams": {"day": [["li"]]}, **changes})


@pytest.mark.parametrize(
    ("say", "field"),
    [
        (lambda r, u: r.set_pattern(u, pattern(from_day=DAY - 1), "boss", ""), "from"),
        (lambda r, u: r.set_pattern(u, pattern(from_day=DAY + 900), "boss", ""), "from"),
        (lambda r, u: r.set_pattern(u, pattern(desk="none"), "boss", ""), "desk"),
        (lambda r, u: r.set_pattern(u, pattern(id="two"), "boss", ""), "shifts.name"),
        (
            lambda r, u: r.set_pattern(u, pattern(teams={"day": [["nobody"]]}), "boss", ""),
            "people",
        ),
        (
            lambda r, u: r.set_pattern(u, pattern(teams={"day": [["mender"]]}), "boss", ""),
            "people",
        ),
        (lambda r, u: r.set_desk(u, Desk(id="x", name="x", region="99"), "boss", ""), "region"),
        (
            lambda r, u: r.change_shifts(u, [Change(key=key(DAY - 2), people=("li",))], "b", ""),
            "date",
        ),
        (
            lambda r, u: r.change_shifts(
                u, [Change(key=key(DAY, "extra"), people=("li",))], "b", ""
            ),
            "start",
        ),
        (
            lambda r, u: r.set_leave(
                u, Leave(id="l", person="li", from_ms=0, until_ms=1), "li", ""
            ),
            "until",
        ),
    ],
)
def test_what_makes_no_sense_changes_nothing(rota, say, field) -> None:
    rota.staff()
    before, rows = rota.rota.plan, rota.rows("SELECT count(*) FROM rota_fact")[0][0]
    with pytest.raises(RotaError) as refused:
        rota.do(lambda unit: say(rota.rota, unit))
    assert refused.value.field == field
    assert rota.rota.plan.patterns == before.patterns
    assert rota.rows("SELECT count(*) FROM rota_fact")[0][0] == rows


def test_an_account_that_was_closed_takes_no_shift(rota) -> None:
    rota.staff()
    rota.do(lambda unit: unit.execute("UPDATE account SET disabled = 1 WHERE username = 'zhao'"))
    with pytest.raises(RotaError, match="zhao"):
        rota.change(DAY + 1, "day", ["zhao"])


def test_of_several_changes_all_come_or_none(rota) -> None:
    rota.staff()
    changes = [
        Change(key=key(DAY + 1), people=("zhao",)),
        Change(key=key(DAY + 2, "extra"), people=("zhao",)),
    ]
    with pytest.raises(RotaError):
        rota.do(lambda unit: rota.rota.change_shifts(unit, changes, "boss", ""))
    assert who(rota, at(DAY + 1, "9:00")) == ["li", "zhou"]


def test_a_shift_that_was_taken_out_can_be_staffed_again(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", None)
    rota.change(DAY + 1, "day", ["zhao"])
    assert who(rota, at(DAY + 1, "9:00")) == ["zhao"]


def test_a_swap_is_asked_agreed_approved_and_then_in_the_rota(rota) -> None:
    rota.staff()
    for _ in range(2):
        rota.do(lambda unit: rota.rota.ask_swap(unit, swap()))
    assert [s.id for s in rota.rota.waiting] == ["s1"]
    for move, actor in ((SwapMove.AGREE, "li"), (SwapMove.AGREE, "boss")):
        with pytest.raises(IllegalMove, match="not_yours"):
            moved(rota, move, actor)
    moved(rota, SwapMove.AGREE, "wang")
    rota.restart()
    with pytest.raises(IllegalMove, match="not_yours"):
        moved(rota, SwapMove.APPROVE, "zhou")
    with pytest.raises(IllegalMove, match="own_swap"):
        moved(rota, SwapMove.APPROVE, "wang", may_approve=True)
    assert who(rota, at(DAY + 1, "9:00")) == ["li", "zhou"]
    moved(rota, SwapMove.APPROVE, "boss", may_approve=True)
    assert who(rota, at(DAY + 1, "9:00")) == ["wang", "zhou"]
    assert who(rota, at(DAY + 2, "21:00")) == ["li"]
    assert who(rota, at(DAY + 3, "9:00")) == ["li", "zhou"]
    assert rota.rota.waiting == ()
    with pytest.raises(IllegalMove, match="wrong_state"):
        moved(rota, SwapMove.APPROVE, "boss", may_approve=True)
    with pytest.raises(KeyError):
        moved(rota, SwapMove.AGREE, "wang", swap_id="none")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"other": "li"}, "same_person"),
        ({"given": key(DAY)}, "has_begun"),
        ({"given": key(DAY + 1, "night")}, "not_in_it"),
        ({"given": key(DAY + 1, "none")}, "no_such_shift"),
        ({"other": "zhou", "taken": None}, "in_it_already"),
        ({"taken": key(DAY + 1)}, "same_shift"),
    ],
)
def test_swaps_that_are_impossible(rota, changes, code) -> None:
    rota.staff()
    with pytest.raises(IllegalMove) as refused:
        rota.do(lambda unit: rota.rota.ask_swap(unit, swap(**changes)))
    assert refused.value.code == code


def test_a_shift_is_given_away(rota) -> None:
    rota.staff()
    rota.do(lambda unit: rota.rota.ask_swap(unit, swap(other="zhao", taken=None)))
    moved(rota, SwapMove.AGREE, "zhao")
    moved(rota, SwapMove.APPROVE, "boss", may_approve=True)
    assert who(rota, at(DAY + 1, "9:00")) == ["zhao", "zhou"]


def test_a_swap_that_became_impossible_is_not_approved(rota) -> None:
    rota.staff()
    rota.do(lambda unit: rota.rota.ask_swap(unit, swap()))
    moved(rota, SwapMove.AGREE, "wang")
    rota.change(DAY + 1, "day", ["zhao"])
    with pytest.raises(IllegalMove, match="not_in_it"):
        moved(rota, SwapMove.APPROVE, "boss", may_approve=True)
    assert who(rota, at(DAY + 2, "21:00")) == ["wang"]


def test_a_swap_expires_when_its_shift_begins(rota) -> None:
    rota.staff()
    rota.do(lambda unit: rota.rota.ask_swap(unit, swap()))
    rota.now_ms = at(DAY + 1, "8:00") - 1
    rota.do(rota.rota.fire_due)
    assert rota.rota.waiting
    rota.now_ms += 1
    rota.do(rota.rota.fire_due)
    assert rota.rota.waiting == ()
    assert rota.facts("rota")[-1] == "swap_expired"
    with pytest.raises(IllegalMove, match="wrong_state"):
        moved(rota, SwapMove.AGREE, "wang")


def test_a_window_of_the_table_gives_the_same_plan(rota) -> None:
    rota.staff()
    rota.change(DAY + 1, "day", ["zhao"])
    sql = "SELECT kind, key, desk, day, body FROM rota_fact WHERE kind <> 'swap' ORDER BY seq"
    plan = plan_of(rota.rows(sql))
    from_ms, to_ms = at(DAY, "0:00"), at(DAY, "0:00") + 72 * HOUR
    assert plan.shifts("county", from_ms, to_ms) == rota.rota.plan.shifts("county", from_ms, to_ms)


def test_a_failed_change_of_the_rota_is_not_in_it(rota) -> None:
    """Of two changes that share a transaction the one that fails takes nothing else with it."""
    rota.staff()
    good = Change(key=key(DAY + 1), people=("zhao",))
    bad = Change(key=key(DAY + 2), people=("wang",))

    def fails(unit) -> None:
        rota.rota.change_shifts(unit, [bad], "boss", "why")
        raise ArithmeticError

    def both(unit) -> None:
        futures.append(
            rota.writer.submit(lambda u: rota.rota.change_shifts(u, [good], "boss", "why"))
        )
        futures.append(rota.writer.submit(fails))

    futures: list = []
    rota.do(both)
    assert futures[0].result(10) is None
    with pytest.raises(ArithmeticError):
        futures[1].result(10)
    assert who(rota, at(DAY + 1, "9:00")) == ["zhao"]
    assert who(rota, at(DAY + 2, "9:00")) == ["li", "zhou"]
    rota.change(DAY + 3, "day", ["zhou"])
    rota.restart()
    assert who(rota, at(DAY + 1, "9:00")) == ["zhao"]
    assert who(rota, at(DAY + 2, "9:00")) == ["li", "zhou"]
    assert who(rota, at(DAY + 3, "9:00")) == ["zhou"]
