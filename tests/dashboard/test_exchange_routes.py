"""Another platform brings persons and reads what changed: twice is once, late is refused, nothing
is skipped, nothing of elsewhere is told."""

from typing import Any

import pytest

from ledger.forms import id_number
from tests.dashboard.conftest import World, problem_of

ON_BOTH = True

API = "/api/v1"
PATH = f"{API}/exchange/persons/SX-0001"
BODY = "61092619450607001"
NUMBER = BODY + id_number.check_digit(BODY)
FIELDS = {
    "姓名": "陈秀珍",
    "公民身份号码": NUMBER,
    "村（社区）": "龙头村",
    "住址": "龙头村 9 号",
    "类别": "独居、空巢",
    "子女人数": 2,
}


def body(version: int = 1, **more: Any) -> dict[str, Any]:
    return {"version": version, "fields": {**FIELDS, **more.pop("fields", {})}, **more}


async def put(world: World, said: dict[str, Any], path: str = PATH, **params: str) -> Any:
    async with world.client("exchange-1") as client:
        return await client.put(path, json=said, params=params)


async def changed(world: World, after: str = "0", username: str = "exchange-1") -> dict[str, Any]:
    async with world.client(username) as client:
        answer = await client.get(f"{API}/exchange/changes", params={"after": after})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def entries(world: World) -> int:
    async with world.client("admin-1") as client:
        return (await client.get(f"{API}/exchange/changes", params={"limit": 1000})).json()["next"]


async def test_the_same_person_brought_twice_is_written_once(world: World) -> None:
    first = await put(world, body())
    assert first.status_code == 200, first.text
    assert (first.json()["result"], first.json()["version"]) == ("created", 1)
    before = await entries(world)
    assert (await put(world, body())).json()["result"] == "unchanged"
    # Counted up without a change: known, and nothing is written.
    assert (await put(world, body(2))).json()["result"] == "unchanged"
    assert await entries(world) == before
    other = problem_of(await put(world, body(2, fields={"联系电话": "13800000009"})))
    assert other["type"] == "version_used"
    newer = await put(world, body(3, fields={"联系电话": "13800000009"}))
    assert newer.json()["result"] == "updated"
    older = await put(world, body(2, fields={"联系电话": "13800000001"}))
    assert (older.status_code, problem_of(older)["type"]) == (409, "older_version")
    async with world.client("manager-1") as client:
        person = (await client.get(f"{API}/service-users/{newer.json()['person']}")).json()
    assert (person["name"], person["phone"], person["categories"]) == (
        *("陈秀珍", "13800000009"),
        ["独居", "空巢"],
    )


async def test_mistakes_are_those_of_a_list_and_all_at_once(world: World) -> None:
    wrong = {"公民身份号码": NUMBER[:-1] + "0", "村（社区）": "蓬莱村", "能力等级": "好"}
    answer = await put(world, body(fields=wrong))
    errors = problem_of(answer)["errors"]
    assert answer.status_code == 422
    assert {error["field"] for error in errors} >= {"village", "grade"}
    assert all(error["zh"] and error["en"] for error in errors)
    unknown = problem_of(await put(world, body(fields={"血型": "A"})))
    assert unknown["errors"][0]["code"] == "no_such_field"
    elsewhere = problem_of(await put(world, body(fields={"村（社区）": "新场街村"})))
    assert elsewhere["type"] == "refused"


async def test_a_dry_run_says_everything_and_writes_nothing(world: World) -> None:
    before = await entries(world)
    answer = await put(world, body(), dry_run="true")
    assert answer.json() == {
        "external_id": "SX-0001",
        "person": None,
        "version": 1,
        "result": "created",
        "dry_run": True,
    }
    assert await entries(world) == before
    async with world.client("manager-1") as client:
        found = (await client.get(f"{API}/service-users", params={"q": "陈秀珍"})).json()
    assert found["items"] == []
    assert (await put(world, body())).json()["result"] == "created"


async def test_who_is_there_already_is_taken_up_and_never_doubled(world: World) -> None:
    made = (await put(world, body())).json()["person"]
    # The same person under a second id of the same platform.
    second = await put(world, body(), f"{API}/exchange/persons/SX-0002")
    assert problem_of(second)["type"] == "other_id"
    same_name = {
        "version": 1,
        "fields": {**FIELDS, "公民身份号码": "", "出生日期": "1945-06-07", "子女人数": 1},
    }
    third = f"{API}/exchange/persons/SX-0003"
    unsure = await put(world, same_name, third)
    assert problem_of(unsure)["type"] == "may_be_double"
    assert made in problem_of(unsure)["detail"]
    new = await put(world, {**same_name, "new": True}, third)
    assert new.json()["result"] == "created"
    assert new.json()["person"] != made


async def test_the_feed_tells_each_change_once_and_reads_on_from_its_cursor(world: World) -> None:
    start = (await changed(world))["next"]
    made = (await put(world, body())).json()["person"]
    page = await changed(world, start)
    [item] = page["items"]
    assert (item["kind"], item["id"], item["deleted"]) == ("person", made, False)
    assert (item["object"]["external_id"], item["object"]["name"]) == ("SX-0001", "陈秀珍")
    assert NUMBER not in str(page)
    assert (await changed(world, page["next"]))["items"] == []
    # Page by page of one entry: all of it, once, in order.
    seen, after = [], start
    await put(world, body(2, fields={"联系电话": "13800000009"}))
    while True:
        async with world.client("exchange-1") as client:
            answer = await client.get(
                f"{API}/exchange/changes", params={"after": after, "limit": 1}
            )
        part = answer.json()
        seen += [one["cursor"] for one in part["items"]]
        after = part["next"]
        if not part["more"]:
            break
    assert seen == sorted(set(seen), key=int)
    assert len(seen) == 2


async def test_a_region_hears_of_its_own_and_of_who_left_it(world: World) -> None:
    start = (await changed(world))["next"]
    async with world.client("admin-1") as client:
        moved = await client.patch(f"{API}/service-users/person-0002", json={"phone": "138"})
        assert moved.status_code == 200
        assert (await changed(world, start))["items"] == []
        await client.patch(f"{API}/service-users/person-0001", json={"home": "home-0002"})
    [item] = (await changed(world, start))["items"]
    assert (item["id"], item["deleted"], item["object"]) == ("person-0001", True, None)


async def test_a_voided_visit_is_told_as_no_more(world: World) -> None:
    start = (await changed(world))["next"]
    async with world.client("visitor-1") as client:
        visit = {
            "home": "home-0001",
            "service_user": "person-0001",
            "way": "home_visit",
            "visited_at": "2026-11-23T07:00:00Z",
            "record": {"services": [1], "satisfaction": "satisfied"},
        }
        made = (await client.post(f"{API}/visits", json=visit)).json()["id"]
    page = await changed(world, start)
    [item] = [one for one in page["items"] if one["kind"] == "visit"]
    assert (item["object"]["person"], item["object"]["services"]) == ("person-0001", [1])
    async with world.client("manager-1") as client:
        await client.post(f"{API}/visits/{made}/void", json={"reason": "登记错了人"})
    [gone] = [one for one in (await changed(world, page["next"]))["items"] if one["id"] == made]
    assert (gone["deleted"], gone["object"]) == (True, None)


async def test_only_what_is_closed_is_told_of_alarms(world: World) -> None:
    start = (await changed(world))["next"]
    alarm = await world.raise_alarm()
    assert [o for o in (await changed(world, start))["items"] if o["kind"] == "alarm"] == []
    async with world.client("duty-1") as client:
        await client.post(f"{API}/alarms/{alarm}/acknowledge", json={})
        closed = await client.post(
            f"{API}/alarms/{alarm}/close", json={"outcome": "accidental", "note": "碰到了"}
        )
        assert closed.status_code == 200, closed.text
    [item] = [o for o in (await changed(world, start))["items"] if o["kind"] == "alarm"]
    assert (item["id"], item["object"]["outcome"]) == (alarm, "accidental")
    assert "碰到了" not in str(item)


async def test_of_who_said_no_to_sharing_only_that_there_is_somebody(world: World) -> None:
    start = (await changed(world))["next"]
    async with world.client("manager-1") as client:
        said = {"purpose": "sharing", "given_by": "张桂英", "relation": "self", "how": "spoken"}
        await client.post(
            f"{API}/service-users/person-0001/consents", json={**said, "answer": "no"}
        )
    [item] = (await changed(world, start))["items"]
    assert item["object"]["withheld"] == "refused"
    assert "name" not in item["object"]
    assert "phone" not in item["object"]


@pytest.mark.parametrize("username", ["manager-1", "duty-1", "visitor-1", "auditor-1"])
async def test_it_is_for_platforms_alone(world: World, username: str) -> None:
    async with world.client(username) as client:
        assert (await client.put(PATH, json=body())).status_code == 403
        assert (await client.get(f"{API}/exchange/changes")).status_code == 403


async def platforms(world: World) -> list[dict[str, Any]]:
    await world.audited()
    async with world.client("admin-1") as client:
        answer = await client.get("/api/v1/exchange/state")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_another_towns_platform_is_not_told(world: World) -> None:
    await world.execute(
        "UPDATE account SET role = 'admin', region = '610926102' WHERE username = 'duty-2'"
    )
    async with world.client("duty-2") as client:
        assert (await client.get("/api/v1/exchange/state")).json()["items"] == []
    assert [one["username"] for one in await platforms(world)] == ["exchange-1"]


async def test_what_was_refused_is_told_by_field_and_settled_when_it_is_taken(world: World) -> None:
    [before] = await platforms(world)
    assert (before["persons"], before["last_in_at"], before["refused"]) == (0, None, [])
    good = {"姓名": "李某", "村（社区）": "龙头村", "住址": "1 号", "出生日期": "1950-01-02"}
    bad = {**good, "村（社区）": "没有这村", "出生日期": "不是日子"}
    path = "/api/v1/exchange/persons/a-1"
    async with world.client("exchange-1") as client:
        tried = await client.put(f"{path}?dry_run=true", json={"version": 1, "fields": bad})
        assert tried.status_code == 422
        assert (await platforms(world))[0]["refused"] == []
        await client.put(path, json={"version": 1, "fields": bad})
        [told] = (await platforms(world))[0]["refused"]
        assert (told["external_id"], told["code"], told["settled"]) == ("a-1", "refused", False)
        assert {one["zh"] for one in told["fields"]} == {"村（社区）", "出生日期"}
        # Nothing of what was sent.
        assert "没有这村" not in str(await world.query("SELECT detail FROM audit"))
        world.clock.at_ms += 1_000
        assert (await client.put(path, json={"version": 2, "fields": good})).status_code == 200
        await client.get("/api/v1/exchange/changes")
    [after] = await platforms(world)
    assert (after["persons"], after["refused"][0]["settled"]) == (1, True)
    assert after["last_in_at"] is not None
    assert after["last_out_at"] is not None
