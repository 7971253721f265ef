"""Erasing over HTTP: in two steps, and nothing is left of what was said of the person."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch.copies import back_up
from hearthwatch.hub_config import HubConfig
from ledger import register as register_store
from ledger.chain_check import check
from ledger.erasure import kept
from ledger.forms import id_number
from ledger.place import SqliteBook
from ledger.plan_words import say
from ledger.roster import parse
from ledger.sealing.ring import Ring
from ledger.visiting.said import Said
from tests.dashboard.conftest import NOW_MS, ROSTER, World, problem_of
from tests.dashboard.test_visit_attachments import SIGNED, picture
from tests.dashboard.test_visit_record import report

DAY_MS = 86_400_000
API = "/api/v1"
PERSON = f"{API}/service-users/person-0001"
BODY = "61092619410302002"
NUMBER = BODY + id_number.check_digit(BODY)
LATER_MS = NOW_MS + 1097 * DAY_MS
# Typed into every field that may hold words about a person; nothing else has them.
MARKS = {
    "phone": "13899990001",
    "condition": "标记病史甲",
    "medication": "标记用药乙",
    "allergy": "标记过敏丙",
    "hearing": "标记听力丁",
    "contact": "标记联系人戊",
    "contact_phone": "13899990002",
    "number": NUMBER,
    "address": "标记户籍己",
    "member": "标记家人庚",
    "support": "标记支持辛",
    "consent": "标记同意壬",
    "consent_note": "标记备注癸",
    "withdrawn": "标记撤回子",
    "record": "标记记录丑",
    "corrected": "标记更正寅",
    "reason": "标记理由卯",
    "void": "标记作废辰",
    "need": "标记需求巳",
    "agreed": "标记同意人午",
    "care": "标记照料未",
    "why": "标记原因申",
    "raised": "标记加访酉",
    "stay": "标记外出戌",
    "reveal": "标记查看亥",
    "printed": "标记打印亥",
}


async def fill(world: World) -> dict[str, str]:
    """Every mark into its field, by the routes that people use. Returns ids."""
    async with world.client("admin-1") as admin, world.client("visitor-1") as visitor:
        await _file(admin)
        ids = await _visits(visitor)
        await _care(admin)
        times = {"start": "2026-11-23T09:00:00Z", "until": "2026-11-26T00:00:00Z"}
        stay = {"kind": "away", **times, "person": "person-0001", "note": MARKS["stay"]}
        done = await admin.post(f"{API}/homes/home-0001/stays", json=stay)
        assert done.status_code < 300, done.text
    said = Said(
        kind="move",
        service_user="person-0001",
        region=None,
        from_day=20_790,
        until_day=20_790,
        to_day=20_791,
        reason=MARKS["raised"],
    )
    await world.writer.change(lambda unit: say(unit, said, "admin-1", "610926101001"))
    return ids


async def _file(admin) -> None:
    register = {
        "phone": MARKS["phone"],
        "conditions": [MARKS["condition"]],
        "medication": [MARKS["medication"]],
        "allergies": [MARKS["allergy"]],
        "hearing": MARKS["hearing"],
        "contacts": [
            {"name": MARKS["contact"], "relation": "女儿", "phone": MARKS["contact_phone"]}
        ],
    }
    file = {
        "id_number": NUMBER,
        "registered_address": MARKS["address"],
        "members": [{"name": MARKS["member"], "relation": "儿子"}],
        "support": MARKS["support"],
        "seriously_ill": "yes",
    }
    body = {"person": register, "file": file, "reason": MARKS["why"]}
    done = await admin.patch(f"{PERSON}/file", json=body, headers={"Idempotency-Key": "file-1"})
    assert done.status_code < 300, done.text
    given = {
        "purpose": "health",
        "given_by": MARKS["consent"],
        "relation": "family",
        "how": "signed",
        "note": MARKS["consent_note"],
    }
    done = await admin.post(f"{PERSON}/consents", json=given)
    assert done.status_code < 300, done.text
    consent = done.json()["items"][0]["id"]
    body = {"withdrawn_by": MARKS["withdrawn"], "reason": MARKS["withdrawn"]}
    done = await admin.post(f"{PERSON}/consents/{consent}/withdraw", json=body)
    assert done.status_code < 300, done.text
    done = await admin.post(f"{PERSON}/file/reveal", json={"reason": MARKS["reveal"]})
    assert done.json()["id_number"] == NUMBER
    asked = {"numbers": "true", "reason": MARKS["printed"]}
    assert (await admin.get(f"{PERSON}/annex3.docx", params=asked)).status_code == 200


async def _visits(visitor) -> dict[str, str]:
    record = {"mood": "worse", "services": [1], "satisfaction": "satisfied"}
    visit = await report(visitor, "visit-1", record={**record, "needs": MARKS["record"]})
    path = f"{API}/visits/{visit['id']}"
    body = {"reason": MARKS["reason"], "record": {"needs": MARKS["corrected"]}}
    done = await visitor.post(f"{path}/corrections", json=body)
    assert done.status_code < 300, done.text
    for kind, content in (("photo", picture()), ("signature_person", json.dumps(SIGNED).encode())):
        done = await visitor.post(f"{path}/attachments", params={"kind": kind}, content=content)
        assert done.status_code < 300, done.text
    attachments = done.json()["attachments"]
    other = await report(visitor, visited_at="2026-11-20T07:30:00Z")
    done = await visitor.post(f"{API}/visits/{other['id']}/void", json={"reason": MARKS["void"]})
    assert done.status_code < 300, done.text
    return {"visit": visit["id"], "photo": attachments[0]["id"], "signature": attachments[1]["id"]}


async def _care(admin) -> None:
    body = {"person": "person-0001", "service": "meals", "need": MARKS["need"]}
    made = await admin.post(f"{API}/referrals", json=body)
    assert made.status_code == 201, made.text
    withdrawn = {"reason": MARKS["agreed"]}
    done = await admin.post(f"{API}/referrals/{made.json()['id']}/withdraw", json=withdrawn)
    assert done.status_code < 300, done.text
    line = {
        "person": "person-0001",
        "service": "meals",
        "who": MARKS["care"],
        "served_at": "2026-11-23T07:00:00Z",
        "note": MARKS["care"],
    }
    done = await admin.post(f"{API}/care-lines", json=line)
    assert done.status_code < 300, done.text


def everything(folder: Path) -> bytes:
    """What a thief of the disk has, but for the keys; and the text of a copy."""
    found = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "keys" not in path.parts:
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as file:
                    found += b"".join(file.read(name) for name in file.namelist())
            else:
                found += path.read_bytes()
    return found


def found_in(content: bytes, marks) -> set[str]:
    return {
        name
        for name, mark in marks.items()
        if mark.encode() in content or mark.encode("unicode_escape") in content
    }


def later(world: World) -> None:
    """When no record has to be kept any more; whoever was signed in no longer is."""
    world.clock.at_ms = world.clock.wall_at_ms = LATER_MS
    world.tokens.clear()


async def erase(world: World, username: str = "admin-1"):
    async with world.client(username) as client:
        plan = (await client.get(f"{PERSON}/erasure")).json()
        body = {"reason": "本人要求", "confirm": plan["confirm"]}
        return await client.post(f"{PERSON}/erase", json=body)


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


async def test_figures_stay_what_they_were(world: World) -> None:
    await fill(world)
    path = f"{API}/reports/period?period=2026-11"
    async with world.client("admin-1") as admin:
        before = (await admin.get(path)).json()
        later(world)
    assert (await erase(world)).status_code == 200
    async with world.client("admin-1") as admin:
        after = (await admin.get(path)).json()
    assert before["figures"]["worse"] == {"mood": 1}
    assert before["figures"]["satisfaction"] == {"satisfied": 1}
    assert before["figures"]["people"]["high_age"] == 2
    assert (after["figures"], after["care"]) == (before["figures"], before["care"])


PLACES = (
    "service-users",
    "service-users/person-0001",
    "service-users/person-0001/file",
    "service-users/person-0001/history",
    "service-users/person-0001/consents",
    "service-users/person-0001/annex3.pdf",
    "service-users/person-0001/file.pdf",
    "homes",
    "homes/home-0001",
    "homes/home-0001/stays",
    "visits",
    "visits/{visit}",
    "visits/{visit}/annex4.pdf",
    "plan",
    "plan/summary",
    "plan/people",
    "reports/rows?period=2026-11&subject=person&group=people&word=all",
    "referrals",
    "care-lines",
    "alarms",
    "tasks",
    "unseen",
    "unreachable",
    "exports/persons.csv",
    "exports/visits.csv",
    "exports/care.csv",
)


async def test_who_was_erased_is_shown_so_everywhere(world: World) -> None:
    ids = await fill(world)
    later(world)
    assert (await erase(world)).status_code == 200
    async with world.client("admin-1") as admin:
        for place in PLACES:
            answer = await admin.get(f"{API}/{place.format(**ids)}")
            assert answer.status_code == 200, (place, answer.text)
            assert "张桂英".encode() not in answer.content, place
            assert found_in(answer.content, MARKS) == set(), place
        shown = (await admin.get(PERSON)).json()
        assert (shown["name"], shown["phone"], shown["contacts"]) == ("已删除", "", [])
        for gone in (ids["photo"], ids["signature"]):
            answer = await admin.get(f"{API}/visits/{ids['visit']}/attachments/{gone}")
            assert (answer.status_code, problem_of(answer)["type"]) == (410, "erased")
        for typed in (MARKS["phone"], "0001", NUMBER, "zgy", "张桂英"):
            found = (await admin.get(f"{API}/service-users", params={"q": typed})).json()
            assert "person-0001" not in {p["id"] for p in found["items"]}, typed
        for none in ("tier", "vitals.fhir.json", "month", "vitals"):
            answer = await admin.get(f"{PERSON}/{none}")
            assert (answer.status_code, problem_of(answer)["type"]) == (410, "erased"), none
        planned = (await admin.get(f"{API}/plan/people")).json()
        assert "person-0001" not in json.dumps(planned)


async def test_nothing_is_written_about_who_was_erased(world: World) -> None:
    """A telephone that was out of reach brings what it had; a list and a second try come again."""
    await fill(world)
    later(world)
    assert (await erase(world)).status_code == 200
    async with world.client("visitor-1") as visitor, world.client("admin-1") as admin:
        body = {"home": "home-0001", "service_user": "person-0001", "way": "phone"}
        late = {**body, "visited_at": "2029-11-23T07:30:00Z", "record": {"needs": "x"}}
        consent = {"purpose": "health", "given_by": "张伟", "relation": "family", "how": "signed"}
        for client, method, path, document in (
            (visitor, "POST", f"{API}/visits", late),
            (admin, "PATCH", PERSON, {"name": "张桂英"}),
            (admin, "PATCH", f"{PERSON}/file", {"file": {"support": "x"}}),
            (admin, "POST", f"{PERSON}/consents", consent),
        ):
            answer = await client.request(method, path, json=document)
            assert (answer.status_code, problem_of(answer)["type"]) == (410, "erased"), path
    await world.writer.change(lambda unit: register_store.store(unit, parse(ROSTER)))
    [[name]] = await world.query("SELECT name FROM service_user WHERE id = 'person-0001'")
    assert name == "已删除"


async def test_the_countys_manager_may(world: World) -> None:
    await world.execute("UPDATE account SET region = '610926' WHERE username = 'manager-1'")
    async with world.client("manager-1") as client:
        assert "person.erase" in (await client.get(f"{API}/me")).json()["can"]
    assert (await erase(world, "manager-1")).status_code == 200


@pytest.mark.parametrize("reason", ["张桂英本人要求", "身份证 61092619410302002X 重复", ""])
async def test_a_reason_that_stays_for_good_names_nobody(world: World, reason: str) -> None:
    async with world.client("admin-1") as client:
        plan = (await client.get(f"{PERSON}/erasure")).json()
        body = {"reason": reason, "confirm": plan["confirm"]}
        answer = await client.post(f"{PERSON}/erase", json=body)
        assert (answer.status_code, problem_of(answer)["field"]) == (422, "reason")
        assert (await client.get(PERSON)).json()["erased_at"] is None


async def test_who_was_in_the_service_is_so_no_longer(world: World) -> None:
    """Else whoever counts or calls those in the service would count and call her for good."""
    path = f"{API}/reports/period?period="
    async with world.client("admin-1") as admin:
        before = [(await admin.get(f"{path}{month}")).json() for month in ("2026-10", "2026-11")]
    assert (await erase(world)).status_code == 200
    async with world.client("admin-1") as admin:
        shown = (await admin.get(PERSON)).json()
        after = [(await admin.get(f"{path}{month}")).json() for month in ("2026-10", "2026-11")]
        home = (await admin.get(f"{API}/homes/home-0001")).json()
    assert (shown["left_on"], shown["left_why"]) == ("2026-11-23", "other")
    assert shown["erased_at"] == "2026-11-23T08:00:00.000Z"
    assert home["persons"] == []
    assert after[0]["figures"] == before[0]["figures"]
    was, now = (found[1]["figures"]["people"]["all"] for found in (before, after))
    assert now == was - 1


async def test_who_is_due_is_listed_until_she_is_erased(world: World) -> None:
    async with world.client("admin-1") as admin:
        for left_on in ("2026-11-20", "2023-11-20"):
            fields = {"left_on": left_on, "left_why": "moved"}
            done = await admin.patch(f"{PERSON}/file", json={"person": fields, "reason": "登记"})
            assert done.status_code == 200, done.text
            due = (await admin.get(f"{API}/erasures/due")).json()
            # Her file was changed just now: that is the younger record.
            assert (due["items"], due["records_days"]) == ([], 1096)
    later(world)
    async with world.client("admin-1") as admin:
        [item] = (await admin.get(f"{API}/erasures/due")).json()["items"]
    assert (item["id"], item["name"], item["left_on"]) == ("person-0001", "张桂英", "2023-11-20")
    assert (await erase(world)).status_code == 200
    async with world.client("admin-1") as admin:
        assert (await admin.get(f"{API}/erasures/due")).json()["items"] == []


async def test_her_own_photo_lies_sealed_and_goes_with_her(world: World, tmp_path: Path) -> None:
    given = {"purpose": "photo", "given_by": "张桂英", "relation": "self", "how": "signed"}
    async with world.client("admin-1") as admin:
        assert (await admin.post(f"{PERSON}/consents", json=given)).status_code == 201
        done = await admin.put(f"{PERSON}/photo", content=picture())
        assert done.status_code == 200, done.text
        shown = await admin.get(f"{PERSON}/photo")
        plan = (await admin.get(f"{PERSON}/erasure")).json()
    assert plan["goes"]["photo"] == 1
    [[stored]] = await world.query("SELECT bytes FROM person_photo")
    assert shown.content[:2] == b"\xff\xd8"
    assert shown.content not in bytes(stored)
    assert shown.content not in everything(tmp_path)
    assert (await erase(world)).status_code == 200
    assert await world.query("SELECT 1 FROM person_photo") == []
    async with world.client("admin-1") as admin:
        assert (await admin.get(PERSON)).json()["photo"] == ""
        assert (await admin.get(f"{PERSON}/photo")).status_code == 404
        again = await admin.put(f"{PERSON}/photo", content=picture())
    assert (again.status_code, problem_of(again)["type"]) == (410, "erased")


async def test_erasing_twice_is_as_once(world: World) -> None:
    body = {"reason": "重复建档", "confirm": "0" * 16}
    first = (await erase(world)).json()
    async with world.client("admin-1") as admin:
        again = await admin.post(f"{PERSON}/erase", json=body)
    assert again.status_code == 200
    assert again.json()["erased_at"] == first["erased_at"]
    assert len(await world.query("SELECT 1 FROM entry WHERE fact = 'erased'")) == 1


async def test_a_home_goes_on_with_who_comes_after(world: World) -> None:
    stay = {"kind": "away", "until": "2026-12-01T00:00:00Z", "note": "先前"}
    async with world.client("admin-1") as admin:
        assert (await admin.post(f"{API}/homes/home-0001/stays", json=stay)).status_code < 300
    assert (await erase(world)).status_code == 200
    async with world.client("admin-1") as admin:
        body = {"id": "person-0009", "home": "home-0001", "name": "李兰"}
        assert (await admin.post(f"{API}/service-users", json=body)).status_code == 201
        after = {**stay, "note": "新来的人"}
        assert (await admin.post(f"{API}/homes/home-0001/stays", json=after)).status_code < 300
        stays = (await admin.get(f"{API}/homes/home-0001/stays")).json()["items"]
        assert sorted(s["note"] for s in stays) == ["", "新来的人"]
    owners = {str(row[0]) for row in await world.query("SELECT owner FROM person_key")}
    assert {"home:home-0001", "home:home-0001/2", "person-0001"} <= owners


async def test_links_of_her_family_go_with_her(world: World) -> None:
    given = {"purpose": "family_view", "given_by": "张桂英", "relation": "self", "how": "signed"}
    async with world.client("admin-1") as admin:
        assert (await admin.post(f"{PERSON}/consents", json=given)).status_code == 201
        made = await admin.post(f"{PERSON}/family-links", json={"relation": "女儿标记"})
        assert made.status_code == 201, made.text
    path = made.json()["made"]["address"].rpartition("/f/")[2]
    async with world.anonymous() as client:
        assert (await client.get(f"{API}/family/{path}")).status_code == 200
    looks = "SELECT detail FROM audit WHERE object = 'family:person-0001'"
    assert [row[0] for row in await world.query(looks)] == ["女儿标记"]
    assert (await erase(world)).status_code == 200
    assert await world.query("SELECT 1 FROM family_link") == []
    assert [row[0] for row in await world.query(looks)] == [""]
    async with world.anonymous() as client:
        assert (await client.get(f"{API}/family/{path}")).status_code == 404
