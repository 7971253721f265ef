"""Who the register says can be told: by role and region, contacts in their order."""

import json

import pytest

from alarms.register_responders import RegisterResponders
from alarms.responders import ContactPoint, Target
from ledger.register import Register
from ledger.views import roster_index

REGIONS = (
    ("610926", "county", None),
    ("610926101", "town", "610926"),
    ("610926101001", "village", "610926101"),
    ("61092610100101", "group", "610926101001"),
    ("610926101002", "village", "610926101"),
)
ACCOUNTS = (
    ("visitor-1", "visitor", "610926101001", False),
    ("visitor-2", "visitor", "61092610100101", False),
    ("visitor-3", "visitor", "610926101002", False),
    ("cadre", "manager", "610926101001", False),
    ("duty-county", "duty", "610926", False),
    ("duty-town", "duty", "610926101", False),
    ("duty-other", "duty", "610926102", False),
    ("duty-gone", "duty", "610926", True),
    ("town", "manager", "610926101", False),
    ("admin", "admin", "", False),
)
CONTACTS = [
    {"name": "张建国", "relation": "儿子", "phone": "1"},
    {"name": "王婶", "relation": "邻居", "phone": "2"},
    {"name": "Li", "relation": "Daughter", "phone": "3"},
]
ALARM = {"home": "home-1", "region": "61092610100101"}


@pytest.fixture
def responders() -> RegisterResponders:
    register = Register()
    register.index = roster_index(
        regions=[{"code": c, "level": level, "parent": p, "name": c} for c, level, p in REGIONS],
        persons=[
            {
                "id": "p1",
                "home": "home-1",
                "visitor": "visitor-3",
                "contacts": json.dumps(CONTACTS),
            },
            {"id": "p2", "home": "home-1", "visitor": "nobody", "contacts": "[]"},
        ],
        accounts=[
            {"username": u, "name": u, "role": r, "region": a, "disabled": d, "phone": f"tel-{u}"}
            for u, r, a, d in ACCOUNTS
        ],
    )
    return RegisterResponders(
        register, lambda _who, phone: (ContactPoint(channel="sms", address=phone, verified=False),)
    )


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (Target.RESPONSIBLE, ["visitor-3"]),
        (Target.TEAM, ["visitor-2", "cadre", "visitor-1"]),
        (Target.DUTY, ["duty-town", "duty-county"]),
        (Target.SUPERVISOR_TOWN, ["town"]),
        # Nobody has the county: who has everything.
        (Target.SUPERVISOR_COUNTY, ["admin"]),
        (Target.FAMILY, ["contact:p1/1", "contact:p1/3"]),
        (Target.CONTACTS, ["contact:p1/1", "contact:p1/2", "contact:p1/3"]),
    ],
)
def test_who_they_are(responders: RegisterResponders, target: Target, names: list[str]) -> None:
    assert [r.id for r in responders.of(target, ALARM, 0)] == names


def test_ways_come_with_them(responders: RegisterResponders) -> None:
    [town] = responders.of(Target.SUPERVISOR_TOWN, ALARM, 0)
    assert [p.address for p in town.points] == ["tel-town"]
    assert [r.points[0].address for r in responders.of(Target.FAMILY, ALARM, 0)] == ["1", "3"]


def test_an_alarm_of_nowhere_has_its_duty(
    responders: RegisterResponders,
) -> None:
    nowhere = {"home": None, "region": None}
    assert responders.of(Target.RESPONSIBLE, nowhere, 0) == []
    assert responders.of(Target.TEAM, nowhere, 0) == []
    everybody = ["duty-other", "duty-town", "duty-county"]
    assert sorted(r.id for r in responders.of(Target.DUTY, nowhere, 0)) == sorted(everybody)


def test_who_is_disabled_is_nobody(responders: RegisterResponders) -> None:
    assert responders.named("duty-gone") is None
    assert responders.named("never") is None
    assert responders.named("town") is not None
