"""One person one file over HTTP: who is found, files, history, consents, what stays masked."""

import datetime
import json

import pytest

from ledger.forms import id_number
from ledger.persons.telling import told
from ledger.unit_of_work import UnitOfWork
from tests.dashboard.conftest import World, problem_of

BODY = "61092619410302002"
NUMBER = BODY + id_number.check_digit(BODY)
PERSON = "/api/v1/service-users/person-0001"
FILE = f"{PERSON}/file"
TODAY = datetime.date(2026, 11, 23)


async def found(world: World, **asked: object) -> list[str]:
    async with world.client("admin-1") as client:
        answer = await client.get("/api/v1/service-users", params=asked)
    assert answer.status_code == 200, answer.text
    return [person["id"] for person in answer.json()["items"]]


async def test_a_file_is_written_section_by_section(world: World) -> None:
    async with world.client("manager-1") as client:
        empty = (await client.get(FILE)).json()
        assert (empty["version"], empty["changed_by"]) == (0, None)
        assert "id_number" in {item["field"] for item in empty["missing"]}
        body = {"version": 0, "file": {"id_number": NUMBER.lower(), "lives_alone": "yes"}}
        written = (await client.patch(FILE, json=body)).json()
        assert (written["version"], written["changed_by"]["username"]) == (1, "manager-1")
        assert len(empty["missing"]) - len(written["missing"]) == 2
        assert sum(s["missing"] for s in written["sections"]) == len(written["missing"])
        [judged] = written["categories"]
        assert (judged["category"], judged["opinion"]) == ("独居", "agrees")
        doubtful = (await client.patch(FILE, json={"file": {"lives_alone": "no"}})).json()
        assert doubtful["categories"][0]["opinion"] == "doubt"
        # The same once more changes nothing.
        again = (await client.patch(FILE, json={"file": {"lives_alone": "no"}})).json()
        assert again["version"] == doubtful["version"] == 2


async def test_every_field_that_cannot_be_is_told_at_once_and_nothing_is_written(
    world: World,
) -> None:
    body = {
        "file": {
            "id_number": NUMBER[:-1] + "0",
            "children": -1,
            "pension": "x",
            "water_safe": "yes",
        },
        "person": {"categories": ["富有"]},
    }
    async with world.client("manager-1") as client:
        answer = await client.patch(FILE, json=body)
        problem = problem_of(answer)
        assert (answer.status_code, problem["type"]) == (422, "refused")
        refusals = {refusal["field"]: refusal for refusal in problem["errors"]}
        assert set(refusals) == {"id_number", "children", "pension", "categories"}
        assert all(refusal["zh"] and refusal["en"] for refusal in refusals.values())
        assert (await client.get(FILE)).json()["version"] == 0


async def test_the_number_must_agree_with_the_birthday_and_both_may_be_mended_in_one(
    world: World,
) -> None:
    body = "61092619420302002"
    other = body + id_number.check_digit(body)
    async with world.client("manager-1") as client:
        refused = await client.patch(FILE, json={"file": {"id_number": other}})
        assert problem_of(refused)["errors"][0]["code"] == "id_other_birthday"
        both = {"file": {"id_number": other}, "person": {"born": "1942-03-02"}}
        assert (await client.patch(FILE, json=both)).status_code == 200
        # From now on the birthday alone can't be otherwise.
        alone = await client.patch(PERSON, json={"born": "1941-03-02"})
        assert problem_of(alone)["type"] == "refused"


async def test_nobody_is_in_the_book_twice(world: World) -> None:
    async with world.client("admin-1") as client:
        person = {"born": "1941-03-02"}
        assert (await client.patch(FILE, json={"file": {"id_number": NUMBER}})).status_code == 200
        other = FILE.replace("0001", "0002")
        twice = await client.patch(other, json={"file": {"id_number": NUMBER}, "person": person})
        assert problem_of(twice)["errors"][0]["code"] == "id_taken"


async def test_two_officers_do_not_overwrite_each_other(world: World) -> None:
    async with world.client("manager-1") as client:
        assert (await client.patch(FILE, json={"version": 0, "file": {"children": 2}})).is_success
        late = await client.patch(FILE, json={"version": 0, "file": {"children": 3}})
        assert (late.status_code, problem_of(late)["type"]) == (409, "stale")


async def test_identity_numbers_are_told_on_record_only(world: World) -> None:
    members = [{"name": "张伟", "id_number": NUMBER, "relation": "儿子"}]
    async with world.client("manager-1") as client:
        file = {"id_number": NUMBER, "members": members, "disability_number": f"{NUMBER}42"}
        written = await client.patch(FILE, json={"file": file})
        for answer in (written, await client.get(FILE), await client.get(f"{PERSON}/history")):
            assert NUMBER[4:] not in answer.text
            assert "6109**************" in answer.text
        assert (await client.post(f"{FILE}/reveal", json={"reason": ""})).status_code == 422
        told = await client.post(f"{FILE}/reveal", json={"reason": "寻人，配合公安"})
    assert told.json()["id_number"] == NUMBER
    assert told.json()["disability_number"] == f"{NUMBER}42"
    assert told.json()["members"] == [{"name": "张伟", "id_number": NUMBER}]
    assert ("manager-1", "revealed", "person:person-0001") in await world.audited()
    async with world.client("visitor-1") as client:
        assert (await client.post(f"{FILE}/reveal", json={"reason": "why not"})).status_code == 403
    # Entries go to every screen.
    rows = await world.query("SELECT data FROM entry")
    assert NUMBER[4:] not in str(rows)


@pytest.mark.parametrize("name", ["id_number", "disability_number"])
async def test_a_masked_number_sent_back_is_refused_and_not_stored(world: World, name: str) -> None:
    async with world.client("manager-1") as client:
        await client.patch(FILE, json={"file": {name: NUMBER}})
        answer = await client.patch(FILE, json={"file": {name: "6109**************"}})
        assert answer.status_code == 422
        told = await client.post(f"{FILE}/reveal", json={"reason": "checking"})
        assert told.json()[name] == NUMBER


async def test_what_an_older_program_wrote_whole_is_shown_masked(world: World) -> None:
    whole = {"field": "disability_number", "old": "", "new": f"{NUMBER}42"}
    old = told(
        "person-0001", "changed", region="610926101001", actor="x", data={"changes": [whole]}
    )

    def write(unit: UnitOfWork) -> None:
        unit.entry(old)

    await world.writer.change(write)
    async with world.client("manager-1") as client:
        shown = await client.get(f"{PERSON}/history")
    [change] = shown.json()["items"][0]["data"]["changes"]
    assert (change["old"], change["new"]) == ("", "6109**************")


async def test_members_shown_masked_come_back_as_they_are(world: World) -> None:
    members = [
        {"name": "张伟", "id_number": NUMBER, "relation": "儿子"},
        {"name": "张芳", "id_number": "", "relation": "女儿"},
    ]
    async with world.client("manager-1") as client:
        await client.patch(FILE, json={"file": {"members": members}})
        shown = (await client.get(FILE)).json()["file"]["members"]
        shown[0]["health"] = "良好"
        assert (await client.patch(FILE, json={"file": {"members": shown}})).status_code == 200
        told = (await client.post(f"{FILE}/reveal", json={"reason": "checking"})).json()
        assert [member["id_number"] for member in told["members"]] == [NUMBER, ""]
        # A mask that is nobody's number is no number.
        shown[1]["id_number"] = "1234**************"
        refused = await client.patch(FILE, json={"file": {"members": shown}})
        assert problem_of(refused)["errors"][0]["field"] == "members[1].id_number"


async def test_who_may_not_read_people_learns_how_complete_a_file_is(world: World) -> None:
    async with world.client("manager-1") as client:
        await client.patch(FILE, json={"file": {"ethnicity": "汉族", "lives_alone": "yes"}})
    async with world.client("auditor-1") as client:
        answer = await client.get(FILE)
        assert answer.json()["name"] == "张**"
        assert answer.json()["file"] is None
        assert answer.json()["missing"] != []
        assert "汉族" not in answer.text
        assert (await client.get(f"{PERSON}/history")).status_code == 403


async def test_the_history_has_who_when_old_and_new(world: World) -> None:
    async with world.client("manager-1") as client:
        await client.patch(PERSON, json={"phone": "13800000009"})
        await client.patch(FILE, json={"file": {"children": 2}, "reason": "入户核查"})
        first = (await client.get(f"{PERSON}/history", params={"limit": 1})).json()
        [newest] = first["items"]
        rest = (await client.get(f"{PERSON}/history", params={"before": first["next"]})).json()
    assert (newest["fact"], newest["actor_name"], newest["reason"]) == (
        "changed",
        "人manager-1",
        "入户核查",
    )
    assert newest["data"]["changes"] == [
        {"field": "children", "old": None, "new": 2, "zh": "子女人数", "en": "Number of children"}
    ]
    [older] = rest["items"]
    assert older["data"]["changes"][0]["old"] == "13800000001"
    assert rest["next"] is None


async def test_a_change_is_heard_by_who_may_read_people(world: World) -> None:
    subscription = world.feed.subscribe()
    async with world.client("manager-1") as client:
        await client.patch(FILE, json={"file": {"children": 2}})
    [event] = [e for e in await subscription.take(5) if e.topic == "person"]
    assert json.loads(event.payload)["object"] is None
    assert event.region == "610926101001"


@pytest.mark.parametrize(
    "typed",
    ["张桂英", "桂", "zhang", "zgy", "13800000001", "0001", "龙头村一组", "12号", "person-0001"],
)
async def test_a_person_is_found_by(world: World, typed: str) -> None:
    assert "person-0001" in await found(world, q=typed)


async def test_who_fits_best_comes_first_and_pages_follow(world: World) -> None:
    async with world.client("admin-1") as client:
        for number, name in enumerate(("王桂", "桂英", "王桂英", "贵英")):
            await client.post(
                "/api/v1/service-users",
                json={"id": f"p-{number}", "home": "home-0001", "name": name},
            )
        whole = await found(world, q="桂英")
        assert whole == ["p-1", "p-2", "person-0001"]
        seen, after = [], None
        while True:
            asked = {"q": "guiying", "limit": 2, **({"after": after} if after else {})}
            page = (await client.get("/api/v1/service-users", params=asked)).json()
            assert page["total"] == 4
            seen += [person["id"] for person in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == ["p-1", "p-3", "p-2", "person-0001"]
        bad = await client.get("/api/v1/service-users", params={"after": "x"})
        assert bad.status_code == 422


async def test_a_person_is_found_by_the_whole_number_only(world: World) -> None:
    async with world.client("manager-1") as client:
        await client.patch(FILE, json={"file": {"id_number": NUMBER}})
    assert await found(world, q=NUMBER) == ["person-0001"]
    assert await found(world, q=NUMBER[:17]) == []


async def test_what_is_written_anew_is_found_by_what_is_new(world: World) -> None:
    async with world.client("admin-1") as client:
        await client.patch(PERSON, json={"name": "仇桂英"})
        await client.patch("/api/v1/homes/home-0001", json={"address": "松树岭 9 号"})
    assert await found(world, q="zhangguiying") == []
    assert await found(world, q="qiuguiying") == ["person-0001"]
    assert await found(world, q="松树岭") == ["person-0001"]
    assert await found(world, q="龙头村") == []


async def test_lists_are_filtered(world: World) -> None:
    assert await found(world, category="独居") == ["person-0001"]
    assert await found(world, grade="重度") == []
    assert await found(world, visitor="visitor-2") == ["person-0002"]
    assert await found(world, region="610926102") == ["person-0002"]
    assert await found(world, incomplete=True) == ["person-0001", "person-0002"]
    assert await found(world, incomplete=False) == []
    await world.execute(
        "INSERT INTO person_file VALUES ('person-0002', 1, '{}', '', 0, 0, 'admin-1', NULL)"
    )
    assert await found(world, incomplete=False) == ["person-0002"]
    async with world.client("admin-1") as client:
        wrong = await client.get("/api/v1/service-users", params={"consent": "x"})
        assert wrong.status_code == 422


CONSENT = {"purpose": "devices", "given_by": "张桂英", "relation": "self", "how": "fingerprint"}


async def test_a_consent_is_given_and_withdrawn_and_both_stay(world: World) -> None:
    url = f"{PERSON}/consents"
    async with world.client("manager-1") as client:
        given = await client.post(url, json=CONSENT)
        assert given.status_code == 201, given.text
        [consent] = given.json()["items"]
        assert (consent["holds"], consent["given_on"]) == (True, "2026-11-23")
        assert given.json()["needed"] == ["health"]
        assert await found(world, consent="devices") == ["person-0002"]
        end = {"withdrawn_by": "张桂英", "reason": "不想装了"}
        ended = await client.post(f"{url}/{consent['id']}/withdraw", json=end)
        [consent] = ended.json()["items"]
        assert (consent["holds"], consent["withdrawn_by"]) == (False, "张桂英")
        assert await found(world, consent="devices") == ["person-0001", "person-0002"]
        twice = await client.post(f"{url}/{consent['id']}/withdraw", json=end)
        assert (twice.status_code, problem_of(twice)["type"]) == (409, "already_withdrawn")
        other = f"/api/v1/service-users/person-0002/consents/{consent['id']}/withdraw"
        assert (await client.post(other, json=end)).status_code == 404
        facts = [e["fact"] for e in (await client.get(f"{PERSON}/history")).json()["items"]]
    assert facts == ["consent_withdrawn", "consent_given"]


async def test_a_consent_that_ran_out_does_not_hold(world: World) -> None:
    url = f"{PERSON}/consents"
    async with world.client("manager-1") as client:
        days = {"given_on": "2026-01-01", "until_on": "2026-11-22"}
        document = (await client.post(url, json={**CONSENT, **days})).json()
        assert document["items"][0]["holds"] is False
        wrong = await client.post(url, json={**CONSENT, "purpose": "x", "how": "y"})
        assert {r["field"] for r in problem_of(wrong)["errors"]} == {"purpose", "how"}
    assert "person-0001" in await found(world, consent="devices")


async def test_what_lies_in_another_region_is_not_there(world: World) -> None:
    async with world.client("manager-1") as client:
        for path in ("file", "history", "consents"):
            url = f"/api/v1/service-users/person-0002/{path}"
            assert (await client.get(url)).status_code == 404
        url = "/api/v1/service-users/person-0002"
        assert (await client.patch(f"{url}/file", json={"file": {}})).status_code == 404
        assert (await client.post(f"{url}/consents", json=CONSENT)).status_code == 404
        answer = await client.get("/api/v1/service-users", params={"q": "wangxiulan"})
        assert answer.json() == {"items": [], "next": None, "total": 0}
