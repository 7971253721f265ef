"""Reports over HTTP: figures of a month, of a quarter, their course, and the rows behind them."""

import pytest

from contract.moment import from_iso, to_iso
from ledger.unit_of_work import UnitOfWork
from tests.dashboard.conftest import NOW_MS, World

ON_BOTH = True

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LAST_MONTH_MS = from_iso("2026-10-20T02:00:00Z")


async def visited(world: World, username: str, home: str, person: str, **changes) -> str:
    body = {
        "home": home,
        "service_user": person,
        "way": "home_visit",
        "visited_at": to_iso(NOW_MS - HOUR_MS),
        "record": {},
        **changes,
    }
    async with world.client(username) as client:
        made = await client.post("/api/v1/visits", json=body)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def lived(world: World) -> dict[str, str]:
    """Two towns in November, one visit in October."""
    found = {
        "sad": await visited(
            world,
            "visitor-1",
            "home-0001",
            "person-0001",
            record={"satisfaction": "dissatisfied", "services": [7, 16], "gas_safety": "unsafe"},
        ),
        "call": await visited(
            world,
            "visitor-1",
            "home-0001",
            "person-0001",
            way="phone",
            visited_at=to_iso(NOW_MS - 2 * DAY_MS),
        ),
        "october": await visited(
            world, "visitor-1", "home-0001", "person-0001", visited_at=to_iso(LAST_MONTH_MS)
        ),
        "other": await visited(
            world,
            "visitor-2",
            "home-0002",
            "person-0002",
            record={"satisfaction": "satisfied", "services": [7]},
        ),
    }
    await world.raise_alarm("home-0001")
    return found


async def report(world: World, username: str, query: str = "") -> dict:
    async with world.client(username) as client:
        answer = await client.get(f"/api/v1/reports/period?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_month_of_the_county_and_its_towns(world: World) -> None:
    await lived(world)
    whole = await report(world, "admin-1")
    assert (whole["period"], whole["from"], whole["to"]) == ("2026-11", "2026-11-01", "2026-11-30")
    assert (whole["whole"], whole["people_as_of"]) == (False, "2026-11-23")
    figures = whole["figures"]
    assert figures["people"]["all"] == 2
    assert figures["category"] == {"独居": 1, "空巢": 1}
    assert figures["contacts"] == {"all": 3, "met_at_home": 2, "with_service": 2}
    assert figures["way"] == {"home_visit": 2, "phone": 1}
    assert figures["service"] == {"16": 1, "7": 2}
    assert figures["satisfaction"] == {"dissatisfied": 1, "satisfied": 1}
    assert figures["unsafe"] == {"gas_safety": 1}
    assert figures["rule"] == {"sos": 1}
    assert figures["outcome"] == {"open": 1}
    towns = {part["region"]: part for part in whole["regions"]}
    assert set(towns) == {"610926101", "610926102"}
    assert towns["610926101"]["figures"]["way"] == {"home_visit": 1, "phone": 1}
    assert towns["610926102"]["figures"]["satisfaction"] == {"satisfied": 1}
    assert towns["610926101"]["name"] == "城关镇"
    assert sum(t["visits"]["total"]["people"] for t in towns.values()) == 2
    assert whole["visits"]["total"]["calls"] == 1
    assert whole["response"]["calls"] == 1


async def test_somebody_sees_the_figures_of_the_own_region_only(world: World) -> None:
    await lived(world)
    mine = await report(world, "manager-1")
    assert mine["figures"]["people"]["all"] == 1
    assert [part["region"] for part in mine["regions"]] == ["610926101001"]
    assert "satisfied" not in mine["figures"]["satisfaction"]
    async with world.client("manager-1") as client:
        for path in ("period?", "trend?", "rows?subject=visit&group=way&word=phone&"):
            other = await client.get(f"/api/v1/reports/{path}region=610926102")
            assert other.status_code == 404


async def test_a_quarter_is_its_months_together(world: World) -> None:
    await lived(world)
    month = await report(world, "admin-1", "period=2026-11")
    before = await report(world, "admin-1", "period=2026-10")
    quarter = await report(world, "admin-1", "period=2026-Q4")
    assert before["figures"]["contacts"] == {"all": 1, "met_at_home": 1}
    assert quarter["figures"]["contacts"]["all"] == 4
    for name in ("owed", "done", "more", "calls"):
        both = month["visits"]["total"][name] + before["visits"]["total"][name]
        assert quarter["visits"]["total"][name] >= both
    assert quarter["visits"]["total"]["people"] == 2


async def test_the_rows_behind_a_figure_are_as_many_as_it_says(world: World) -> None:
    ids = await lived(world)
    whole = await report(world, "admin-1")
    subjects = {
        "people": "person",
        "change": "person",
        "category": "person",
        "grade": "person",
        "severity": "alarm",
        "alarms": "alarm",
        "rule": "alarm",
        "outcome": "alarm",
    }
    async with world.client("admin-1") as client:
        for group, words in whole["figures"].items():
            for word, number in words.items():
                subject = subjects.get(group, "visit")
                answer = await client.get(
                    "/api/v1/reports/rows",
                    params={"subject": subject, "group": group, "word": word},
                )
                found = answer.json()
                assert (found["total"], len(found["items"])) == (number, number), (group, word)
        sad = await client.get(
            "/api/v1/reports/rows?subject=visit&group=satisfaction&word=dissatisfied"
        )
        assert [row["id"] for row in sad.json()["items"]] == [ids["sad"]]
        nothing = await client.get("/api/v1/reports/rows?subject=visit&group=way&word=letter")
        assert nothing.json() == {"items": [], "total": 0}


async def test_a_trend_has_each_month(world: World) -> None:
    await lived(world)
    async with world.client("admin-1") as client:
        items = (await client.get("/api/v1/reports/trend?months=3")).json()["items"]
    assert [item["period"] for item in items] == ["2026-09", "2026-10", "2026-11"]
    assert [item["figures"].get("contacts", {}).get("all", 0) for item in items] == [0, 1, 3]


async def test_a_course_of_people_tells_what_dates_on_file_tell(world: World) -> None:
    """Two joined long ago, of whom one left in November; nothing is told of before the book."""
    await lived(world)
    path = "/api/v1/reports/trend?subject=person&months=3"
    async with world.client("admin-1") as client:
        at_once = (await client.get(path)).json()["items"]
        assert [item["figures"] is None for item in at_once] == [True, True, False]
        assert at_once[-1]["figures"] == {"people": {"all": 2, "high_age": 2}}
    await world.writer.change(_begun_earlier)
    await world.writer.change(_dated)
    async with world.client("admin-1") as client:
        items = (await client.get(path)).json()["items"]
        whole = (await client.get("/api/v1/reports/period?period=2026-10")).json()
    assert [item["period"] for item in items] == ["2026-09", "2026-10", "2026-11"]
    assert [item["figures"] for item in items] == [
        {"people": {"all": 1, "high_age": 1}},
        {"people": {"all": 2, "high_age": 1}, "change": {"joined": 1}},
        {"people": {"all": 1, "high_age": 1}, "change": {"moved": 1}},
    ]
    # The sheet of that month says the same.
    assert whole["figures"]["people"]["all"] == 2
    assert whole["figures"]["people"]["high_age"] == 1
    assert whole["figures"]["change"] == {"joined": 1}
    async with world.client("manager-1") as client:
        mine = (await client.get(path)).json()["items"]
    assert [item["figures"]["people"]["all"] for item in mine] == [1, 1, 1]


def _begun_earlier(unit: UnitOfWork) -> None:
    unit.execute("UPDATE entry SET at_ms = ? WHERE seq = 1", (LAST_MONTH_MS - 31 * DAY_MS,))


def _dated(unit: UnitOfWork) -> None:
    unit.execute("UPDATE service_user SET born = '1940-05-01' WHERE id = 'person-0001'", ())
    unit.execute(
        "UPDATE service_user SET born = '1960-05-01', joined_on = '2026-10-09',"
        " left_on = '2026-11-20', left_why = 'moved' WHERE id = 'person-0002'",
        (),
    )


async def test_a_visit_that_was_taken_back_counts_nowhere(world: World) -> None:
    ids = await lived(world)
    async with world.client("visitor-1") as client:
        answer = await client.post(
            f"/api/v1/visits/{ids['sad']}/void", json={"reason": "记错了人家"}
        )
        assert answer.status_code == 201, answer.text
    figures = (await report(world, "manager-1"))["figures"]
    assert figures["contacts"] == {"all": 1, "voided": 1}
    assert "satisfaction" not in figures


@pytest.mark.parametrize("period", ["2026-W47", "2026-Q5", "soon", "2027-01", "2001-01"])
async def test_a_period_that_cannot_be_is_refused(world: World, period: str) -> None:
    async with world.client("admin-1") as client:
        answer = await client.get(f"/api/v1/reports/period?period={period}")
    assert (answer.status_code, answer.json()["field"]) == (422, "period")


async def test_rows_of_people_are_for_those_who_may_read_of_people(world: World) -> None:
    await lived(world)
    async with world.client("auditor-1") as client:
        people = "/api/v1/reports/rows?subject=person&group=people&word=all"
        assert (await client.get(people)).status_code == 404
        visits = await client.get("/api/v1/reports/rows?subject=visit&group=way&word=phone")
        assert visits.status_code == 200
        assert "张桂英" not in visits.text
