"""Assessments over HTTP: scores, marks, feedback and answers, results that stand."""

import io

import openpyxl
import pytest

from contract.moment import from_iso, to_iso
from ledger.assessment.criteria import DEFAULT, to_document
from tests.dashboard.conftest import NOW_MS, World

ON_BOTH = True

VILLAGE = "610926101001"
QUARTER = {"period": "2026-Q4", "who_kind": "region", "who": VILLAGE}


async def visited(world: World, **changes) -> None:
    body = {
        "home": "home-0001",
        "service_user": "person-0001",
        "way": "home_visit",
        "visited_at": to_iso(world.clock.now_ms() - 3_600_000),
        "record": {"satisfaction": "satisfied", "services": [7]},
        **changes,
    }
    async with world.client("visitor-1") as client:
        assert (await client.post("/api/v1/visits", json=body)).status_code == 201


async def scores(world: World, username: str, query: str) -> list[dict]:
    async with world.client(username) as client:
        answer = await client.get(f"/api/v1/assessments?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def part(item: dict, code: str) -> dict:
    return next(p for p in item["parts"] if p["code"] == code)


async def test_a_village_is_scored_by_its_figures_and_marks(world: World) -> None:
    await visited(world)
    [village] = await scores(world, "manager-1", "period=2026-Q4")
    assert (village["who"], village["name"], village["settled_at"]) == (VILLAGE, "龙头村", None)
    assert part(village, "satisfied") == {
        **{"code": "satisfied", "value": 1.0, "points": 15.0},
        **{"met": 1, "of": 1},
    }
    assert part(village, "inspection")["points"] is None
    mark = {**QUARTER, "criterion": "inspection", "points": 50, "text": "档案不全"}
    async with world.client("manager-1") as client:
        assert (await client.post("/api/v1/assessments/marks", json=mark)).status_code == 201
        better = {**mark, "points": 80}
        assert (await client.post("/api/v1/assessments/marks", json=better)).status_code == 201
        for changes, field in (
            ({"criterion": "satisfied"}, "criterion"),
            ({"points": 101}, "points"),
            ({"period": "2026-W40"}, "period"),
        ):
            wrong = await client.post("/api/v1/assessments/marks", json={**mark, **changes})
            assert (wrong.status_code, wrong.json()["field"]) == (422, field)
        away = await client.post("/api/v1/assessments/marks", json={**mark, "who": "610926102001"})
        assert away.status_code == 404
    [village] = await scores(world, "manager-1", "period=2026-Q4")
    assert part(village, "inspection") == {
        **{"code": "inspection", "value": 80.0, "points": 8.0},
        **{"met": None, "of": None},
    }


async def test_feedback_is_answered_and_all_of_it_is_kept(world: World) -> None:
    said = {**QUARTER, "text": "两户未按时探访"}
    async with world.client("manager-1") as client:
        assert (await client.post("/api/v1/assessments/feedback", json=said)).status_code == 201
        back = {**QUARTER, "text": "已补访，附照片"}
        assert (await client.post("/api/v1/assessments/answers", json=back)).status_code == 201
        query = f"period=2026-Q4&who_kind=region&who={VILLAGE}"
        facts = (await client.get(f"/api/v1/assessments/facts?{query}")).json()["items"]
    assert [(f["kind"], f["text"]) for f in facts] == [
        ("feedback", "两户未按时探访"),
        ("answer", "已补访，附照片"),
    ]
    entries = await world.query("SELECT fact, subject FROM entry WHERE topic = 'assessment'")
    assert [tuple(e) for e in entries] == [
        ("feedback", f"2026-Q4/{VILLAGE}"),
        ("answer", f"2026-Q4/{VILLAGE}"),
    ]


async def test_what_is_settled_stands(world: World) -> None:
    await visited(world)
    words = {**QUARTER, "text": "审定"}
    async with world.client("manager-1") as client:
        early = await client.post("/api/v1/assessments/settle", json=words)
        assert (early.status_code, early.json()["field"]) == (422, "period")
    world.clock.at_ms = from_iso("2027-01-05T00:00:00Z")
    [before] = await scores(world, "manager-1", "period=2026-Q4")
    async with world.client("manager-1") as client:
        settled = await client.post("/api/v1/assessments/settle", json=words)
        assert settled.status_code == 201, settled.text
    late = to_iso(NOW_MS)
    await visited(world, visited_at=late, record={"satisfaction": "dissatisfied"})
    [after] = await scores(world, "manager-1", "period=2026-Q4")
    assert after["settled_at"] is not None
    assert (after["total"], after["parts"]) == (before["total"], before["parts"])
    async with world.client("manager-1") as client:
        again = await client.post("/api/v1/assessments/settle", json=words)
        mark = {**QUARTER, "criterion": "inspection", "points": 1}
        marked = await client.post("/api/v1/assessments/marks", json=mark)
        assert (again.status_code, marked.status_code) == (409, 409)


async def test_a_visitor_sees_the_own_score_and_nobody_elses(world: World) -> None:
    await visited(world)
    [mine] = await scores(world, "visitor-1", "by=visitor&period=2026-Q4")
    assert (mine["who"], mine["name"]) == ("visitor-1", "人visitor-1")
    assert await scores(world, "visitor-1", "by=region&period=2026-Q4") == []
    assert await scores(world, "visitor-3", "by=visitor&period=2026-Q4") == []
    answer = {"period": "2026-Q4", "who_kind": "visitor", "text": "谢谢"}
    path = "/api/v1/assessments/answers"
    async with world.client("visitor-1") as client:
        own = await client.post(path, json={**answer, "who": "visitor-1"})
        other = await client.post(path, json={**answer, "who": "visitor-3"})
        village = await client.post(path, json={**answer, **QUARTER})
    assert (own.status_code, other.status_code, village.status_code) == (201, 404, 404)


async def test_criteria_hold_from_their_period_on(world: World) -> None:
    simple = [
        {
            "code": "satisfied",
            "zh": "满意",
            "en": "satisfied",
            "measure": "satisfied",
            "weight": 100,
            "zero": 0,
            "full": 1,
        }
    ]
    body = {"period": "2026-11", "criteria": simple, "why": "县里发文调整"}
    async with world.client("admin-1") as client:
        assert (await client.post("/api/v1/assessments/criteria", json=body)).status_code == 201
        wrong = {**body, "criteria": [{**simple[0], "weight": 90}]}
        refused = await client.post("/api/v1/assessments/criteria", json=wrong)
        assert (refused.status_code, refused.json()["field"]) == (422, "criteria")
        now = (await client.get("/api/v1/assessments?period=2026-11")).json()
        before = (await client.get("/api/v1/assessments?period=2026-10")).json()
    assert [c["code"] for c in now["criteria"]] == ["satisfied"]
    assert before["criteria"] == to_document(DEFAULT)
    async with world.client("manager-1") as client:
        forbidden = await client.post("/api/v1/assessments/criteria", json=body)
        assert forbidden.status_code == 403


@pytest.mark.parametrize(("username", "status"), [("installer-1", 403), ("auditor-1", 200)])
async def test_who_may(world: World, username: str, status: int) -> None:
    async with world.client(username) as client:
        assert (await client.get("/api/v1/assessments")).status_code == status


async def lost(world: World, username: str, query: str) -> dict:
    async with world.client(username) as client:
        answer = await client.get(f"/api/v1/assessments/rows?period=2026-Q4&{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_where_points_were_lost_are_rows(world: World) -> None:
    await visited(world, record={"satisfaction": "dissatisfied", "services": []})
    await visited(world, record={"nobody_met": True})
    await visited(world, way="phone", record={"nobody_met": True})
    of = f"who_kind=region&who={VILLAGE}"
    [village] = await scores(world, "manager-1", "period=2026-Q4")
    for measure, code in (("satisfied", "satisfied"), ("with_service", "with_service")):
        found = await lost(world, "manager-1", f"{of}&measure={measure}")
        assert found["subject"] == "visit"
        assert found["total"] == part(village, code)["of"] - part(village, code)["met"] == 1
        assert found["items"][0]["service_user_name"] == "张桂英"
    # A call that nobody took is no visit at home that met nobody.
    assert (await lost(world, "manager-1", f"{of}&measure=met"))["total"] == 1
    people = await lost(world, "manager-1", f"{of}&measure=nobody_short")
    assert people["subject"] == "tally"
    short = part(village, "nobody_short")
    assert people["total"] == (short["of"] or 0) - (short["met"] or 0)
    assert (await lost(world, "manager-1", f"{of}&measure=answered"))["subject"] == "response"
    async with world.client("manager-1") as client:
        wrong = await client.get(f"/api/v1/assessments/rows?period=2026-Q4&{of}&measure=luck")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "measure")


async def test_a_visitor_sees_the_rows_of_the_own_work_alone(world: World) -> None:
    await visited(world, record={"satisfaction": "dissatisfied"})
    mine = await lost(world, "visitor-1", "who_kind=visitor&who=visitor-1&measure=satisfied")
    assert mine["total"] == 1
    path = "/api/v1/assessments/rows?period=2026-Q4&measure=satisfied"
    async with world.client("visitor-1") as client:
        for whose in ("who_kind=visitor&who=visitor-3", f"who_kind=region&who={VILLAGE}"):
            assert (await client.get(f"{path}&{whose}")).status_code == 404
    other = await lost(world, "admin-1", "who_kind=visitor&who=visitor-3&measure=satisfied")
    assert other["total"] == 0


async def test_results_as_a_spreadsheet_and_on_paper(world: World) -> None:
    await visited(world)
    async with world.client("manager-1") as client:
        file = await client.get("/api/v1/assessments/results.xlsx?period=2026-Q4")
        paper = await client.get("/api/v1/assessments/results.pdf?period=2026-Q4")
    book = openpyxl.load_workbook(io.BytesIO(file.content))
    [head, row] = list(book["得分"].iter_rows(values_only=True))
    assert (row[1], row[head.index("满意率（15 分）")]) == ("龙头村", 15)
    assert len(list(book["考核指标"])) == 1 + len(DEFAULT)
    assert paper.content.startswith(b"%PDF")
    async with world.client("visitor-1") as client:
        own = await client.get("/api/v1/assessments/results.pdf?period=2026-Q4&by=visitor")
        file = await client.get("/api/v1/assessments/results.xlsx?period=2026-Q4")
    assert (own.status_code, file.status_code) == (200, 403)
    noted = await world.audited()
    assert ("manager-1", "exported", "assessment") in noted
    assert ("visitor-1", "printed", "assessment") in noted
