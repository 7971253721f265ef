"""People of the register: who is found, who sees what, and that each look is written down."""

import pytest

from tests.dashboard.conftest import World, problem_of


@pytest.mark.parametrize(
    ("q", "found"), [("12 号", 1), ("桂", 1), ("home-", 1), ("%", 0), ("_", 0), ("王秀兰", 0)]
)
async def test_search(world: World, q: str, found: int) -> None:
    async with world.client("duty-1") as client:
        answer = await client.get("/api/v1/homes", params={"q": q})
    assert len(answer.json()["items"]) == found


async def test_masking_for_the_auditor(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as duty:
        await duty.post(
            f"/api/v1/alarms/{alarm}/close",
            json={"outcome": "social", "note": "张桂英想找人说话"},
        )
    secrets = ["张桂英", "13800000001", "13900000001", "高血压", "12 号", "李婶", "32.38"]
    paths = ["alarms", f"alarms/{alarm}", "tasks", "homes", "homes/home-0001", "visits"]
    async with world.client("auditor-1") as auditor:
        for path in paths:
            text = (await auditor.get(f"/api/v1/{path}")).text
            for secret in secrets:
                assert secret not in text, f"{secret} in {path}"
        shown = (await auditor.get(f"/api/v1/alarms/{alarm}")).json()
        assert (await auditor.get("/api/v1/homes?q=桂")).json()["items"] == []
    assert shown["persons"][0]["name"] == "张**"
    assert shown["persons"][0]["phone"] == "138****0001"
    assert shown["home"]["region_path"] == ["平利县", "城关镇", "龙头村"]


async def test_the_installer_finds_the_house_and_learns_nothing_of_health(world: World) -> None:
    async with world.client("installer-1") as installer:
        home = (await installer.get("/api/v1/homes/home-0001")).json()
    assert home["address"] == "龙头村一组 12 号"
    assert home["persons"] == [{"id": "person-0001", "name": "张**", "age": 85}]
    assert home["alarms"] == []


async def test_every_view_of_a_person_is_logged(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        for path in (
            f"alarms/{alarm}",
            "homes/home-0001",
            "service-users/person-0001",
            "alarms",
            "service-users",
            "readings?device=gw-0001/meter-0001",
        ):
            assert (await client.get(f"/api/v1/{path}")).status_code == 200
    seen = {(action, object_) for actor, action, object_ in await world.audited()}
    assert seen >= {
        ("viewed", f"alarm:{alarm}"),
        ("viewed", "home:home-0001"),
        ("viewed", "person:person-0001"),
        ("viewed", "readings:gw-0001/meter-0001"),
        ("listed", "alarms"),
        ("listed", "persons"),
    }
    async with world.client("admin-1") as admin:
        answer = await admin.get("/api/v1/audit", params={"object": "person:person-0001"})
    shown = [(row["actor"], row["actor_name"]) for row in answer.json()["items"]]
    assert shown == [("duty-1", "人duty-1")]


async def test_people_come_and_change(world: World) -> None:
    new = {
        "home": "home-0001",
        "name": "张大山",
        "sex": "M",
        "born": "1939-05-01",
        "categories": ["空巢"],
        "contacts": [{"name": "张伟", "phone": "13900000001"}],
    }
    async with world.client("manager-1") as client:
        made = await client.post("/api/v1/service-users", json=new)
        assert made.status_code == 201, made.text
        person = made.json()
        assert (person["age"], person["home"]["id"]) == (87, "home-0001")
        url = f"/api/v1/service-users/{person['id']}"
        changed = (await client.patch(url, json={"phone": "13800000009"})).json()
        assert changed == {**person, "phone": "13800000009"}
        for body, field in (
            ({"born": "1939-13-01"}, "born"),
            ({"visitor": "nobody"}, "visitor"),
            ({"categories": ["富有"]}, "categories"),
            ({"name": ""}, "name"),
            ({"contacts": [{"name": "x"}]}, "contacts.0.phone"),
            ({"id": "other"}, "id"),
        ):
            answer = await client.patch(url, json=body)
            assert (answer.status_code, problem_of(answer)["field"]) == (422, field), body
    # The feed's register follows at once.
    names = [p["name"] for p in world.register.index.persons["home-0001"]]
    assert sorted(names) == sorted(["张桂英", "张大山"])
