"""Devices, gateways and homes come into the register; labels, and the gateway's second path."""

import json
from xml.etree import ElementTree

from dashboard.label import device_address, device_label
from tests.dashboard.conftest import NOW_MS, World, problem_of


async def test_a_discovered_device_is_bound(world: World) -> None:
    await world.execute(
        "INSERT INTO device (gateway, device, kind, model, label, last_seen_ms)"
        " VALUES ('gw-0001', 'contact-9', 'contact', '', '', ?)",
        NOW_MS,
    )
    async with world.client("installer-1") as client:
        [found] = (await client.get("/api/v1/devices?unbound=true")).json()["items"]
        assert (found["device"], found["state"]) == ("contact-9", "unbound")
        url = "/api/v1/devices/gw-0001/contact-9"
        for body, field in (({"home": "no"}, "home"), ({"kind": "toaster"}, "kind")):
            answer = await client.patch(url, json=body)
            assert (answer.status_code, problem_of(answer)["field"]) == (422, field)
        bound = await client.patch(url, json={"home": "home-0001", "label": "大门"})
        assert (bound.json()["state"], bound.json()["label"]) == ("ok", "大门")
        assert (await client.get("/api/v1/devices?unbound=true")).json()["items"] == []
    entries = await world.query("SELECT fact, subject, region, actor FROM entry")
    assert entries == [("bound", "gw-0001/contact-9", "610926101001", "installer-1")]
    assert world.register.index.devices[("gw-0001", "contact-9")]["home"] == "home-0001"


async def test_a_label_names_the_device_and_nobody(world: World) -> None:
    async with world.client("installer-1") as client:
        answer = await client.get("/api/v1/devices/gw-0001/meter-0001/label.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        picture = ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
        texts = [node.text for node in picture.iter() if node.tag.endswith("text")]
        assert texts[-2:] == ["gw-0001", "meter-0001"]
        assert "张" not in answer.text
        missing = await client.get("/api/v1/devices/gw-0001/none/label.svg")
        assert missing.status_code == 404


def test_a_label_is_the_size_of_its_roll_whatever_the_name() -> None:
    long = device_label("https://hub.example/", "g" * 64, "<&>" * 20, "<堂屋人体感应器>" * 9)
    picture = ElementTree.fromstring(long)  # noqa: S314 - our own
    assert (picture.get("width"), picture.get("viewBox")) == ("50mm", "0 0 50 30")
    texts = [node for node in picture.iter() if node.tag.endswith("text")]
    assert texts[0].text == "<堂屋人体感应器"
    assert all(float(node.get("y") or 99) < 30 for node in texts)
    assert device_address("https://hub.example/", "gw-1", "a b") == (
        "https://hub.example/equipment?device=gw-1/a%20b"
    )


async def test_new_homes_gateways_and_devices(world: World) -> None:
    async with world.client("admin-1") as client:
        home = await client.post(
            "/api/v1/homes", json={"region": "610926101001", "address": "龙头村 9 号"}
        )
        assert home.status_code == 201, home.text
        home_id = home.json()["id"]
        gateway = await client.post(
            "/api/v1/gateways", json={"id": "gw-0003", "region": "610926101001"}
        )
        assert gateway.status_code == 201, gateway.text
        body = {"gateway": "gw-0003", "device": "button-7", "home": home_id, "kind": "sos"}
        device = await client.post("/api/v1/devices", json=body)
        assert device.json()["state"] == "never_seen"
        again = await client.post("/api/v1/devices", json=body)
        assert (again.status_code, problem_of(again)["type"]) == (409, "taken")
        shown = (await client.get("/api/v1/gateways/gw-0003")).json()
        assert (shown["homes"], shown["devices"], shown["online"]) == (1, 1, False)
        assert "key" not in shown
        taken = await client.post(
            "/api/v1/gateways", json={"id": "gw-0003", "region": "610926101001"}
        )
        assert taken.status_code == 409
        bad = await client.post("/api/v1/gateways", json={"id": "网关", "region": "610926101001"})
        assert (bad.status_code, problem_of(bad)["field"]) == (422, "id")
        moved = await client.patch(f"/api/v1/homes/{home_id}", json={"lat": 32.5, "lon": 109.0})
        assert (moved.json()["lat"], moved.json()["address"]) == (32.5, "龙头村 9 号")


async def test_the_second_path(world: World) -> None:
    envelope = json.dumps({"v": 1, "spool": "s", "items": [{"id": "i1"}]}).encode()
    url = "/api/v1/activations"
    async with world.client("admin-1") as admin, world.anonymous() as gateway:
        key = (await admin.patch("/api/v1/gateways/gw-0001", json={"new_key": True})).json()["key"]
        assert (await gateway.post(url, content=envelope)).status_code == 401
        assert (await admin.post(url, content=envelope)).status_code == 401
        gateway.headers["Authorization"] = f"Bearer {key}"
        answer = await gateway.post(url, content=envelope)
        assert (answer.status_code, answer.json()) == (200, {"v": 1, "spool": "s", "ids": ["i1"]})
        assert world.intake.accepted == [("gw-0001", envelope)]
        bad = await gateway.post(url, content=b"\x00\x01")
        assert (bad.status_code, problem_of(bad)["type"]) == (422, "not_json")
        # A gateway's key opens nothing else, and ends with the next one.
        assert (await gateway.get("/api/v1/alarms")).status_code == 401
        await admin.patch("/api/v1/gateways/gw-0001", json={"new_key": True})
        assert (await gateway.post(url, content=envelope)).status_code == 401
    stored = await world.query("SELECT digest FROM gateway_key")
    assert key not in stored[0][0]
