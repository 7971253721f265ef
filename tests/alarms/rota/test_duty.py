"""Who is told as "on duty": the rota of the smallest region, and never nobody."""

from alarms.responders import Responder, Target
from alarms.rota.duty import RotaResponders, on_duty_for, visiting_for
from alarms.rota.model import Desk
from alarms.rota.plan import Plan, weekly
from tests.alarms.rota.conftest import DAY, SPLIT, at


def responder(name: str) -> Responder:
    return Responder(id=name, name=name.upper(), role="duty", points=())


class Others:
    """A register: who is behind each target, and which accounts are enabled."""

    def __init__(self, **targets) -> None:
        self.targets = targets
        self.disabled: set[str] = set()

    def of(self, target, alarm, now_ms):
        return [responder(name) for name in self.targets.get(target.value, ())]

    def named(self, username):
        return None if username in self.disabled else responder(username)


def plan() -> Plan:
    town = weekly(id="t", desk="town", from_day=DAY, hours=SPLIT[:1], teams={"day": [["t1", "t2"]]})
    county = weekly(
        id="c",
        desk="county",
        from_day=DAY - 7,
        hours=SPLIT,
        teams={"day": [["c1"]], "night": [["c2"]]},
    )
    desks = {
        "town": Desk(id="town", name="town", region="610926101", always=False),
        "county": Desk(id="county", name="county", region="610926"),
        "calls": Desk(id="calls", name="calls", region="610926101001", kind="visit"),
    }
    return Plan(desks=desks, patterns={"t": [town], "c": [county]})


def told(others, region, clock, target=Target.DUTY) -> list[str]:
    rota = RotaResponders(others, plan)
    return [r.id for r in rota.of(target, {"region": region}, at(DAY, clock))]


def test_the_smallest_region_with_somebody_answers() -> None:
    others = Others(duty=["d1"])
    assert told(others, "610926101001", "9:00") == ["t1", "t2"]
    assert told(others, "610926101001", "21:00") == ["c2"]  # the town's desk is closed at night
    assert told(others, "610926102001", "9:00") == ["c1"]
    assert told(others, None, "9:00") == ["c1"]


def test_where_the_rota_has_nobody_it_falls_up() -> None:
    assert told(Others(duty=["d1"]), "999", "9:00") == ["d1"]
    supervisors = Others(supervisor_town=["s1"], supervisor_county=["s2"])
    assert told(supervisors, "999", "9:00") == ["s1"]
    assert told(Others(supervisor_county=["s2"]), "999", "9:00") == ["s2"]
    assert told(Others(), "999", "9:00") == []


def test_an_account_that_was_closed_is_not_told() -> None:
    others = Others(duty=["d1"])
    others.disabled = {"t1"}
    assert told(others, "610926101", "9:00") == ["t2"]
    others.disabled = {"t1", "t2"}
    assert told(others, "610926101", "9:00") == ["d1"]


def test_other_targets_are_not_the_rotas_business() -> None:
    assert told(Others(family=["f"]), "610926101", "9:00", Target.FAMILY) == ["f"]
    assert RotaResponders(Others(), plan).named("x").id == "x"


def test_a_closed_desk_answers_nothing() -> None:
    shut = Desk(id="county", name="county", region="610926", closed=True)
    closed = Plan(desks={"county": shut}, patterns=plan().patterns)
    assert on_duty_for(closed, "610926", at(DAY, "9:00")) == []


def test_whose_shift_it_is_to_go_is_told_beside_the_desk() -> None:
    """Of a visiting desk that covers the place; nobody of a desk that only looks."""
    town = weekly(id="t", desk="town", from_day=DAY, hours=SPLIT[:1], teams={"day": [["v1", "v2"]]})
    desk = Desk(id="town", name="town", region="610926101", kind="visit", always=False)
    going = Plan(desks={**plan().desks, "town": desk}, patterns={**plan().patterns, "t": [town]})
    there = visiting_for(going, "610926101001", at(DAY, "9:00"))
    assert [on.person for on in there] == ["v1", "v2"]
    assert visiting_for(going, "610926102", at(DAY, "9:00")) == []
    assert [on.person for on in on_duty_for(going, "610926101001", at(DAY, "9:00"))] == ["c1"]
