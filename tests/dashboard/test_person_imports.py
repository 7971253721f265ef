"""Lists of persons over HTTP: preview, decisions, what is written, what comes back to be mended."""

import asyncio
import io
import random
import zipfile
from collections.abc import Sequence
from typing import Any

import httpx2
import openpyxl
import pytest

from dashboard import person_sheets
from dashboard.spreadsheets import ROTA, UnreadableSheet, read_sheet
from ledger.forms import id_number
from ledger.persons.columns import COLUMNS
from tests.dashboard.conftest import World, problem_of

URL = "/api/v1/person-imports"
HEAD = ("姓名", "公民身份号码", "村（社区）", "组", "住址", "联系电话", "能力等级", "备注")


def number(order: int, born: str = "19410302") -> str:
    body = f"610926{born}{order:03d}"
    return body + id_number.check_digit(body)


def person(name: str, order: int, **said: str) -> tuple[str, ...]:
    cells = {
        "姓名": name,
        "公民身份号码": number(order),
        "村（社区）": "龙头村",
        "组": "三组",
        "住址": f"三组 {order} 号",
        **said,
    }
    return tuple(cells.get(head, "") for head in HEAD)


def workbook(rows: Sequence[Sequence[Any]], head: Sequence[str] = HEAD) -> bytes:
    book = openpyxl.Workbook()
    for row in (head, *rows):
        book.active.append(list(row))
    for cells in book.active.iter_rows():
        for cell in cells:
            # Typed as text, as a person does it, and no formula.
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def table_of(payload: bytes) -> list[list[str]]:
    return person_sheets.read_list(payload)


async def settled(client: httpx2.AsyncClient, one: str, *states: str) -> dict[str, Any]:
    """The import once it is in one of these states."""
    async with asyncio.timeout(60):
        while True:
            document: dict[str, Any] = (await client.get(f"{URL}/{one}")).json()
            if document["state"] in (states or ("ready", "failed")):
                return document
            await asyncio.sleep(0)


async def begun(client: httpx2.AsyncClient, payload: bytes) -> dict[str, Any]:
    answer = await client.post(URL, content=payload, params={"file": "名册.xlsx"})
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.json()["id"])


async def rows_of(client: httpx2.AsyncClient, one: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{URL}/{one}/rows", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_list_is_looked_at_and_then_written(world: World) -> None:
    payload = workbook([person("李桂英", 2), person("赵明", 11, 能力等级="轻度"), ("", "坏"), ()])
    async with world.client("manager-1") as client:
        ready = await begun(client, payload)
        assert ready["counts"] == {
            "rows": 3,
            "new": 2,
            "double": 0,
            "rejected": 1,
            "undecided": 0,
        }
        assert ready["ignored_columns"] == ["备注"]
        assert await world.query("SELECT count(*) FROM service_user") == [(2,)]
        [bad] = await rows_of(client, ready["id"], verdict="rejected")
        assert bad["row"] == 4
        assert {fault["field"] for fault in bad["faults"]} >= {"name", "id_number", "village"}
        [first, _second] = await rows_of(client, ready["id"], verdict="new")
        assert number(2)[4:] not in str(first)
        assert (await client.post(f"{URL}/{ready['id']}/confirm")).status_code == 202
        done = await settled(client, ready["id"], "done", "failed")
        assert done["result"] == {"created": 2, "updated": 0, "skipped": 0, "rejected": 1}
        found = (await client.get("/api/v1/service-users", params={"q": number(11)})).json()
        [written] = found["items"]
        assert (written["name"], written["grade"], written["sex"]) == ("赵明", "轻度", "M")
        assert written["home"]["region_path"] == ["平利县", "城关镇", "龙头村", "3组"]
        # Both were put into one new group, and the hub's memory knows it.
        assert world.register.index.regions["610926101001001"]["name"] == "3组"
        history = (await client.get(f"/api/v1/service-users/{written['id']}/history")).json()
        assert [(e["fact"], e["reason"]) for e in history["items"]] == [("registered", "imported")]
    assert ("manager-1", "import_begun", "persons") in await world.audited()


async def test_doubles_are_shown_side_by_side_and_somebody_decides(world: World) -> None:
    same = person("张桂英", 2, 公民身份号码="", 联系电话="13811112222")
    same = (*same[:1], "", *same[2:])
    head = (*HEAD, "出生日期")
    payload = workbook(
        [
            (*same, "1941-03-02"),
            (*person("李桂英", 4), ""),
            (*person("李桂英", 4, 联系电话="13833334444"), ""),
            (*person("陈秀", 6), ""),
            (*person("陈秀英", 6), ""),
        ],
        head,
    )
    async with world.client("manager-1") as client:
        ready = await begun(client, payload)
        assert (ready["counts"]["new"], ready["counts"]["undecided"]) == (2, 3)
        [by_name, by_number, last] = await rows_of(client, ready["id"], verdict="double")
        assert (by_name["double"]["by"], by_name["double"]["person"]) == (
            "name_born",
            "person-0001",
        )
        lines = {line["field"]: line for line in by_name["double"]["lines"]}
        assert (lines["phone"]["file"], lines["phone"]["there"]) == ("13811112222", "13800000001")
        assert (lines["name"]["same"], lines["phone"]["same"]) == (True, False)
        assert (by_number["double"]["row"], by_number["may_be"]) == (3, ["skip", "update"])
        # Nothing is written before everybody is decided about, and nobody shares a number.
        url = f"{URL}/{ready['id']}"
        assert problem_of(await client.post(f"{url}/confirm"))["type"] == "not_ready"
        wrong = await client.post(f"{url}/decisions", json={"rows": {by_number["row"]: "new"}})
        assert problem_of(wrong)["field"] == "rows"
        decided = {by_name["row"]: "update", by_number["row"]: "update"}
        await client.post(f"{url}/decisions", json={"rows": decided, "all": "skip"})
        await client.post(f"{url}/confirm")
        done = await settled(client, ready["id"], "done", "failed")
        assert done["result"] == {"created": 2, "updated": 2, "skipped": 1, "rejected": 0}
        changed = (await client.get("/api/v1/service-users/person-0001")).json()
        # Devices are bound to her home: an update leaves her there.
        assert (changed["phone"], changed["home"]["id"]) == ("13811112222", "home-0001")
        assert changed["contacts"][0]["name"] == "张伟"
        [one] = (await client.get("/api/v1/service-users?q=李桂英")).json()["items"]
        assert one["phone"] == "138****4444"
        assert (last["row"], last["may_be"]) == (6, ["skip", "update"])


async def test_rejected_rows_come_back_whole_are_mended_and_brought_again(world: World) -> None:
    bad = person("李桂英", 2, 联系电话="=cmd|' /C calc'!A0", 备注="@SUM(A1)")
    async with world.client("manager-1") as client:
        ready = await begun(client, workbook([person("赵明", 11), bad]))
        answer = await client.get(f"{URL}/{ready['id']}/rejected")
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        # What begins like a formula is text, whoever opens it.
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
        table = table_of(answer.content)
        assert table[0] == [*HEAD, person_sheets.REASON]
        assert table[1][:-1] == list(bad)
        assert "联系电话" in table[1][-1]
        table[1][HEAD.index("联系电话")] = "13800000003"
        mended = workbook([table[1]], table[0])
        again = await begun(client, mended)
        assert (again["counts"]["new"], again["ignored_columns"]) == (1, ["备注", table[0][-1]])
        # The list before was given up with it.
        assert (await client.get(f"{URL}/{ready['id']}")).status_code == 404


async def test_a_row_that_the_book_refuses_after_all_takes_nothing_with_it(world: World) -> None:
    payload = workbook([person("赵明", 11), person("李桂英", 2), person("孙秀", 4)])
    async with world.client("manager-1") as client:
        ready = await begun(client, payload)
        # Meanwhile somebody else registers one of them.
        taken = {"file": {"id_number": number(2)}}
        await client.patch("/api/v1/service-users/person-0001/file", json=taken)
        await client.post(f"{URL}/{ready['id']}/confirm")
        done = await settled(client, ready["id"], "done", "failed")
        assert done["result"] == {"created": 2, "updated": 0, "skipped": 0, "rejected": 1}
        [failed] = await rows_of(client, ready["id"], verdict="failed")
        assert failed["faults"][0]["code"] == "id_taken"
        table = table_of((await client.get(f"{URL}/{ready['id']}/rejected")).content)
        assert [row[0] for row in table] == ["姓名", "李桂英"]
    homes = await world.query("SELECT address FROM home WHERE id LIKE 'home-%' ORDER BY address")
    assert ("三组 2 号",) not in homes


@pytest.mark.parametrize("seed", range(4))
async def test_every_row_of_a_wild_list_is_accounted_for(world: World, seed: int) -> None:
    rng = random.Random(seed)
    rows = []
    for _ in range(40):
        order = rng.randrange(12)
        said = {"村（社区）": "无此村"} if rng.random() < 0.2 else {}
        name = rng.choice(("", "赵明", "孙秀"))
        row = person(name, order, **said)
        rows.append(row if rng.random() < 0.7 else (row[0], "", *row[2:]))
    async with world.client("manager-1") as client:
        ready = await begun(client, workbook(rows))
        decided = {
            row["row"]: rng.choice(row["may_be"])
            for row in await rows_of(client, ready["id"], verdict="double", limit=100)
        }
        url = f"{URL}/{ready['id']}"
        await client.post(f"{url}/decisions", json={"rows": decided})
        await client.post(f"{url}/confirm")
        done = await settled(client, ready["id"], "done", "failed")
        result = done["result"]
        assert sum(result.values()) == done["counts"]["rows"] == len(rows)
        [(people,)] = await world.query("SELECT count(*) FROM service_user")
        assert people == 2 + result["created"]
        back = table_of((await client.get(f"{url}/rejected")).content)
        assert len(back) == 1 + result["rejected"]
        facts = await world.query("SELECT fact, count(*) FROM entry GROUP BY fact")
        assert dict(facts).get("registered", 0) == result["created"]


async def test_people_of_one_address_share_a_home(world: World) -> None:
    rows = [person("赵明", 11, 住址="一组9号", 组=""), person("孙秀", 4, 住址="一组 9 号", 组="")]
    there = person("李桂英", 2, 住址="龙头村一组12号", 组="")
    async with world.client("manager-1") as client:
        ready = await begun(client, workbook([*rows, there]))
        await client.post(f"{URL}/{ready['id']}/confirm")
        await settled(client, ready["id"], "done", "failed")
        found = (await client.get("/api/v1/service-users?q=9号")).json()["items"]
        assert len({p["home"]["id"] for p in found}) == 1
        [one] = (await client.get("/api/v1/service-users?q=李桂英")).json()["items"]
        assert one["home"]["id"] == "home-0001"


async def test_a_list_as_csv_of_a_chinese_office_is_read(world: World) -> None:
    text = "\r\n".join(",".join(row) for row in (HEAD, person("李桂英", 2)))
    async with world.client("manager-1") as client:
        ready = await begun(client, text.encode("gb18030"))
        assert ready["counts"]["new"] == 1


@pytest.mark.parametrize(
    ("who", "there"), [("manager-1", "13800000001"), ("admin-1", "138****0001")]
)
async def test_of_who_is_there_a_list_tells_no_telephone_that_the_record_masks(
    world: World, who: str, there: str
) -> None:
    """Two towns are in this county, and its administrator rings nobody up."""
    payload = workbook(
        [(*person("张桂英", 2, 公民身份号码="", 联系电话="13800000001"), "1941-03-02")],
        (*HEAD, "出生日期"),
    )
    async with world.client(who) as client:
        [row] = await rows_of(client, (await begun(client, payload))["id"], verdict="double")
    lines = {line["field"]: line for line in row["double"]["lines"]}
    assert (lines["phone"]["file"], lines["phone"]["there"]) == ("13800000001", there)
    assert lines["phone"]["same"] is True


async def test_the_template_is_read_by_its_own_import(world: World) -> None:
    async with world.client("manager-1") as client:
        answer = await client.get(f"{URL}/template")
        assert answer.status_code == 200
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        assert book.sheetnames == [person_sheets.SHEET, "填表说明", "选项"]
        assert len(book[person_sheets.SHEET].data_validations.dataValidation) == sum(
            bool(column.offered) for column in COLUMNS
        )
        # Its example is nobody: forgotten in the list, it is told and not written.
        ready = await begun(client, answer.content)
        [row] = await rows_of(client, ready["id"])
        assert {fault["code"] for fault in row["faults"]} >= {"example"}
        assert ready["ignored_columns"] == []


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"PK\x03\x04 broken", "unreadable"),
        (b"\x00\x01\x02", "unreadable"),
        ("甲,乙,丙\r\n1,2,3".encode(), "no_heads"),
        ("姓名,电话,类别\r\n张,1,".encode(), "missing_heads: 村（社区）、住址"),
    ],
)
async def test_what_is_no_list_says_so(world: World, payload: bytes, detail: str) -> None:
    async with world.client("manager-1") as client:
        failed = await begun(client, payload)
        assert failed["state"] == "failed"
        assert failed["detail"].startswith(detail)


async def test_who_may_import_and_whose_list_it_is(world: World) -> None:
    payload = workbook([person("李桂英", 2)])
    async with world.client("duty-1") as duty:
        assert (await duty.post(URL, content=payload)).status_code == 403
        assert (await duty.get(f"{URL}/template")).status_code == 403
    async with world.client("manager-1") as client:
        ready = await begun(client, payload)
        async with world.client("admin-1") as admin:
            assert (await admin.get(f"{URL}/{ready['id']}")).status_code == 404
        other = await begun(client, workbook([person("王", 2, **{"村（社区）": "新场街村"})]))
        [row] = await rows_of(client, other["id"])
        assert row["faults"][0]["code"] == "not_yours"
        assert (await client.delete(f"{URL}/{other['id']}")).status_code == 204
        assert (await client.get(f"{URL}/{other['id']}")).status_code == 404


async def test_a_number_of_another_region_is_refused(world: World) -> None:
    async with world.client("admin-1") as admin:
        body = {"file": {"id_number": number(2)}, "person": {"born": "1941-03-02"}}
        await admin.patch("/api/v1/service-users/person-0002/file", json=body)
    async with world.client("manager-1") as client:
        ready = await begun(client, workbook([person("李桂英", 2)]))
        [row] = await rows_of(client, ready["id"])
        assert [fault["code"] for fault in row["faults"]] == ["id_taken_elsewhere"]
        assert "王秀兰" not in str(row)


async def test_a_file_larger_than_a_list_is_refused_and_others_stay_small(world: World) -> None:
    async with world.client("manager-1") as client:
        big = b"x" * (300 * 1024)
        assert (await client.post(URL, content=big)).status_code == 202
        assert (await client.post("/api/v1/rota/import", content=big)).status_code == 413
        huge = {"content-length": str(person_sheets.FILE_BYTES_MAX + 1)}
        assert (await client.post(URL, content=b"x", headers=huge)).status_code == 413


def bomb(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([])), "r") as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for item in good.infolist():
            archive.writestr(item.filename, parts.pop(item.filename, good.read(item)))
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/media/a": b"0" * (9 * 1024 * 1024)},
        {f"xl/{n}": b"" for n in range(300)},
        {"xl/worksheets/sheet1.xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa">]><x/>'},
    ],
)
def test_workbooks_that_are_none_are_refused_unopened(parts: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableSheet):
        read_sheet(bomb(parts), person_sheets.LIMITS)


def test_a_workbook_of_too_much_is_refused() -> None:
    with pytest.raises(UnreadableSheet):
        read_sheet(bomb({"xl/media/a": bytes(ROTA.unpacked_bytes + 1)}))
    rows = b"\n".join(b"a" for _ in range(person_sheets.LIMITS.rows + 1))
    with pytest.raises(UnreadableSheet):
        read_sheet(rows, person_sheets.LIMITS)


def test_a_number_that_lost_its_digits_is_not_taken_for_one() -> None:
    [_head, row] = table_of(workbook([(6109261941030200.0 * 100, 812.0, 10)], ("a", "b", "c")))
    assert row == ["6.10926194103020E+17", "812", "10"]


async def test_regions_are_a_tree_and_grow_downwards(world: World) -> None:
    async with world.client("manager-1") as client:
        seen = {r["code"]: r for r in (await client.get("/api/v1/regions")).json()["items"]}
        assert set(seen) == {"610926", "610926101", "610926101001"}
        assert seen["610926101001"]["persons"] == 1
        new = {"code": "610926101001001", "name": "1组", "level": "group", "parent": "610926101001"}
        assert (await client.post("/api/v1/regions", json=new)).status_code == 201
        assert (await client.post("/api/v1/regions", json=new)).status_code == 409
        assert world.register.index.regions[new["code"]]["name"] == "1组"
        for wrong in (
            {"level": "village"},
            {"code": "7"},
            {"parent": "610926102001", "code": "610926102001001"},
        ):
            answer = await client.post("/api/v1/regions", json={**new, **wrong})
            assert answer.status_code == 422, wrong
