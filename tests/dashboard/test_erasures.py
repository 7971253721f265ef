"""Erasing over HTTP: in two steps, and nothing is left of what was said of the person."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch.copies import back_up
from hearthwatch.hub_config import HubConfig
from ledger.chain_check import check
from ledger.erasure import kept
from ledger.place import SqliteBook
from ledger.sealing.ring import Ring
from tests.dashboard.conftest import NOW_MS, World, problem_of
from tests.dashboard.erasing import API, MARKS, PERSON, erase, everything, fill, found_in, later


@pytest.fixture
def copied(sealed_book: SqliteBook, tmp_path: Path):
    def copy(name: str) -> Path:
        folder = tmp_path / "copies"
        folder.mkdir(exist_ok=True)
        config = HubConfig(data_dir=tmp_path, book=sealed_book)
        back_up(config, folder / name, NOW_MS, lambda _table, _rows: None)
        return folder / name

    return copy


async def test_nothing_that_was_typed_lies_on_the_disk_nor_in_a_copy(
    world: World, tmp_path: Path, copied, caplog
) -> None:
    await fill(world)
    await world.app.state.audit.flush()
    copied("before.zip")
    content = everything(tmp_path)
    assert found_in(content, {"account": "人admin-1"}), "what is in clear can be found"
    assert found_in(content, {**MARKS, "name": "张桂英"}) == set()
    assert found_in(caplog.text.encode(), MARKS) == set()
    async with world.client("admin-1") as admin:
        shown = (await admin.get(f"{PERSON}/file")).json()
        assert shown["file"]["support"] == MARKS["support"]


async def test_what_is_kept_by_law_or_open_stands_in_the_way(world: World) -> None:
    await fill(world)
    await world.raise_alarm()
    async with world.client("admin-1") as admin:
        plan = (await admin.get(f"{PERSON}/erasure")).json()
        codes = [blocker["code"] for blocker in plan["blockers"]]
        assert codes == ["open_alarm", "open_task", "visits_kept", "care_kept", "referrals_kept"]
        assert plan["confirm"] is None
        body = {"reason": "本人要求", "confirm": "0" * 16}
        answer = await admin.post(f"{PERSON}/erase", json=body)
        problem = problem_of(answer)
        assert (answer.status_code, problem["type"]) == (409, "kept")
        assert [e["code"] for e in problem["errors"]] == codes
        assert all(e["zh"] and e["en"] for e in problem["errors"])
        assert (await admin.get(PERSON)).json()["name"] == "张桂英"


async def test_what_is_confirmed_is_what_was_read(world: World) -> None:
    async with world.client("admin-1") as admin:
        read = (await admin.get(f"{PERSON}/erasure")).json()
        given = {"purpose": "health", "given_by": "张伟", "relation": "family", "how": "signed"}
        assert (await admin.post(f"{PERSON}/consents", json=given)).status_code == 201
        body = {"reason": "本人要求", "confirm": read["confirm"]}
        answer = await admin.post(f"{PERSON}/erase", json=body)
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "plan_changed")
        assert (await admin.get(PERSON)).json()["name"] == "张桂英"


@pytest.mark.parametrize("username", ["manager-1", "duty-1", "visitor-1", "auditor-1"])
async def test_only_accounts_of_the_whole_county_erase(world: World, username: str) -> None:
    async with world.client(username) as client:
        assert "person.erase" not in (await client.get(f"{API}/me")).json()["can"]
        assert (await client.get(f"{API}/erasures/due")).status_code == 403
        assert (await client.get(f"{PERSON}/erasure")).status_code == 403
        body = {"reason": "本人要求", "confirm": "0" * 16}
        assert (await client.post(f"{PERSON}/erase", json=body)).status_code == 403


async def test_after_erasing_nothing_is_left_anywhere(
    world: World, tmp_path: Path, copied, sealed_book: SqliteBook
) -> None:
    await fill(world)
    later(world)
    done = await erase(world)
    assert done.status_code == 200, done.text
    copied("after.zip")
    content = everything(tmp_path)
    gone = {**MARKS, "name": "张桂英", "street": "龙头村一组 12 号", "key": "钥匙在邻居李婶家"}
    assert found_in(content, gone) == set()
    # Nor with the key file, by a program that has nothing in memory.
    reader = replace(sealed_book, ring=Ring(sealed_book.ring.path)).open_reader()
    with reader.connect() as connection:
        rows = connection.exec_driver_sql("SELECT data, reason FROM entry").all()
        assert found_in(repr(rows).encode(), gone) == set()
        assert all(state.holds for state in check(connection))
    reader.dispose()
    [mark] = kept.read(kept.beside(sealed_book.ring.path))
    assert (mark.person, mark.actor) == ("person-0001", "admin-1")
    entries = "SELECT actor, data FROM entry WHERE fact = 'erased'"
    [[actor, data]] = await world.query(entries)
    assert (actor, json.loads(data)["why"]) == ("admin-1", "本人要求")
