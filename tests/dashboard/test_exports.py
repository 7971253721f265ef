"""Tables out of the hub: rows of one's region, types, permissions, what is written down."""

import csv
import datetime
import io
from pathlib import Path

import httpx2
import openpyxl
import pytest

from dashboard import export
from dashboard.export_registry import SUBJECTS
from dashboard.permissions import PERMISSIONS
from tests.adapters.sample_papers import RECORD
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.test_papers import VISITED, fill_in, name_of, visit

API = "/api/v1"
EXPORTS = Path(export.__file__).parent / "exports"


def table(answer: httpx2.Response) -> list[dict[str, str]]:
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def got(world: World, subject: str, username: str = "manager-1", **params: str):
    async with world.client(username) as client:
        answer = await client.get(f"{API}/exports/{subject}", params=params)
    assert answer.status_code == 200, answer.text
    return answer


def test_every_file_is_a_subject_and_names_real_permissions() -> None:
    files = {path.stem for path in EXPORTS.glob("*.py")} - {"__init__"}
    assert files == set(SUBJECTS)
    for subject in SUBJECTS.values():
        assert subject.needs <= PERMISSIONS
        heads = [column.zh for column in subject.columns]
        assert len(set(heads)) == len(heads), subject.zh


async def test_the_register_of_people(world: World) -> None:
    [row] = table(await got(world, "persons.csv"))
    assert row["姓名"] == "张桂英"
    assert row["出生日期"] == "1941-03-02"
    assert row["联系电话"] == "13800000001\t"
    assert (row["镇"], row["村（社区）"]) == ("城关镇", "龙头村")
    assert row["住址"] == "龙头村一组 12 号"
    assert row["老年人类别"] == "独居"
    assert row["紧急联系人"] == "张伟 儿子 13900000001"
    assert row["探访责任人"] == "人visitor-1"


async def test_the_register_has_the_file_of_each_person(world: World) -> None:
    await fill_in(world)
    [row] = table(await got(world, "persons.csv"))
    assert row["公民身份号码"] == "6109**************"
    assert row["残疾人证号"] == "6109**************"
    assert (row["民族"], row["有养老保险"], row["残疾等级"]) == ("汉族", "是", "2级")
    assert (row["养老保险每月金额（元）"], row["帮扶单位（组织）"]) == ("165.50", "志愿者")


async def test_a_workbook_of_visits_has_every_answer(world: World) -> None:
    await visit(world)
    answer = await got(world, "visits.xlsx")
    assert name_of(answer) == "探访记录-20261123.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    heads, values = ([cell.value for cell in row] for row in sheet.iter_rows())
    row = dict(zip(heads, values, strict=True))
    assert row["探访时间"] == datetime.datetime(2026, 11, 23, 15, 30)  # noqa: DTZ001
    assert row["服务对象"] == "张桂英"
    assert (row["行动能力"], row["用电安全"], row["疾病名称"]) == (
        "较差",
        "不安全",
        "慢性阻塞性肺病",
    )
    assert (row["家庭人口"], row["人口增减（人）"]) == ("减少", 1)
    assert row["服务项目（附件2）"] == "1 个人卫生、7 日常服务、13 检查义务"
    assert row["老年人服务需求"] == RECORD["needs"]
    assert row["未见到老人"] == "否"
    assert (row["第几次"], row["是否有效"]) == (1, "有效")


async def test_alarms_and_tasks(world: World) -> None:
    await world.raise_alarm()
    [alarm] = table(await got(world, "alarms.csv"))
    assert (alarm["类型"], alarm["级别"], alarm["状态"]) == ("呼叫按钮", "紧急", "待接警")
    assert alarm["报警时间"] == "2026-11-23 16:00"
    [task] = table(await got(world, "tasks.csv"))
    assert (task["类型"], task["状态"], task["住户编号"]) == ("紧急上门", "待接受", "home-0001")


async def test_homes_devices_and_stays(world: World) -> None:
    [home] = table(await got(world, "homes.csv"))
    assert (home["老年人数"], home["设备数"], home["纬度"]) == ("1", "2", "32.38")
    devices = table(await got(world, "devices.csv"))
    assert [(d["设备编号"], d["类型"]) for d in devices] == [
        ("button-0001", "呼叫按钮"),
        ("meter-0001", "电表"),
    ]
    assert table(await got(world, "stays.csv")) == []


async def test_a_caller_gets_the_own_region_and_no_other(world: World) -> None:
    everybody = table(await got(world, "persons.csv", "admin-1"))
    assert [row["姓名"] for row in everybody] == ["张桂英", "王秀兰"]
    for region, names in (("610926102", ["王秀兰"]), ("610926101001", ["张桂英"]), ("99", [])):
        found = table(await got(world, "persons.csv", "admin-1", region=region))
        assert [row["姓名"] for row in found] == names
    assert not table(await got(world, "persons.csv", region="610926102"))
    assert not table(await got(world, "devices.csv", region="610926102"))


async def test_a_span_is_by_the_time_of_the_subject(world: World) -> None:
    await visit(world)
    assert len(table(await got(world, "visits.csv", **{"from": VISITED}))) == 1
    assert not table(await got(world, "visits.csv", to=VISITED))
    async with world.client("manager-1") as client:
        answer = await client.get(
            f"{API}/exports/visits.csv", params={"from": VISITED, "to": VISITED}
        )
    assert problem_of(answer)["field"] == "from"


async def test_gb18030_for_who_wants_it(world: World) -> None:
    answer = await got(world, "persons.csv", encoding="gb18030")
    assert "张桂英" in answer.content.decode("gb18030")


async def test_what_leaves_is_written_down(world: World) -> None:
    await got(world, "persons.xlsx")
    assert ("manager-1", "exported", "export:persons") in await world.audited()


@pytest.mark.parametrize("username", ["duty-1", "visitor-1", "installer-1", "auditor-1"])
async def test_only_those_who_answer_for_the_data_export_it(world: World, username: str) -> None:
    async with world.client(username) as client:
        for path in ("persons.csv", "alarms.xlsx"):
            answer = await client.get(f"{API}/exports/{path}")
            assert problem_of(answer)["type"] == "forbidden"


async def test_no_cell_is_a_formula(world: World) -> None:
    await world.execute("UPDATE service_user SET name = '=1+1', hearing = '@x'")
    [row] = table(await got(world, "persons.csv"))
    assert (row["姓名"], row["沟通提示"]) == ("'=1+1", "'@x")
    answer = await got(world, "persons.xlsx")
    cell = openpyxl.load_workbook(io.BytesIO(answer.content)).active["B2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


async def test_columns_that_cannot_be_read_show_as_they_stand(world: World) -> None:
    await world.execute("UPDATE service_user SET categories = 'not json', contacts = '[1]'")
    [row] = table(await got(world, "persons.csv"))
    assert (row["老年人类别"], row["紧急联系人"]) == ("not json", "[1]")


async def test_more_rows_than_a_file_holds_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_MAX", 1)
    async with world.client("admin-1") as client:
        answer = await client.get(f"{API}/exports/persons.csv")
    assert answer.status_code == 422
    assert problem_of(answer)["type"] == "too_long"


async def test_what_can_be_exported_is_listed(world: World) -> None:
    async with world.client("manager-1") as client:
        found = (await client.get(f"{API}/exports")).json()["items"]
        assert (await client.get(f"{API}/exports/nothing.csv")).status_code == 404
        assert (await client.get(f"{API}/exports/persons.exe")).status_code == 422
    assert [item["subject"] for item in found] == list(SUBJECTS)
    assert found[0]["columns"][:2] == ["编号", "姓名"]


async def test_services_and_money_have_the_lines_that_count(world: World) -> None:
    line = {
        "person": "person-0001",
        "service": "bathing",
        "served_at": VISITED,
        "who": "陈芳",
        "items": [11, 1],
        "minutes": 60,
        "cost_fen": 5000,
    }
    grant = {
        "year": 2026,
        "region": "610926101001",
        "kind": "granted",
        "amount_fen": 90_000,
        "what": "县财政拨付",
    }
    async with world.client("manager-1") as client:
        first = (await client.post(f"{API}/care-lines", json=line)).json()
        right = {**line, "cost_fen": 4550, "replaces": first["id"], "why": "多写了"}
        assert (await client.post(f"{API}/care-lines", json=right)).status_code == 201
        assert (await client.post(f"{API}/money", json=grant)).status_code == 201
        need = {"person": "person-0001", "service": "meals", "need": "做饭困难"}
        assert (await client.post(f"{API}/referrals", json=need)).status_code == 201
    [care] = table(await got(world, "care.csv"))
    assert (care["服务类别"], care["费用（元）"], care["更正原因"]) == ("助洁", "45.50", "多写了")
    assert care["服务项目（附件2）"] == "1 个人卫生、11 失能服务"
    [money] = table(await got(world, "money.csv"))
    assert (money["收支"], money["金额（元）"], money["村（社区）"]) == ("拨入", "900.00", "龙头村")
    [referral] = table(await got(world, "referrals.csv"))
    assert (referral["服务类别"], referral["需求"], referral["状态"]) == (
        "助餐",
        "做饭困难",
        "待转介",
    )
