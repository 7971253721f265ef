"""Reports as files, and the people behind visits owed and made."""

import io
import re

import openpyxl
import pytest

from dashboard import report_rows
from ledger.visiting.states import Tally
from tests.dashboard.conftest import World
from tests.dashboard.test_report_routes import lived, report, visited

ON_BOTH = True


async def sheets(world: World, username: str, query: str = "") -> dict[str, list[tuple]]:
    async with world.client(username) as client:
        answer = await client.get(f"/api/v1/reports/period.xlsx?{query}")
    assert answer.status_code == 200, answer.text
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def figures(rows: list[tuple]) -> dict[tuple[str, str], tuple]:
    return {(row[1], row[2]): row for row in rows[1:] if row[1] is not None}


async def test_the_people_of_each_tally_add_up_to_it(world: World) -> None:
    await lived(world)
    for period in ("2026-10", "2026-11"):
        total = (await report(world, "admin-1", f"period={period}"))["visits"]["total"]
        async with world.client("admin-1") as client:
            for name in Tally.__slots__:
                path = f"/api/v1/reports/people?figure={name}&period={period}"
                items = (await client.get(path)).json()["items"]
                assert sum(item[name] for item in items) == total[name], name
    async with world.client("admin-1") as client:
        found = await client.get("/api/v1/reports/people?figure=done")
        [one] = [i for i in found.json()["items"] if i["service_user"] == "person-0001"]
        assert one["visitor"]["username"] == "visitor-1"
        unknown = await client.get("/api/v1/reports/people?figure=soon")
        assert (unknown.status_code, unknown.json()["field"]) == (422, "figure")


async def test_the_people_are_for_those_who_may_read_of_people(world: World) -> None:
    await lived(world)
    path = "/api/v1/reports/people?figure=people"
    async with world.client("auditor-1") as client:
        assert (await client.get(path)).status_code == 403
    async with world.client("manager-1") as client:
        items = (await client.get(path)).json()["items"]
        assert [item["service_user"] for item in items] == ["person-0001"]
        away = await client.get(f"{path}&region=610926102")
        assert away.status_code == 404
    assert ("manager-1", "listed", "figure:visits:people") in await world.audited()


async def test_the_names_of_figures_are_told(world: World) -> None:
    async with world.client("duty-1") as client:
        document = (await client.get("/api/v1/reports/figures")).json()
    groups = {group["group"]: group for group in document["groups"]}
    assert groups["way"]["words"][1]["zh"] == "上门探访"
    assert {group["section"] for group in groups.values()} <= {
        one["section"] for one in document["sections"]
    }


async def test_a_report_as_a_spreadsheet_says_what_the_page_says(world: World) -> None:
    await lived(world)
    whole = await report(world, "admin-1")
    book = await sheets(world, "admin-1", "period=2026-11")
    told = figures(book["指标"])
    assert told["探访方式", "上门探访"][4:7] == (2, 1, 1)
    assert told["满意度", "不满意"][4:7] == (1, 0, 1)
    # Of today, so not compared.
    assert told["类别", "独居"][4:6] == (1, None)
    assert told["人数", "在册老人"][4:6] == (2, 2)
    owed, done = whole["visits"]["total"]["owed"], whole["visits"]["total"]["done"]
    assert told["上门探访", "应访（次）"][4] == owed
    assert told["上门探访", "探访完成率"][4] == pytest.approx(100 * done / owed, abs=0.01)
    assert book["指标"][-3][0].startswith("说明：本期尚未结束")
    assert "人admin-1（admin-1）" in str(book["指标"][-1][0])
    towns = {row[0]: row for row in book["各单位"][1:]}
    assert set(towns) == {"城关镇", "兴隆镇"}
    assert sum(row[1] for row in towns.values()) == 2


async def test_the_rows_of_a_spreadsheet_are_those_behind_its_figures(world: World) -> None:
    await lived(world)
    whole = await report(world, "admin-1")
    book = await sheets(world, "admin-1")
    visits = book["探访记录"][1:]
    assert len(visits) == whole["figures"]["contacts"]["all"]
    unsafe = [row for row in visits if "发现不安全：燃气安全" in row[7]]
    assert [(row[0], row[1], row[2]) for row in unsafe] == [("城关镇", "龙头村", "张桂英")]
    assert len(book["服务对象"]) == 1 + 2
    assert len(book["警情"]) == 1 + 1
    assert len(book["探访落实（按人）"]) == 1 + 2


async def test_what_looks_like_a_formula_stays_a_text(world: World) -> None:
    await visited(world, "visitor-1", "home-0001", "person-0001")
    await world.execute("UPDATE service_user SET name = '=1+1' WHERE id = 'person-0001'")
    async with world.client("manager-1") as client:
        answer = await client.get("/api/v1/reports/period.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.data_type for cell in cells if cell.value == "=1+1"]
    assert not [cell for cell in cells if cell.data_type == "f"]


async def test_rows_that_no_file_takes_are_said_to_be_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(world)
    monkeypatch.setattr(report_rows, "ROWS_IN_FILE", 2)
    book = await sheets(world, "admin-1")
    assert "探访记录" not in book
    assert "警情" in book
    assert any("探访记录超过" in str(row[0]) for row in book["指标"])


async def test_files_are_for_the_own_region_and_in_the_trail(world: World) -> None:
    await lived(world)
    book = await sheets(world, "manager-1")
    assert [row[0] for row in book["各单位"][1:]] == ["龙头村"]
    assert "王秀兰" not in str(book)
    async with world.client("manager-1") as client:
        paper = await client.get("/api/v1/reports/period.pdf?each=yes")
        away = await client.get("/api/v1/reports/period.xlsx?region=610926102")
    assert paper.content.startswith(b"%PDF")
    assert away.status_code == 404
    async with world.client("duty-1") as client:
        assert (await client.get("/api/v1/reports/period.xlsx")).status_code == 403
        assert (await client.get("/api/v1/reports/period.pdf")).status_code == 200
    noted = await world.audited()
    assert ("manager-1", "exported", "report") in noted
    assert ("duty-1", "printed", "report") in noted


async def test_a_sheet_for_each_region_each_on_one_page(world: World) -> None:
    await lived(world)
    async with world.client("admin-1") as client:
        alone = await client.get("/api/v1/reports/period.pdf?period=2026-Q4")
        all_of_them = await client.get("/api/v1/reports/period.pdf?period=2026-Q4&each=yes")
    assert pages(alone.content) == 1
    assert pages(all_of_them.content) == 1 + 2


def pages(pdf: bytes) -> int:
    found = re.search(rb"/Type\s*/Pages.*?/Count\s+(\d+)|/Count\s+(\d+)", pdf, flags=re.S)
    assert found is not None
    return int(found[1] or found[2])
