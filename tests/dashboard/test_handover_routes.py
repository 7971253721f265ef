"""Hand-over sheets over HTTP: begun, read, noted, signed line by line; who may."""

import pytest

from tests.adapters.rota_desk import TODAY, at, staff
from tests.dashboard.conftest import World

SHEETS = "/api/v1/handovers"


async def begun(world: World) -> str:
    """A sheet of the change at eight in the evening, begun by who leaves, with one alarm."""
    await staff(world)
    await world.raise_alarm()
    world.clock.at_ms = at(TODAY, "19:30")
    async with world.client("duty-1") as client:
        made = await client.post(SHEETS, json={"desk": "town"})
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def test_from_the_first_line_to_the_last_signature(world: World) -> None:
    sheet_id = await begun(world)
    path = f"{SHEETS}/{sheet_id}"
    async with world.client("duty-1") as client:
        noted = await client.post(f"{path}/notes", json={"text": "钥匙在抽屉里"})
        sheet = noted.json()
        assert [(i["kind"], i["note"]) for i in sheet["items"]] == [
            ("alarm", None),
            ("note", "钥匙在抽屉里"),
        ]
        assert (sheet["unsigned"], sheet["may_sign"]) == (2, False)
        assert sheet["items"][0]["home"]["address"] == "龙头村一组 12 号"
        assert [p["username"] for p in sheet["incoming"]] == ["manager-1"]
        early = await client.post(f"{path}/lines/1/sign", json={})
        assert (early.status_code, early.json()["type"]) == (409, "not_the_next_shift")
        said = await client.post(f"{path}/lines/1/remark", json={"remark": "电话没人接"})
        assert said.json()["items"][0]["remarks"][0]["remark"] == "电话没人接"
    async with world.client("manager-1") as client:
        assert (await client.get(path)).json()["may_sign"] is True
        signed = await client.post(f"{path}/lines/1/sign", json={"remark": "已了解"})
        line = signed.json()["items"][0]
        assert (line["signed"]["by"]["username"], line["signed"]["remark"]) == (
            "manager-1",
            "已了解",
        )
        assert signed.json()["unsigned"] == 1
        assert (await client.post(f"{path}/lines/9/sign", json={})).status_code == 404
        [listed] = (await client.get(SHEETS)).json()["items"]
        assert (listed["id"], listed["lines"], listed["unsigned"]) == (sheet_id, 2, 1)
        duty = (await client.get("/api/v1/rota/duty")).json()["desks"]
        town = next(item for item in duty if item["desk"]["id"] == "town")
        assert town["handover"] == {
            "id": sheet_id,
            "at": listed["at"],
            "lines": 2,
            "unsigned": 1,
        }


async def test_what_came_after_the_sheet_was_begun_stands_where_it_belongs(world: World) -> None:
    await staff(world)
    await world.raise_alarm(rule="no_sign_of_life", kind="no_sign_of_life")
    world.clock.at_ms = at(TODAY, "19:30")
    async with world.client("duty-1") as client:
        sheet_id = (await client.post(SHEETS, json={"desk": "town"})).json()["id"]
        await client.post(f"{SHEETS}/{sheet_id}/notes", json={"text": "钥匙在抽屉里"})
        world.clock.at_ms += 60_000
        await world.raise_alarm(episode="pressed")
        await client.post(SHEETS, json={"desk": "town"})
        items = (await client.get(f"{SHEETS}/{sheet_id}")).json()["items"]
    assert [(line["number"], line["facts"].get("alarm_kind")) for line in items] == [
        (3, "sos"),
        (1, "no_sign_of_life"),
        (2, None),
    ]


async def test_lines_that_were_read_are_signed_in_one_act_each_by_itself(world: World) -> None:
    sheet_id = await begun(world)
    path = f"{SHEETS}/{sheet_id}"
    async with world.client("duty-1") as client:
        for text in ("钥匙在抽屉里", "三组停水"):
            await client.post(f"{path}/notes", json={"text": text})
        early = await client.post(f"{path}/sign", json={"lines": [2, 3]})
        assert (early.status_code, early.json()["type"]) == (409, "not_the_next_shift")
    async with world.client("manager-1") as client:
        items = (await client.get(path)).json()["items"]
        assert [line["alone"] for line in items] == [True, False, False]
        urgent = await client.post(f"{path}/sign", json={"lines": [2, 1]})
        assert (urgent.status_code, urgent.json()["type"]) == (409, "signed_alone")
        assert (await client.post(f"{path}/sign", json={"lines": [2, 9]})).status_code == 404
        assert (await client.post(f"{path}/sign", json={"lines": []})).status_code == 422
        assert (await client.get(path)).json()["unsigned"] == 3
        signed = await client.post(f"{path}/sign", json={"lines": [2, 3]})
        marks = [line["signed"] for line in signed.json()["items"]]
        by = [mark and mark["by"]["username"] for mark in marks]
        assert (by, signed.json()["unsigned"]) == ([None, "manager-1", "manager-1"], 1)
    async with world.client("auditor-1") as client:
        assert (await client.post(f"{path}/sign", json={"lines": [1]})).status_code == 403


async def test_what_is_over_is_shown_as_over(world: World) -> None:
    sheet_id = await begun(world)
    async with world.client("manager-1") as client:
        [alarm] = (await client.get("/api/v1/alarms")).json()["items"]
        path = f"{SHEETS}/{sheet_id}"
        [line] = (await client.get(path)).json()["items"]
        assert (line["over"], line["facts"]["state"], line["now"]) == (False, "open", None)
        # What the sheet says stays as it was written; beside it, what has become of it.
        await client.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", json={})
        [line] = (await client.get(path)).json()["items"]
        assert (line["facts"]["state"], line["now"]["state"]) == ("open", "acknowledged")
        assert line["now"]["who"]["username"] == "manager-1"
        closed = await client.post(
            f"/api/v1/alarms/{alarm['id']}/close", json={"outcome": "accidental", "note": ""}
        )
        assert closed.status_code == 200
        [line] = (await client.get(path)).json()["items"]
        assert (line["over"], line["now"]["state"]) == (True, "closed")


@pytest.mark.parametrize(
    ("username", "read", "sign"),
    [
        ("admin-1", 200, 200),
        ("manager-1", 200, 200),
        ("auditor-1", 200, 403),
        ("visitor-1", 403, 403),
        ("installer-1", 403, 403),
        ("duty-2", 404, 404),
    ],
)
async def test_who_may(world: World, username: str, read: int, sign: int) -> None:
    sheet_id = await begun(world)
    async with world.client(username) as client:
        answer = await client.get(f"{SHEETS}/{sheet_id}")
        assert answer.status_code == read
        if username == "auditor-1":
            assert answer.json()["items"][0]["home"]["address"] == "***"
            assert answer.json()["items"][0]["persons"][0]["name"] == "张**"
        signed = await client.post(f"{SHEETS}/{sheet_id}/lines/1/sign", json={})
        assert signed.status_code == sign


async def test_views_of_a_sheet_are_logged(world: World) -> None:
    sheet_id = await begun(world)
    async with world.client("manager-1") as client:
        await client.get(f"{SHEETS}/{sheet_id}")
    assert ("manager-1", "viewed", f"handover:{sheet_id}") in await world.audited()


async def test_no_sheet_where_no_change_of_shift_is_near(world: World) -> None:
    await staff(world)
    async with world.client("admin-1") as client:
        far = await client.post(SHEETS, json={"desk": "county"})
        assert (far.status_code, far.json()["type"]) == (409, "no_change_of_shift")
        assert (await client.post(SHEETS, json={"desk": "none"})).status_code == 404
