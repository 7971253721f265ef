"""A platform and the departments, once somebody was erased: told that she is no more, never given
her again, and nothing kept by which she could be recognised."""

import hashlib
from pathlib import Path
from typing import Any

from hearthwatch.department_exports import DepartmentExports
from ledger.erasure.erasing import WITHDRAWN
from ledger.forms.file_document import masked_number
from ledger.persons.exchanging import blind_digests
from ledger.place import SqliteBook
from ledger.unit_of_work import compact
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.erasing import everything
from tests.dashboard.test_department_files import files, order, sheets
from tests.dashboard.test_exchange_routes import API, FIELDS, NUMBER, PATH, body, changed, put

ID = "SX-0001"


async def erase(world: World, person: str) -> None:
    path = f"{API}/service-users/{person}"
    async with world.client("admin-1") as admin:
        plan = (await admin.get(f"{path}/erasure")).json()
        said = {"reason": "本人要求", "confirm": plan["confirm"]}
        done = await admin.post(f"{path}/erase", json=said)
        assert done.status_code == 200, done.text


async def stored(world: World, what: str) -> list[Any]:
    sql = f"SELECT {what} FROM exchange_person"  # noqa: S608 - a column's name
    return [row[0] for row in await world.query(sql)]


async def test_a_platform_that_goes_on_bringing_her_is_refused(
    world: World, tmp_path: Path, sealed_book: SqliteBook
) -> None:
    made = (await put(world, body())).json()["person"]
    assert await stored(world, "external_id") == [ID]
    await erase(world, made)
    for said, params in ((body(), {}), (body(2), {}), (body(3), {"dry_run": "true"})):
        answer = await put(world, said, **params)
        assert (answer.status_code, problem_of(answer)["type"]) == (410, "erased")
    # The id is nobody's in the book any more, and the same id of another account is another one.
    sealed_book.forget()
    assert ID.encode() not in everything(tmp_path)
    async with world.client("exchange-1") as client:
        for path in (PATH, f"{API}/exchange/persons/SX-0002"):
            answer = await client.put(path, json=body())
            assert answer.status_code == (410 if path == PATH else 200), answer.text
    assert answer.json()["result"] == "created"
    assert answer.json()["person"] != made


async def test_what_had_been_refused_of_her_is_settled(world: World) -> None:
    wrong = await put(world, body(fields={"村（社区）": "蓬莱村"}))
    assert wrong.status_code == 422
    made = (await put(world, body(2))).json()["person"]

    async def settled() -> list[bool]:
        await world.app.state.audit.flush()
        async with world.client("admin-1") as admin:
            [platform] = (await admin.get(f"{API}/exchange/state")).json()["items"]
        return [one["settled"] for one in platform["refused"]]

    # The trail is written beside: its moment is that of the second one here.
    assert await settled() == [True]
    await erase(world, made)
    assert await settled() == [True]


async def test_it_hears_that_she_is_no_more(world: World) -> None:
    made = (await put(world, body())).json()["person"]
    before = (await changed(world))["next"]
    await erase(world, made)
    for after in ("0", before):
        [item] = [o for o in (await changed(world, after))["items"] if o["id"] == made]
        assert (item["fact"], item["deleted"], item["object"]) == ("erased", True, None)


async def test_so_does_the_region_that_she_had_left(world: World) -> None:
    made = (await put(world, body())).json()["person"]
    async with world.client("admin-1") as admin:
        moved = await admin.patch(f"{API}/service-users/{made}", json={"home": "home-0002"})
        assert moved.status_code == 200, moved.text
        before = (await changed(world))["next"]
        assert (
            await admin.patch(f"{API}/service-users/{made}", json={"phone": "13800000003"})
        ).is_success
        assert (await changed(world, before))["items"] == []
    await erase(world, made)
    [item] = (await changed(world, before))["items"]
    assert (item["id"], item["fact"], item["deleted"]) == (made, "erased", True)


async def test_so_does_who_only_read_of_her_there(world: World) -> None:
    async with world.client("admin-1") as admin:
        for change in ({"phone": "13800000003"}, {"home": "home-0002"}):
            done = await admin.patch(f"{API}/service-users/person-0001", json=change)
            assert done.status_code == 200, done.text
    before = (await changed(world))["next"]
    await erase(world, "person-0001")
    [item] = (await changed(world, before))["items"]
    assert (item["id"], item["fact"], item["deleted"]) == ("person-0001", "erased", True)


async def test_so_does_who_brought_her_where_nothing_was_written_of_her(world: World) -> None:
    """Linked, with nothing that differed; then she moved."""
    row = "('exchange-1', 'SX-0007', 'person-0001', 1, 'x', 1)"
    await world.execute(f"INSERT INTO exchange_person VALUES {row}")  # noqa: S608 - own text
    async with world.client("admin-1") as admin:
        await admin.patch(f"{API}/service-users/person-0001", json={"home": "home-0002"})
    before = (await changed(world))["next"]
    await erase(world, "person-0001")
    [item] = (await changed(world, before))["items"]
    assert (item["id"], item["fact"], item["deleted"]) == ("person-0001", "erased", True)


async def test_who_moved_and_was_changed_since_is_told_as_left(world: World) -> None:
    """Both in one page: the newest entry is of the new region."""
    start = (await changed(world))["next"]
    async with world.client("admin-1") as admin:
        await admin.patch(f"{API}/service-users/person-0001", json={"home": "home-0002"})
        await admin.patch(f"{API}/service-users/person-0001", json={"phone": "13800000003"})
    [item] = (await changed(world, start))["items"]
    assert (item["id"], item["deleted"], item["object"]) == ("person-0001", True, None)


async def test_what_was_brought_is_told_from_what_is_sealed(world: World) -> None:
    """Found by the number, which the book has no more; masked as ever; no digest of it to try."""
    made = (await put(world, body())).json()["person"]
    [item] = (await changed(world))["items"][-1:]
    assert item["object"]["id_number"] == masked_number(NUMBER)
    taken = {"姓名": "陈秀珍", "公民身份号码": NUMBER, "村（社区）": "龙头村", "住址": "别处"}
    elsewhere = {"version": 1, "fields": taken}
    async with world.client("exchange-1") as client:
        second = await client.put(f"{API}/exchange/persons/SX-0002", json=elsewhere)
    assert (second.status_code, problem_of(second)["type"]) == (409, "other_id")
    assert made in (await stored(world, "person"))
    keys = await stored(world, "digest")
    assert keys
    assert not set(keys) & {clear_digest()}


def clear_digest() -> str:
    keys = ("name", "id_number", "village", "address", "categories", "children")
    fields = dict(zip(keys, (str(value) for value in FIELDS.values()), strict=True))
    return hashlib.sha256(compact(sorted(fields.items())).encode()).hexdigest()


async def test_digests_of_an_older_program_are_blinded_and_still_the_same(world: World) -> None:
    await put(world, body())
    [digest] = await stored(world, "digest")
    await world.execute("UPDATE exchange_person SET digest = ?", clear_digest())
    assert await world.writer.change(blind_digests) == 1
    assert await world.writer.change(blind_digests) == 0
    assert await stored(world, "digest") == [digest]
    assert (await put(world, body())).json()["result"] == "unchanged"


async def test_departments_get_their_files_anew_without_her(world: World) -> None:
    assert world.deps.outbox is not None
    folder = world.deps.outbox.parent
    maker = DepartmentExports(world.deps.engine, world.writer, world.clock.now_ms, folder)
    await order(world)
    elsewhere = await order(world, region="610926101002", name="别的村")
    await maker.look()
    of_hers = [file for file in await files(world) if file["order"] != elsewhere]
    assert [row[0] for row in (await sheets(world, of_hers[0]))["老年人名册"][1:]] == [
        "person-0001"
    ]
    before = set(world.deps.outbox.iterdir())
    await erase(world, "person-0001")
    found = {file["order"] == elsewhere: file for file in await files(world)}
    assert found[True]["state"] == "made"
    assert (found[False]["state"], found[False]["detail"]) == ("removed", WITHDRAWN)
    await maker.look()
    after = set(world.deps.outbox.iterdir())
    assert len(before - after) == 1
    [anew] = [file for file in await files(world) if file["order"] != elsewhere]
    assert (anew["state"], anew["rows"], anew["detail"]) == ("made", 0, "")
    assert len((await sheets(world, anew))["老年人名册"]) == 1
