"""A large export, or all at once: one asks, another approves, it is fetched once and in time."""

import io
import zipfile
from typing import Any

import openpyxl
import pytest

from dashboard import export_requests
from dashboard.export_registry import SUBJECTS
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.test_exports import table

ON_BOTH = True

API = "/api/v1"
URL = f"{API}/export-requests"
HOUR_MS = 3_600_000
WHY = "县民政局年度核对"


async def asked(world: World, who: str = "manager-1", **more: Any) -> dict[str, Any]:
    body = {"subject": "persons", "ending": "csv", "reason": WHY, **more}
    async with world.client(who) as client:
        answer = await client.post(URL, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def move(world: World, who: str, one: dict[str, Any], word: str) -> Any:
    body = {"reason": "已核对范围"} if word in ("approve", "refuse") else {}
    async with world.client(who) as client:
        return await client.post(f"{URL}/{one['id']}/{word}", json=body)


async def listed(world: World, who: str) -> list[dict[str, Any]]:
    async with world.client(who) as client:
        items: list[dict[str, Any]] = (await client.get(URL)).json()["items"]
    return items


async def test_one_asks_another_approves_and_it_is_fetched_once(world: World) -> None:
    one = await asked(world)
    assert (one["state"], one["may_decide"], one["may_fetch"]) == ("asked", False, False)
    early = await move(world, "manager-1", one, "content")
    assert problem_of(early)["type"] == "not_approved"
    own = await move(world, "manager-1", one, "approve")
    assert problem_of(own)["type"] == "own_request"
    [seen] = await listed(world, "admin-1")
    assert (seen["may_decide"], seen["reason"]) == (True, WHY)
    assert (await move(world, "admin-1", one, "approve")).json()["state"] == "approved"
    twice = await move(world, "admin-1", one, "refuse")
    assert problem_of(twice)["type"] == "request_decided"
    # Who approved has not asked for it.
    other = await move(world, "admin-1", one, "content")
    assert other.status_code == 404
    fetched = await move(world, "manager-1", one, "content")
    rows = table(fetched)
    assert [row["姓名"] for row in rows] == ["张桂英"]
    assert one["number"] in rows[0]["导出标记"]
    assert "manager-1" in rows[0]["导出标记"]
    again = await move(world, "manager-1", one, "content")
    assert problem_of(again)["type"] == "fetched_before"
    trail = [row for row in await world.audited() if row[2] == f"export_request:{one['id']}"]
    assert [(actor, action) for actor, action, _object in trail] == [
        ("manager-1", "export_asked"),
        ("admin-1", "export_approved"),
        ("manager-1", "exported"),
    ]


async def test_an_approval_runs_out_and_so_does_a_request(world: World) -> None:
    one, other = await asked(world), await asked(world)
    await move(world, "admin-1", one, "approve")
    world.clock.at_ms += 24 * HOUR_MS
    late = await move(world, "manager-1", one, "content")
    assert problem_of(late)["type"] == "not_approved"
    world.clock.at_ms += 6 * 24 * HOUR_MS
    assert problem_of(await move(world, "admin-1", other, "approve"))["type"] == "request_decided"
    assert {item["state"] for item in await listed(world, "manager-1")} == {"expired"}


async def test_what_is_refused_or_withdrawn_never_leaves(world: World) -> None:
    refused, withdrawn = await asked(world), await asked(world)
    await move(world, "admin-1", refused, "refuse")
    assert (await move(world, "admin-1", withdrawn, "withdraw")).status_code == 404
    await move(world, "manager-1", withdrawn, "withdraw")
    for one in (refused, withdrawn):
        answer = await move(world, "manager-1", one, "content")
        assert problem_of(answer)["type"] == "not_approved"
    assert [item["decision"] for item in await listed(world, "manager-1")].count("已核对范围") == 1


async def test_nobody_approves_for_more_than_the_own_region(world: World) -> None:
    one = await asked(world, "admin-1")
    assert (await move(world, "manager-1", one, "approve")).status_code == 404
    assert await listed(world, "manager-1") == []
    async with world.client("manager-1") as client:
        answer = await client.post(
            URL, json={"subject": "persons", "ending": "csv", "region": "61", "reason": WHY}
        )
        assert problem_of(answer)["field"] == "region"
        for wrong in ({"subject": "all"}, {"ending": "zip"}, {"subject": "nothing"}):
            body = {"subject": "persons", "ending": "csv", "reason": WHY, **wrong}
            assert (await client.post(URL, json=body)).status_code == 422


async def test_requests_that_ran_out_are_in_nobodys_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_requests, "OPEN_MAX", 1)
    await asked(world)
    async with world.client("manager-1") as client:
        body = {"subject": "persons", "ending": "csv", "reason": WHY}
        assert problem_of(await client.post(URL, json=body))["type"] == "too_many_asked"
    world.clock.at_ms += 7 * 24 * HOUR_MS
    await asked(world)


async def test_those_of_other_regions_push_none_out_of_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_requests, "SHOWN", 2)
    one = await asked(world)
    for _ in range(2):
        world.clock.at_ms += HOUR_MS
        await asked(world, "admin-1")
    assert [item["id"] for item in await listed(world, "manager-1")] == [one["id"]]


async def test_everything_is_one_archive_whose_rows_are_marked(world: World) -> None:
    one = await asked(world, "admin-1", subject="all", ending="zip")
    assert (await move(world, "manager-1", one, "approve")).status_code == 404
    async with world.client("admin-1") as client:
        more = {"username": "admin-2", "name": "李", "role": "admin", "password": "long enough 22"}
        await client.post(f"{API}/users", json=more)
    await world.execute("UPDATE export_request SET asked_by = 'admin-2' WHERE id = ?", one["id"])
    assert (await move(world, "admin-1", one, "approve")).status_code == 200
    await world.execute("UPDATE export_request SET asked_by = 'admin-1' WHERE id = ?", one["id"])
    answer = await move(world, "admin-1", one, "content")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        assert names == [f"{name}-{subject.zh}.csv" for name, subject in SUBJECTS.items()]
        assert one["number"] in archive.read("persons-老年人名册.csv").decode("utf-8-sig")


async def test_above_so_many_rows_nobody_takes_them_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_requests, "ROWS_AT_ONCE_MAX", 1)
    async with world.client("admin-1") as client:
        answer = await client.get(f"{API}/exports/persons.csv")
        assert problem_of(answer)["type"] == "approval_needed"
        few = await client.get(f"{API}/exports/persons.xlsx", params={"region": "610926102"})
        assert (await client.get(f"{API}/exports/all.zip")).status_code == 422
    sheet = openpyxl.load_workbook(io.BytesIO(few.content)).active
    mark = sheet.cell(row=2, column=sheet.max_column).value
    assert "admin-1" in mark
    [exported] = [
        row for row in await world.query("SELECT action, detail FROM audit") if row[0] == "exported"
    ]
    # The file says what the trail says.
    assert exported[1].split(",")[0] in mark
