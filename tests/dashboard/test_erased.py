"""After an erasure over HTTP: figures stay, nothing is written any more, a home goes on."""

import json
from pathlib import Path

import pytest

from ledger import register as register_store
from ledger.roster import parse
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.county import ROSTER
from tests.dashboard.erasing import (
    API,
    MARKS,
    NUMBER,
    PERSON,
    erase,
    everything,
    fill,
    found_in,
    later,
)
from tests.dashboard.test_visit_attachments import picture


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
