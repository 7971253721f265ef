"""Telephones and the way in: open at once to who rings people up and wherever something is open;
masked in lists and to offices above several towns and doctors, who open them with a reason."""

import json
from typing import Any

import httpx2
import pytest

from dashboard.accounts import create_user
from dashboard.contact_masks import masked_address, masked_text, put_back
from ledger.unit_of_work import UnitOfWork
from tests.adapters.asgi_stream import StreamClient
from tests.dashboard.conftest import HASHER, PASSWORD, World, problem_of

API = "/api/v1"
PERSON = f"{API}/service-users/person-0001"
HOME = f"{API}/homes/home-0001"
OWN, SON, WAY, HOUSE = "13800000001", "13900000001", "钥匙在邻居李婶家", "一组 12 号"
WHY = {"reason": "家属来访，要联系儿子"}


@pytest.fixture
async def county(world: World) -> World:
    """With a manager above several towns: beside the county there is another one."""
    for code, level, parent in (("610927", "county", None), ("610927101", "town", "610927")):
        await world.execute(
            "INSERT INTO region (code, name, level, parent) VALUES (?, ?, ?, ?)",
            code,
            code,
            level,
            parent,
        )

    def change(unit: UnitOfWork) -> None:
        create_user(
            unit,
            username="manager-county",
            name="县主管",
            role="manager",
            region="610926",
            phone="",
            password_hash=HASHER.hash(PASSWORD),
            actor="system",
        )

    await world.writer.change(change)
    return world


async def read(world: World, who: str, path: str) -> httpx2.Response:
    async with world.client(who) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, f"{who} {path}: {answer.text}"
    return answer


@pytest.mark.parametrize(
    ("who", "open_"),
    [
        ("duty-1", True),
        ("visitor-1", True),
        ("manager-1", True),
        ("manager-county", False),
        ("admin-1", False),
        ("clinician-1", False),
    ],
)
async def test_a_record(county: World, who: str, open_: bool) -> None:
    text = (await read(county, who, PERSON)).text + (await read(county, who, HOME)).text
    assert (OWN in text) == open_
    assert (SON in text) == open_
    assert (WAY in text) == open_
    assert "张桂英" in text
    # Who hangs up devices or sends somebody there tells a house from the next one.
    assert (HOUSE in text) == (who != "clinician-1")


@pytest.mark.parametrize("who", ["duty-1", "manager-1", "manager-county", "admin-1"])
@pytest.mark.parametrize("path", [f"{API}/service-users", f"{API}/service-users?q={OWN}"])
async def test_a_list_and_a_search(county: World, who: str, path: str) -> None:
    shown = (await read(county, who, path)).json()["items"]
    [person] = [one for one in shown if one["id"] == "person-0001"]
    assert person["phone"] == "138****0001"
    assert person["contacts"][0]["phone"] == "139****0001"
    assert person["home"]["access_note"] == "***"
    homes = (await read(county, who, f"{API}/homes")).text
    assert WAY not in homes
    assert HOUSE in homes


async def test_ones_own_people_stand_open_in_the_list(county: World) -> None:
    text = (await read(county, "visitor-1", f"{API}/service-users")).text
    assert OWN in text
    assert SON in text


@pytest.mark.parametrize("who", ["admin-1", "manager-county", "clinician-1", "duty-1"])
async def test_nobody_who_answers_waits_for_a_reason(county: World, who: str) -> None:
    """An alarm is open, then a task: whoever may see it sees whom to ring and how to get in."""
    alarm = await county.raise_alarm()
    paths = [PERSON, HOME, f"{API}/service-users"]
    if who != "clinician-1":
        paths += [f"{API}/alarms", f"{API}/alarms/{alarm}", f"{API}/tasks"]
    for path in paths:
        text = (await read(county, who, path)).text
        assert OWN in text, path
        assert SON in text, path
    assert WAY in (await read(county, who, HOME)).text


async def test_what_is_over_is_masked_again(county: World) -> None:
    alarm = await county.raise_alarm()
    async with county.client("duty-1") as duty:
        await duty.post(f"{API}/alarms/{alarm}/acknowledge")
        closed = await duty.post(f"{API}/alarms/{alarm}/close", json={"outcome": "test"})
        assert closed.status_code == 200, closed.text
        for task in (await duty.get(f"{API}/tasks")).json()["items"]:
            await duty.post(f"{API}/tasks/{task['id']}/cancel")
        assert OWN in (await duty.get(f"{API}/alarms/{alarm}")).text
    for path in (PERSON, f"{API}/alarms", f"{API}/alarms/{alarm}", f"{API}/tasks"):
        text = (await read(county, "admin-1", path)).text
        assert OWN not in text, path
        assert WAY not in text, path


async def test_a_sheet_or_card_of_what_is_over_is_masked_too(county: World) -> None:
    alarm = await county.raise_alarm()
    async with county.client("duty-1") as duty:
        [task] = (await duty.get(f"{API}/tasks")).json()["items"]
    paths = [f"{API}/alarms/{alarm}/sheet", f"{API}/tasks/{task['id']}/card"]
    for path in paths:
        text = (await read(county, "admin-1", path)).text
        assert all(mark in text for mark in (OWN, SON, WAY)), path
    async with county.client("duty-1") as duty:
        await duty.post(f"{API}/alarms/{alarm}/acknowledge")
        await duty.post(f"{API}/alarms/{alarm}/close", json={"outcome": "test"})
        await duty.post(f"{API}/tasks/{task['id']}/cancel")
    for path in paths:
        for who, open_ in (("duty-1", True), ("admin-1", False), ("manager-county", False)):
            text = (await read(county, who, path)).text
            assert all((mark in text) == open_ for mark in (OWN, SON, WAY)), f"{who} {path}"


async def test_opened_with_a_reason_that_she_reads(county: World) -> None:
    async with county.client("admin-1") as admin:
        answer = await admin.post(f"{PERSON}/contact/open", json={"reason": "  "})
        assert answer.status_code == 422
        shown = (await admin.post(f"{PERSON}/contact/open", json=WHY)).json()
        assert (shown["phone"], shown["contacts"][0]["phone"]) == (OWN, SON)
        assert WAY in shown["access_note"]
        looks = (await admin.get(f"{PERSON}/looks")).json()["items"]
    [told] = [look for look in looks if look["act"] == "opened_contact"]
    assert told["said"] == WHY["reason"]
    assert ("admin-1", "opened_contact", "person:person-0001") in await county.audited()
    for who in ("visitor-1", "installer-1", "auditor-1"):
        async with county.client(who) as client:
            answer = await client.post(f"{PERSON}/contact/open", json=WHY)
            assert (answer.status_code, problem_of(answer)["type"]) == (403, "forbidden"), who


async def test_without_a_record_nothing_is_told(
    county: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with county.client("admin-1") as admin:
        await admin.get(PERSON)

        async def full(_apply: Any) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(county.writer, "change", full)
        answer = await admin.post(f"{PERSON}/contact/open", json=WHY)
    assert answer.status_code == 500
    assert OWN not in answer.text


async def test_a_form_that_showed_masks_changes_no_number(county: World) -> None:
    async with county.client("admin-1") as admin:
        person = (await admin.get(PERSON)).json()
        sent = {"phone": person["phone"], "contacts": person["contacts"], "hearing": "耳背"}
        answer = await admin.patch(PERSON, json=sent)
        assert answer.status_code == 200, answer.text
        file = {"person": {"phone": person["phone"], "hearing": "左耳背"}, "file": {}}
        assert (await admin.patch(f"{PERSON}/file", json=file)).status_code == 200
        home = {"access_note": "***", "lane": "小路"}
        assert (await admin.patch(HOME, json=home)).status_code == 200
        for wrong in ({"phone": "139****9999"}, {"contacts": [{"name": "某", "phone": "1****"}]}):
            answer = await admin.patch(PERSON, json=wrong)
            assert (answer.status_code, problem_of(answer)["field"]) == (422, next(iter(wrong)))
    async with county.client("duty-1") as duty:
        person = (await duty.get(PERSON)).json()
        home = (await duty.get(HOME)).json()
    assert (person["phone"], person["contacts"][0]["phone"]) == (OWN, SON)
    assert person["hearing"] == "左耳背"
    assert WAY in home["access_note"]
    assert home["lane"] == "小路"


async def test_history_and_feed_tell_no_number_either(county: World) -> None:
    async with county.client("manager-1") as manager:
        await manager.patch(PERSON, json={"phone": "13811112222"})
    old = (await read(county, "admin-1", f"{PERSON}/history")).text
    assert "13811112222" not in old
    assert OWN not in old
    assert "13811112222" in (await read(county, "duty-1", f"{PERSON}/history")).text
    await county.audited()
    [[seq]] = await county.query(
        "SELECT max(seq) FROM audit WHERE action = 'changed' AND object = 'person:person-0001'"
    )
    told = (await read(county, "admin-1", f"{API}/audit/{seq}")).json()["changes"]
    assert [(one["old"], one["new"]) for one in told] == [("138****0001", "138****2222")]
    headers = {"Authorization": f"Bearer {await county.token('admin-1')}"}
    async with StreamClient(county.app, f"{API}/stream", headers) as stream:
        await stream.comment("ready")
        async with county.client("manager-1") as manager:
            await manager.patch(PERSON, json={"phone": "13811113333"})
        assert "1381111" not in (await stream.event())["data"]
        # What is open now is told whole: she may answer it.
        await county.raise_alarm()
        event = await stream.event()
        assert "13811113333" in event["data"]
        assert json.loads(event["data"])["object"]["state"] == "open"


async def test_tables_leave_without_numbers_unless_a_second_person_agreed(county: World) -> None:
    for subject, marks in (("persons", (OWN, SON)), ("homes", (WAY,))):
        path = f"{API}/exports/{subject}.csv"
        whole = (await read(county, "manager-1", path)).text
        masked = (await read(county, "admin-1", path)).text
        for mark in marks:
            assert mark in whole
            assert mark not in masked
    async with county.client("admin-1") as admin:
        asked = {"subject": "persons", "ending": "csv", "region": "610926", "reason": "年度核对"}
        request = (await admin.post(f"{API}/export-requests", json=asked)).json()
    async with county.client("manager-county") as other:
        path = f"{API}/export-requests/{request['id']}/approve"
        approved = await other.post(path, json={"reason": "核对过了"})
        assert approved.status_code == 200, approved.text
    async with county.client("admin-1") as admin:
        path = f"{API}/export-requests/{request['id']}/content"
        assert OWN in (await admin.post(path, json={})).text


async def test_a_program_rings_nobody_up_unless_it_was_given_that(county: World) -> None:
    for scopes, open_ in ((["person.read"], False), (["person.read", "contact.read"], True)):
        async with county.client("duty-1") as duty:
            made = await duty.post(
                f"{API}/me/tokens", json={"name": "报表", "scopes": scopes, "days": 9}
            )
            assert made.status_code == 201, made.text
        async with county.anonymous() as program:
            program.headers["Authorization"] = f"Bearer {made.json()['token']}"
            assert (OWN in (await program.get(PERSON)).text) == open_


async def test_where_there_is_one_town_everybody_rings_up(world: World) -> None:
    """A hub of one town has no office above it."""
    await world.execute("UPDATE region SET level = 'village' WHERE code = '610926102'")
    assert OWN in (await read(world, "admin-1", PERSON)).text


def test_masks() -> None:
    assert masked_address("龙头村一组 12 号") == "龙头村一组 ** 号"
    assert masked_address("龙头村十二号") == "龙头村**号"
    assert masked_address("李家院子后面") == "李家院**"
    assert masked_text("张伟 儿子 13900000001") == "张伟 儿子 139****0001"
    family = [{"name": "甲", "phone": "13911110001"}, {"name": "乙", "phone": "13922220001"}]
    sent = [{"name": "乙", "phone": "139****0001"}, {"name": "甲", "phone": "139****0001"}]
    kept = put_back({"contacts": sent}, "", family)["contacts"]
    assert [one["phone"] for one in kept] == ["13922220001", "13911110001"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("138-0000-0001", "138****0001"),
        ("女儿 0915-123 4567", "女儿 091****4567"),
        ("(0915)1234567、13900000001", "(091****4567、139****0001"),
        ("12345678", "********"),
        ("三层 12 号", "三层 12 号"),
    ],
)
def test_numbers_are_masked_as_people_write_them(text: str, masked: str) -> None:
    assert masked_text(text) == masked


LANDLINES = [
    {"name": "甲", "phone": "12345678"},
    {"name": "乙", "phone": "87654321"},
    {"name": "丙", "phone": "13900000001"},
]


@pytest.mark.parametrize(
    ("sent", "numbers"),
    [
        # One got another name; whose number it is, is said by those that kept theirs.
        ([("甲", "********"), ("乙乙", "********"), ("丙", "139****0001")], "12345678 87654321"),
        ([("甲甲", "********"), ("乙", "********")], "12345678 87654321"),
        ([("丙丙", "139****0001")], "13900000001"),
        # Nobody knows whose it is: not one of the two by chance.
        ([("丁", "********")], None),
        ([("甲甲", "********"), ("乙乙", "********")], None),
    ],
)
def test_a_mask_that_two_have_in_common_is_nobodys_by_chance(
    sent: list[tuple[str, str]], numbers: str | None
) -> None:
    form = {"contacts": [{"name": name, "phone": phone} for name, phone in sent]}
    if numbers is None:
        with pytest.raises(ValueError, match="contacts"):
            put_back(form, "", LANDLINES)
        return
    kept = put_back(form, "", LANDLINES)["contacts"]
    assert " ".join(one["phone"] for one in kept).startswith(numbers)


def test_two_numbers_of_one_name_keep_their_order() -> None:
    two = [{"name": "女儿", "phone": "12345678"}, {"name": "女儿", "phone": "87654321"}]
    form = {"contacts": [{"name": "女儿", "phone": "********"}] * 2}
    assert [one["phone"] for one in put_back(form, "", two)["contacts"]] == ["12345678", "87654321"]
    with pytest.raises(ValueError, match="contacts"):
        put_back({"contacts": form["contacts"][:1]}, "", two)


async def test_who_tries_what_is_not_his_is_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.client("visitor-1") as client:
        assert (await client.get(f"{API}/users")).status_code == 403
        assert (await client.post(f"{PERSON}/contact/open", json=WHY)).status_code == 403
    said = [one.getMessage() for one in caplog.records if one.getMessage().startswith("refused")]
    assert said == [
        "refused: visitor-1 asked for user.read",
        "refused: visitor-1 asked for contact.open",
    ]
