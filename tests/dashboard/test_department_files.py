"""Files for departments: once a period, of their own scope, masked, with a checksum, whose they are
in every row, and a failure that can be seen."""

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from hearthwatch.department_exports import AGAIN_MS, KEPT_MS, DepartmentExports
from ledger.unit_of_work import UnitOfWork
from tests.dashboard.conftest import World, problem_of

ON_BOTH = True

API = "/api/v1"
# NOW is Monday, 23 November 2026, 16:00 in the county.
ORDER: dict[str, Any] = {
    "name": "平利县残联",
    "account": "department-1",
    "region": "610926101",
    "tables": {
        "persons": ["id", "name", "phone", "born", "address", "categories", "conditions"],
        "visits": ["person", "visited_at", "way", "remarks", "satisfaction"],
    },
    "every": "month",
    "reason": "联席会议 2026-05",
}


@pytest.fixture
def maker(world: World) -> DepartmentExports:
    assert world.deps.outbox is not None
    folder = world.deps.outbox.parent
    return DepartmentExports(world.deps.engine, world.writer, world.clock.now_ms, folder)


async def order(world: World, **more: Any) -> str:
    async with world.client("admin-1") as client:
        answer = await client.post(f"{API}/export-orders", json={**ORDER, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def files(world: World, username: str = "department-1") -> list[dict[str, Any]]:
    async with world.client(username) as client:
        return (await client.get(f"{API}/export-files")).json()["items"]


async def sheets(world: World, file: dict[str, Any]) -> dict[str, list[list[Any]]]:
    async with world.client("department-1") as client:
        answer = await client.get(f"{API}/export-files/{file['id']}/content")
    assert answer.status_code == 200, answer.text
    assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {s.title: [[c.value for c in row] for row in s.iter_rows()] for s in book.worksheets}


async def test_a_department_gets_its_own_masked_and_named_in_every_row(
    world: World, maker: DepartmentExports
) -> None:
    await order(world)
    await maker.look()
    [file] = await files(world)
    assert (file["state"], file["period"], file["for"]) == ("made", "2026-10", "平利县残联")
    found = await sheets(world, file)
    assert list(found) == ["说明", "老年人名册", "探访记录"]
    heads, *people = found["老年人名册"]
    assert heads[-1] == "供谁使用"
    assert [row[0] for row in people] == ["person-0001"]
    _id, name, born, phone, address, categories, conditions, mark = people[0]
    assert (name, address, born) == ("张**", "***", "1941")
    assert "*" in phone
    assert categories
    assert conditions == "***"
    assert mark.startswith("供平利县残联使用 2026-10")
    assert ["使用单位", "平利县残联"] in found["说明"]


async def test_only_what_an_order_names_is_not_masked(
    world: World, maker: DepartmentExports
) -> None:
    await order(world, plain=["persons.name", "persons.born"])
    await maker.look()
    [file] = await files(world)
    [_heads, row] = (await sheets(world, file))["老年人名册"]
    assert row[1] == "张桂英"
    assert row[2].year == 1941
    assert "*" in row[3]


async def test_who_said_no_to_sharing_is_in_no_file(world: World, maker: DepartmentExports) -> None:
    async with world.client("manager-1") as client:
        said = {"purpose": "sharing", "given_by": "张桂英", "relation": "self", "how": "spoken"}
        path = f"{API}/service-users/person-0001/consents"
        await client.post(path, json={**said, "answer": "no"})
    await order(world)
    await maker.look()
    [file] = await files(world)
    assert (file["rows"], file["withheld"]) == (0, 1)
    assert len((await sheets(world, file))["老年人名册"]) == 1


async def test_a_period_has_one_file_however_often_the_hub_looks(
    world: World, maker: DepartmentExports
) -> None:
    made = await order(world)
    await order(world, every="day", name="县卫健局")
    for _turn in range(3):
        await maker.look()
        world.clock.at_ms += 60_000
    assert {file["period"] for file in await files(world)} == {"2026-10", "2026-11-22"}
    world.clock.at_ms += 24 * 3_600_000
    await maker.look()
    assert sorted(file["period"] for file in await files(world)) == [
        *("2026-10", "2026-11-22", "2026-11-23"),
    ]
    async with world.client("admin-1") as client:
        stopped = {"active": False, "reason": "协议到期"}
        await client.patch(f"{API}/export-orders/{made}", json=stopped)
        trail = (await client.get(f"{API}/audit", params={"object": f"export_order:{made}"})).json()
    assert [entry["action"] for entry in trail["items"]] == ["stopped", "exported", "ordered"]
    world.clock.at_ms += 31 * 24 * 3_600_000
    await maker.look()
    assert "2026-11" not in {file["period"] for file in await files(world)}


class ErasedMeanwhile:
    """A writer before which somebody is erased once: the file's rows were read, and not it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._done = False

    async def change(self, apply: Callable[[UnitOfWork], Any]) -> Any:
        if not self._done:
            self._done = True
            at_ms = self._world.clock.at_ms
            sql = "UPDATE service_user SET erased_at_ms = ?, name = '' WHERE id = 'person-0001'"
            await self._world.execute(sql, at_ms)
        return await self._world.writer.change(apply)


async def test_who_is_erased_while_a_file_is_made_is_in_none(world: World) -> None:
    await order(world)
    assert world.deps.outbox is not None
    folder = world.deps.outbox
    writer: Any = ErasedMeanwhile(world)
    maker = DepartmentExports(world.deps.engine, writer, world.clock.now_ms, folder.parent)
    await maker.look()
    [file] = await files(world)
    assert (file["state"], list(folder.glob("*.xlsx"))) == ("removed", [])
    # The next look makes it without her.
    await maker.look()
    [file] = await files(world)
    assert file["state"] == "made"
    assert [row[0] for row in (await sheets(world, file))["老年人名册"]] == ["编号"]


async def test_a_failure_is_seen_and_tried_again(world: World, maker: DepartmentExports) -> None:
    await order(world)
    assert world.deps.outbox is not None
    world.deps.outbox.write_text("in the way")
    await maker.look()
    [file] = await files(world)
    assert (file["state"], file["attempts"]) == ("failed", 1)
    assert file["detail"]
    async with world.client("admin-1") as client:
        assert (await client.get(f"{API}/summary")).json()["department_files_failed"] == 1
    async with world.client("department-1") as client:
        gone = await client.get(f"{API}/export-files/{file['id']}/content")
        assert gone.status_code == 404
    world.deps.outbox.unlink()
    await maker.look()
    assert (await files(world))[0]["state"] == "failed"
    world.clock.at_ms += AGAIN_MS
    await maker.look()
    [file] = await files(world)
    assert (file["state"], file["attempts"], file["detail"]) == ("made", 2, "")


async def test_a_damaged_file_is_given_to_nobody_and_an_old_one_is_gone(
    world: World, maker: DepartmentExports
) -> None:
    await order(world)
    await maker.look()
    [file] = await files(world)
    assert world.deps.outbox is not None
    [kept] = list(world.deps.outbox.iterdir())
    assert kept.stat().st_mode & 0o077 == 0
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    async with world.client("department-1") as client:
        answer = await client.get(f"{API}/export-files/{file['id']}/content")
    assert (answer.status_code, problem_of(answer)["type"]) == (410, "damaged")
    world.clock.at_ms += KEPT_MS + 1
    await maker.look()
    assert not kept.exists()


async def test_what_an_order_may_not_be_is_told(world: World) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"account": "manager-1"}, "account"),
        ({"region": "610926"}, "region"),
        ({"tables": {"devices": ["id"]}}, "tables"),
        ({"tables": {"persons": ["password"]}}, "tables"),
        ({"plain": ["persons.id_number"]}, "plain"),
    ]
    async with world.client("admin-1") as client:
        for more, field in wrong:
            answer = await client.post(f"{API}/export-orders", json={**ORDER, **more})
            assert problem_of(answer)["field"] == field, json.dumps(more)


async def test_files_are_the_accounts_own(world: World, maker: DepartmentExports) -> None:
    await order(world)
    await maker.look()
    await world.execute("UPDATE export_order SET account = 'somebody'")
    assert await files(world) == []
    [file] = await files(world, "admin-1")
    async with world.client("department-1") as client:
        answer = await client.get(f"{API}/export-files/{file['id']}/content")
    assert answer.status_code == 404


async def orders(world: World, username: str = "admin-1") -> list[dict[str, Any]]:
    async with world.client(username) as client:
        return (await client.get(f"{API}/export-orders")).json()["items"]


async def run(world: World, made: str) -> dict[str, Any]:
    async with world.client("admin-1") as client:
        path = f"{API}/export-orders/{made}/run"
        answer = await client.post(path, json={"reason": "联席会议急用"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_is_made_when_somebody_asks(world: World, maker: DepartmentExports) -> None:
    made = await order(world)
    assert (await orders(world))[0]["next"] == {
        "period": "2026-10",
        "at": "2026-11-23T08:00:00.000Z",
    }
    file = await run(world, made)
    assert (file["state"], file["period"], file["attempts"]) == ("made", "2026-10", 1)
    assert (await orders(world))[0]["next"] == {
        "period": "2026-11",
        "at": "2026-11-30T18:00:00.000Z",
    }
    assert ("admin-1", "asked_now", f"export_order:{made}") in await world.audited()
    # The calendar finds it there.
    await maker.look()
    assert [one["attempts"] for one in await files(world)] == [1]


async def test_asked_again_it_is_made_anew_and_the_old_one_is_gone(world: World) -> None:
    made = await order(world)
    before = await run(world, made)
    await world.execute("UPDATE service_user SET grade = '中度' WHERE id = 'person-0001'")
    async with world.client("manager-1") as client:
        said = {"purpose": "sharing", "given_by": "张桂英", "relation": "self", "how": "spoken"}
        path = f"{API}/service-users/person-0001/consents"
        await client.post(path, json={**said, "answer": "no"})
    after = await run(world, made)
    assert (after["rows"], after["withheld"], after["attempts"]) == (0, 1, 2)
    assert after["sha256"] != before["sha256"]
    assert world.deps.outbox is not None
    assert len(list(world.deps.outbox.iterdir())) == 1


async def test_a_failure_is_the_answer_and_a_stopped_order_runs_no_more(world: World) -> None:
    made = await order(world)
    assert world.deps.outbox is not None
    world.deps.outbox.write_text("in the way")
    assert (await run(world, made))["state"] == "failed"
    async with world.client("admin-1") as client:
        stopped = {"active": False, "reason": "协议到期"}
        await client.patch(f"{API}/export-orders/{made}", json=stopped)
        answer = await client.post(f"{API}/export-orders/{made}/run", json={"reason": "急用"})
        assert problem_of(answer)["field"] == "reason"
        answer = await client.post(f"{API}/export-orders/{made}/run", json={"reason": "还要用"})
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "stopped")
    assert (await orders(world))[0]["next"] is None


async def test_an_administrator_of_a_town_keeps_the_orders_of_it(world: World) -> None:
    made = await order(world)
    await world.execute("UPDATE account SET role = 'admin' WHERE username IN ('duty-1', 'duty-2')")
    assert [one["id"] for one in await orders(world, "duty-1")] == [made]
    assert await orders(world, "duty-2") == []
    async with world.client("duty-2") as client:
        for path, body in (
            ("", {"active": False, "reason": "不要了"}),
            ("/run", {"reason": "试试看"}),
        ):
            method = "PATCH" if not path else "POST"
            answer = await client.request(method, f"{API}/export-orders/{made}{path}", json=body)
            assert answer.status_code == 404


@pytest.mark.parametrize(
    ("every", "last", "next_"),
    [("day", "2026-11-22", "2026-11-23"), ("week", "2026-W47", "2026-W48")],
)
async def test_what_comes_next_is_told(world: World, every: str, last: str, next_: str) -> None:
    made = await order(world, every=every)
    assert (await run(world, made))["period"] == last
    told = (await orders(world))[0]["next"]
    assert told["period"] == next_
    ends = {"day": "2026-11-23T18:00:00.000Z", "week": "2026-11-29T18:00:00.000Z"}
    assert told["at"] == ends[every]
