"""Import with a preview that loses no row, export that it reads again, and calendars."""

import io
import zipfile

import openpyxl
import pytest

from tests.adapters.rota_desk import TODAY, key, staff
from tests.alarms.rota.test_ics import parse
from tests.dashboard.conftest import World

ROTA = "/api/v1/rota"
HEAD = "日期,班次,开始,结束,第一值班人,第二值班人,备注"


def sheet(*rows: str, encoding: str = "utf-8-sig") -> bytes:
    return "\r\n".join([HEAD, *rows]).encode(encoding)


def workbook(*rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


GOOD = sheet(
    "2026-11-24,day,,,人visitor-3,,换班",
    "2026/11/25,day,,,duty-1,visitor-3,",
    "2026年11月26日,festival,09:00,17:00,duty-1,,",
    ",,,,,,",
    "2026-11-27,night,,,取消,,",
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_preview_changes_nothing_and_says_what_each_row_does(
    world: World, encoding: str
) -> None:
    await staff(world)
    async with world.client("manager-1") as client:
        body = GOOD.decode("utf-8-sig").encode(encoding)
        answer = await client.post(f"{ROTA}/import", content=body, params={"desk": "town"})
        found = answer.json()
        assert answer.status_code == 200, answer.text
        assert found["counts"] == {"new": 1, "change": 2, "same": 1, "rejected": 0, "blank": 1}
        assert [(r["row"], r["verdict"]) for r in found["rows"]] == [
            (2, "change"),
            (3, "same"),
            (4, "new"),
            (6, "change"),
        ]
        assert found["ignored_columns"] == ["备注"]
        assert found["applied"] is False
        assert not [s for s in (await client.get(ROTA)).json()["shifts"] if s["changed"]]


async def test_an_import_is_in_the_rota(world: World) -> None:
    await staff(world)
    params = {"desk": "town", "apply": "true", "reason": "十一月表"}
    async with world.client("manager-1") as client:
        answer = await client.post(f"{ROTA}/import", content=GOOD, params=params)
        assert answer.json()["applied"] is True
        shifts = {s["id"]: s for s in (await client.get(ROTA)).json()["shifts"]}
        people = [p["username"] for p in shifts[key(TODAY + 1)]["people"]]
        assert people == ["visitor-3"]
        assert key(TODAY + 3, "festival") in shifts
        assert key(TODAY + 4, "night") not in shifts
        again = await client.post(f"{ROTA}/import", content=GOOD, params={"desk": "town"})
        assert again.json()["counts"]["same"] == 4
        history = (await client.get(f"{ROTA}/town/history")).json()["items"]
        assert [h["reason"] for h in history[:3]] == ["十一月表"] * 3


BAD = sheet(
    "2026-13-01,day,,,duty-1,,",
    "2026-11-24,day,,,nobody,duty-1,",
    "2026-11-24,day,,,duty-1,duty-1,",
    "2026-11-24,day,,,,,",
    "2026-11-24,extra,,,duty-1,,",
    "2026-11-24,day,8点,20:00,duty-1,,",
    "2026-11-20,day,08:00,20:00,duty-1,,",
    "2026-11-24,a b,,,duty-1,,",
    "2026-11-24,day,,,duty-1,,",
    "2026-11-24,day,,,visitor-3,,",
)


async def test_every_rejected_row_says_every_reason_and_none_is_lost(world: World) -> None:
    await staff(world)
    async with world.client("manager-1") as client:
        answer = await client.post(f"{ROTA}/import", content=BAD, params={"desk": "town"})
        found = answer.json()
        faults = {r["row"]: [(f["column"], f["code"]) for f in r["faults"]] for r in found["rows"]}
        assert faults == {
            2: [("date", "bad_date")],
            3: [("first", "unknown_person")],
            4: [("second", "person_twice")],
            5: [("first", "no_person")],
            6: [("start", "no_hours")],
            7: [("start", "bad_time")],
            8: [("date", "over")],
            9: [("shift", "bad_shift")],
            10: [],
            11: [("shift", "shift_twice")],
        }
        assert sum(found["counts"].values()) == 10
        params = {"desk": "town", "apply": "true"}
        refused = await client.post(f"{ROTA}/import", content=BAD, params=params)
        assert (refused.status_code, refused.json()["type"]) == (409, "rows_rejected")
        assert not [s for s in (await client.get(ROTA)).json()["shifts"] if s["changed"]]
        params["skip_rejected"] = "true"
        taken = await client.post(f"{ROTA}/import", content=BAD, params=params)
        assert taken.json()["counts"]["change"] == 1
        assert len([s for s in (await client.get(ROTA)).json()["shifts"] if s["changed"]]) == 1


async def test_a_workbook_with_real_dates_and_times_is_read(world: World) -> None:
    import datetime

    await staff(world)
    rows = [
        ["date", "desk", "shift", "start", "end", "first"],
        [
            datetime.datetime(2026, 11, 24),  # noqa: DTZ001 - as spreadsheets have them
            "城关镇值班室",
            "festival",
            datetime.time(9),
            datetime.time(17, 30),
            "duty-1",
        ],
        [datetime.date(2026, 11, 25), "county", "day", "8:00", "20:00", "duty-1"],
        [None, None, None, None, None, None],
    ]
    async with world.client("manager-1") as client:
        found = (await client.post(f"{ROTA}/import", content=workbook(*rows))).json()
    assert [(r["verdict"], [f["code"] for f in r["faults"]]) for r in found["rows"]] == [
        ("new", []),
        ("rejected", ["unknown_desk"]),
    ]


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 * 1024 * 1024))
    return out.getvalue()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"PK\x03\x04 broken",
        workbook(["date", "shift", "first"])[:-200],
        b"\xff\xfe\x00\x01",
        b"\x81\x20\xff",
        b"a,b,c\r\n1,2,3\r\n",
        "日期,日期,班次,姓名\r\n".encode(),
        b'date,shift,first\r\n"unclosed,x,y\r\n',
        sheet(*["2026-11-24,day,,,duty-1,,"] * 2_001),
    ],
)
async def test_what_is_no_table_is_refused_with_a_reason(world: World, payload: bytes) -> None:
    await staff(world)
    async with world.client("manager-1") as client:
        answer = await client.post(f"{ROTA}/import", content=payload)
    assert (answer.status_code, answer.json()["type"]) == (422, "unreadable"), answer.text


async def test_a_bomb_is_not_unpacked(world: World) -> None:
    await staff(world)
    async with world.client("manager-1") as client:
        answer = await client.post(f"{ROTA}/import", content=bomb())
    assert answer.json()["detail"].startswith("this workbook unpacks")


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_what_is_exported_is_read_again_as_the_same(
    world: World, format: str, language: str
) -> None:
    await staff(world)
    async with world.client("manager-1") as client:
        params = {"format": format, "language": language, "desk": "town"}
        file = await client.get(f"{ROTA}/export", params=params)
        assert file.headers["content-disposition"].endswith(f'rota-2026-11-23.{format}"')
        found = (await client.post(f"{ROTA}/import", content=file.content)).json()
    assert (found["counts"]["same"], found["counts"]["rejected"]) == (14, 0)


async def test_no_cell_of_an_export_is_a_formula(world: World) -> None:
    await staff(world)
    await world.execute("UPDATE account SET name = '=1+1' WHERE username = 'duty-1'")
    async with world.client("manager-1") as client:
        text = (await client.get(f"{ROTA}/export", params={"format": "csv"})).text
        assert ",'=1+1," in text
        file = await client.get(f"{ROTA}/export", params={"format": "xlsx"})
        cell = openpyxl.load_workbook(io.BytesIO(file.content)).active["F2"]
        assert (cell.value, cell.data_type) == ("=1+1", "s")


async def test_a_calendar_by_its_secret_address(world: World) -> None:
    await staff(world)
    async with world.client("duty-1") as client:
        path = (await client.post(f"{ROTA}/calendar", json={})).json()["path"]
    async with world.anonymous() as anybody:
        answer = await anybody.get(path)
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        lines = parse(answer.text)
        starts = [value for name, _, value in lines if name == "DTSTART"]
        assert starts[1:3] == ["20261123T080000", "20261124T080000"]
        assert len(starts) == 1 + 180
        assert ("LOCATION", "", "城关镇值班室") in lines
        assert ("DESCRIPTION", "", "同班：人visitor-3") in lines
        assert (await anybody.get(f"{ROTA}/calendar/wrong.ics")).status_code == 404
        async with world.client("duty-1") as client:
            newer = (await client.post(f"{ROTA}/calendar", json={})).json()["path"]
        assert (await anybody.get(path)).status_code == 404
        assert (await anybody.get(newer)).status_code == 200
        async with world.client("duty-1") as client:
            assert (await client.delete(f"{ROTA}/calendar")).json() == {"ended": True}
        assert (await anybody.get(newer)).status_code == 404
    [(digest,)] = await world.query("SELECT digest FROM rota_calendar ORDER BY digest LIMIT 1")
    assert digest not in path


async def test_the_address_of_a_closed_account_ends_with_it(world: World) -> None:
    await staff(world)
    async with world.client("duty-1") as client:
        path = (await client.post(f"{ROTA}/calendar", json={})).json()["path"]
    await world.execute("UPDATE account SET disabled = 1 WHERE username = 'duty-1'")
    async with world.anonymous() as anybody:
        assert (await anybody.get(path)).status_code == 404
