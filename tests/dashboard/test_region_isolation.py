"""Nobody reads or changes what their region doesn't give them: it isn't there for them."""

import pytest

from tests.dashboard.conftest import World, problem_of

READS = [
    "alarms/{alarm}",
    "tasks/{task}",
    "homes/home-0001",
    "service-users/person-0001",
    "gateways/gw-0001",
    "readings?device=gw-0001/meter-0001",
]
CHANGES = [
    ("POST", "alarms/{alarm}/acknowledge", {}),
    ("POST", "alarms/{alarm}/assign", {"assignee": "visitor-2"}),
    ("POST", "alarms/{alarm}/close", {"outcome": "test"}),
    ("POST", "tasks/{task}/accept", {}),
    ("POST", "tasks/{task}/depart", {}),
    ("POST", "tasks/{task}/arrive", {}),
    ("POST", "tasks/{task}/complete", {"finding": "x"}),
    ("PATCH", "homes/home-0001", {"address": "x"}),
    ("PATCH", "service-users/person-0001", {"phone": "1"}),
    ("PATCH", "devices/gw-0001/button-0001", {"label": "x"}),
    ("PATCH", "gateways/gw-0001", {"name": "x"}),
]
LISTS = [
    "alarms",
    "tasks",
    "visits",
    "homes",
    "service-users",
    "devices",
    "gateways",
    "assignees",
    "homes?q=张桂英",
    "alarms?region=610926101",
    "alarms?home=home-0001",
    "devices?gateway=gw-0001",
    "visits?home=home-0001",
]


@pytest.fixture
async def ids(world: World) -> dict[str, str]:
    alarm = await world.raise_alarm()
    [[task]] = await world.query("SELECT task FROM alarm WHERE id = ?", alarm)
    async with world.client("visitor-1") as client:
        answer = await client.post(
            "/api/v1/visits",
            json={
                "home": "home-0001",
                "service_user": "person-0001",
                "way": "phone",
                "visited_at": "2026-11-23T07:00:00Z",
            },
        )
        assert answer.status_code == 201, answer.text
    # Managers of the other town, who may change things there.
    await world.execute("UPDATE account SET role = 'manager' WHERE username = 'duty-2'")
    return {"alarm": alarm, "task": task}


@pytest.mark.parametrize("path", READS)
async def test_reading(world: World, ids: dict[str, str], path: str) -> None:
    url = f"/api/v1/{path.format(**ids)}"
    async with world.client("duty-2") as stranger, world.client("manager-1") as owner:
        assert (await owner.get(url)).status_code == 200
        answer = await stranger.get(url)
    assert (answer.status_code, problem_of(answer)["type"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_changing(
    world: World, ids: dict[str, str], method: str, path: str, body: dict[str, str]
) -> None:
    before = await world.query("SELECT count(*) FROM entry")
    async with world.client("duty-2") as stranger:
        answer = await stranger.request(method, f"/api/v1/{path.format(**ids)}", json=body)
    assert (answer.status_code, problem_of(answer)["type"]) == (404, "not_found")
    assert await world.query("SELECT count(*) FROM entry") == before


@pytest.mark.parametrize("path", LISTS)
async def test_listing(world: World, ids: dict[str, str], path: str) -> None:
    async with world.client("duty-2") as stranger, world.client("manager-1") as owner:
        theirs = (await stranger.get(f"/api/v1/{path}")).text
        mine = (await owner.get(f"/api/v1/{path}")).json()["items"]
    assert mine
    for secret in ("张桂英", "home-0001", "gw-0001", "person-0001", "visitor-1", "13900000001"):
        assert secret not in theirs, path


async def test_moving_things_across_the_border(world: World, ids: dict[str, str]) -> None:
    moves = [
        ("PATCH", "homes/home-0002", {"region": "610926101001"}, "region"),
        ("PATCH", "service-users/person-0002", {"home": "home-0001"}, "home"),
        ("PATCH", "devices/gw-0002/button-0001", {"home": "home-0001"}, "home"),
        ("PATCH", "gateways/gw-0002", {"region": "610926101001"}, "region"),
        ("POST", "homes", {"region": "610926101001", "address": "x"}, "region"),
        ("POST", "service-users", {"home": "home-0001", "name": "x"}, "home"),
        ("POST", "devices", {"gateway": "gw-0001", "device": "x"}, "gateway"),
        ("POST", "gateways", {"id": "gw-9", "region": "610926101001"}, "region"),
        (
            "POST",
            "visits",
            {"home": "home-0001", "way": "phone", "visited_at": "2026-11-23T07:00:00Z"},
            "home",
        ),
    ]
    async with world.client("duty-2") as stranger:
        for method, path, body, field in moves:
            answer = await stranger.request(method, f"/api/v1/{path}", json=body)
            assert (answer.status_code, problem_of(answer)["field"]) == (422, field), path


async def test_the_numbers_are_of_the_region(world: World, ids: dict[str, str]) -> None:
    async with world.client("duty-2") as other, world.client("duty-1") as own:
        theirs = (await other.get("/api/v1/summary")).json()
        mine = (await own.get("/api/v1/summary")).json()
        report = (await other.get("/api/v1/reports/alarms")).json()
    assert (mine["alarms"]["open"], theirs["alarms"]["open"]) == (1, 0)
    assert (mine["tasks"]["open"], theirs["tasks"]["open"]) == (1, 0)
    assert (mine["devices"]["total"], theirs["devices"]["total"]) == (2, 1)
    assert (mine["homes"], theirs["homes"], report["total"]) == (1, 1, 0)


async def test_what_nobody_owns_yet_is_everybodys(world: World) -> None:
    """An SOS of a button that was never bound must not be invisible to all."""
    await world.execute(
        "INSERT INTO gateway (id, name, online, status) VALUES ('gw-new', '', ?, '{}')", False
    )
    alarm = await world.raise_alarm("unbound/gw-new/b:1", episode="u", gateway="gw-new")
    for username in ("duty-1", "duty-2", "admin-1"):
        async with world.client(username) as client:
            shown = (await client.get(f"/api/v1/alarms/{alarm}")).json()
            assert (shown["home"], shown["persons"]) == (None, []), username
