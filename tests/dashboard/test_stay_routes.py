"""Stays over HTTP: set, seen, ended; who may, and what is refused."""

import pytest

from contract.moment import to_iso
from tests.dashboard.conftest import NOW_MS, World

DAY_MS = 86_400_000
PATH = "/api/v1/homes/home-0001/stays"


def body(**changes) -> dict:
    return {"kind": "away", "until": to_iso(NOW_MS + 5 * DAY_MS), "note": "去儿子家", **changes}


async def test_set_seen_and_ended(world: World) -> None:
    async with world.client("duty-1") as client:
        made = await client.post(PATH, json=body(), headers={"Idempotency-Key": "one"})
        again = await client.post(PATH, json=body(), headers={"Idempotency-Key": "one"})
        assert (made.status_code, again.status_code) == (201, 201)
        stay = made.json()
        assert again.json()["id"] == stay["id"]
        assert stay["created_by"] == {"username": "duty-1", "name": stay["created_by"]["name"]}
        assert (stay["from"], stay["ended_at"], stay["person"]) == (to_iso(NOW_MS), None, None)
        [listed] = (await client.get(PATH)).json()["items"]
        assert listed == stay
        [home] = (await client.get("/api/v1/homes")).json()["items"]
        assert home["staying"] == ["away"]
        for _ in range(2):
            ended = (await client.post(f"{PATH}/{stay['id']}/end", json={})).json()
            assert (ended["ended_how"], ended["ended_by"]["username"]) == ("user", "duty-1")
        [home] = (await client.get("/api/v1/homes")).json()["items"]
        assert home["staying"] == []
        assert (await client.post(f"{PATH}/nothing/end", json={})).status_code == 404
    facts = await world.query("SELECT fact, actor, region FROM entry WHERE topic = 'stay'")
    assert [tuple(f) for f in facts] == [
        ("set", "duty-1", "610926101001"),
        ("ended", "duty-1", "610926101001"),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": to_iso(NOW_MS)}, "until"),
        ({"until": to_iso(NOW_MS + 91 * DAY_MS)}, "until"),
        ({"until": "tomorrow"}, "until"),
        ({"start": to_iso(NOW_MS - 8 * DAY_MS)}, "start"),
        ({"start": to_iso(NOW_MS + 6 * DAY_MS)}, "until"),
        ({"person": "person-0002"}, "person"),
        ({"kind": "holiday"}, "kind"),
    ],
)
async def test_what_is_refused(world: World, changes, field) -> None:
    async with world.client("duty-1") as client:
        answer = await client.post(PATH, json=body(**changes))
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    ("username", "status"),
    [
        ("duty-1", 201),
        ("manager-1", 201),
        ("admin-1", 201),
        ("visitor-1", 201),  # responsible for who lives here
        ("visitor-3", 404),  # of the town, and responsible for others
        ("visitor-2", 404),  # of another town
        ("duty-2", 404),
        ("installer-1", 403),
        ("auditor-1", 403),
    ],
)
async def test_who_may(world: World, username, status) -> None:
    async with world.client(username) as client:
        assert (await client.post(PATH, json=body())).status_code == status


async def test_notes_are_for_those_who_may_read_of_people(world: World) -> None:
    async with world.client("duty-1") as client:
        await client.post(PATH, json=body(person="person-0001"))
    async with world.client("auditor-1") as client:
        [stay] = (await client.get(PATH)).json()["items"]
    assert (stay["note"], stay["person_name"]) == ("***", "张**")


async def test_a_home_has_room_for_a_few(world: World) -> None:
    async with world.client("duty-1") as client:
        answers = [(await client.post(PATH, json=body())).status_code for _ in range(9)]
    assert answers == [201] * 8 + [409]
