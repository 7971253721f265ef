"""Ways of being told: one's own affair, proved by a code, and shown whole to nobody else."""

import json

import pytest

from alarms.message import decode
from tests.adapters.push_service import Browser
from tests.dashboard.conftest import CSRF, World, problem_of

MINE = "/api/v1/users/visitor-1/contact-points"
PHONE = {"channel": "aliyun_sms", "address": "138 0000 0001", "label": "手机"}


async def code_sent(world: World) -> str:
    [(body,)] = await world.query("SELECT body FROM outbox WHERE step = 'code' AND body <> ''")
    return decode(body).words["code"]


async def forget_code(world: World) -> None:
    await world.execute("UPDATE outbox SET body = '' WHERE step = 'code'")
    world.clock.at_ms += 60_000


async def test_a_way_is_proved_by_a_code_that_went_that_way(world: World) -> None:
    async with world.client("visitor-1") as client:
        added = await client.post(MINE, json=PHONE, headers=CSRF)
        assert added.status_code == 201, added.text
        point = added.json()
        assert (point["address"], point["verified_at"]) == ("+8613800000001", None)
        sent = await client.post(f"{MINE}/{point['id']}/code", json={}, headers=CSRF)
        assert (sent.status_code, sent.json()) == (202, {"sent": True})
        rows = await world.query("SELECT channel, target, state, quiet FROM outbox")
        assert rows == [("aliyun_sms", "+8613800000001", "pending", 0)]
        again = await client.post(f"{MINE}/{point['id']}/code", json={}, headers=CSRF)
        assert problem_of(again)["type"] == "too_soon"
        code = await code_sent(world)
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        refused = await client.post(f"{MINE}/{point['id']}/verify", json={"code": wrong})
        assert problem_of(refused)["type"] == "wrong_code"
        proved = await client.post(f"{MINE}/{point['id']}/verify", json={"code": f" {code} "})
        assert proved.status_code == 200
        assert proved.json()["verified_at"] is not None
        # A code is good for once.
        once = await client.post(f"{MINE}/{point['id']}/verify", json={"code": code})
        assert once.status_code == 422
    audited = [row for row in await world.audited() if "contact_point" in row[1]]
    assert audited == [
        ("visitor-1", "added_contact_point", "account:visitor-1"),
        ("visitor-1", "verified_contact_point", "account:visitor-1"),
    ]


async def test_a_code_cannot_be_guessed_and_not_kept(world: World) -> None:
    async with world.client("visitor-1") as client:
        point = (await client.post(MINE, json=PHONE)).json()["id"]
        await client.post(f"{MINE}/{point}/code", json={})
        code = await code_sent(world)
        for guess in range(5):
            bad = f"{(int(code) + 1 + guess) % 1_000_000:06}"
            assert (await client.post(f"{MINE}/{point}/verify", json={"code": bad})).is_error
        assert (await client.post(f"{MINE}/{point}/verify", json={"code": code})).is_error
        await forget_code(world)
        await client.post(f"{MINE}/{point}/code", json={})
        code = await code_sent(world)
        world.clock.at_ms += 10 * 60_000
        assert (await client.post(f"{MINE}/{point}/verify", json={"code": code})).is_error


async def test_the_order_is_changed_and_a_way_taken_out(world: World) -> None:
    async with world.client("visitor-1") as client:
        first = (await client.post(MINE, json=PHONE)).json()
        second = (await client.post(MINE, json={"channel": "wecom_bot", "address": "duty"})).json()
        assert [first["place"], second["place"]] == [1, 2]
        changed = await client.patch(
            f"{MINE}/{second['id']}", json={"place": 0, "language": "en", "label": "群"}
        )
        assert changed.json()["language"] == "en"
        listed = (await client.get(MINE)).json()["items"]
        assert [item["id"] for item in listed] == [second["id"], first["id"]]
        assert (await client.delete(f"{MINE}/{first['id']}")).status_code == 204
        assert (await client.delete(f"{MINE}/{first['id']}")).status_code == 404
        assert len((await client.get(MINE)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ({"channel": "aliyun_sms", "address": "12345"}, "bad_address"),
        ({"channel": "wecom_bot", "address": "unknown"}, "bad_address"),
        ({"channel": "smtp", "address": "a@b.example"}, "unknown_channel"),
        ({"channel": "gateway_command", "address": "gw-0001"}, "unknown_channel"),
        ({"channel": "web_push", "address": "https://push.example"}, "bad_address"),
        ({"channel": "web_push", "address": "{}"}, "bad_address"),
        ({"channel": "aliyun_sms", "address": "13800000001", "language": "fr"}, "invalid"),
    ],
)
async def test_what_is_no_address_is_refused(world: World, way, code) -> None:
    async with world.client("visitor-1") as client:
        assert problem_of(await client.post(MINE, json=way))["type"] == code


async def test_ways_are_few_and_each_is_there_once(world: World) -> None:
    async with world.client("visitor-1") as client:
        for number in range(12):
            way = {"channel": "aliyun_sms", "address": f"138000000{number:02}"}
            assert (await client.post(MINE, json=way)).status_code == 201
        twice = await client.post(MINE, json={"channel": "aliyun_sms", "address": "13800000000"})
        assert problem_of(twice)["type"] == "taken"
        more = await client.post(MINE, json={"channel": "aliyun_sms", "address": "13800000099"})
        assert problem_of(more)["type"] == "too_many"


async def test_a_browser_registers_and_its_keys_are_shown_to_nobody(world: World) -> None:
    browser = Browser("https://push.example/v1/secret-part")
    async with world.client("visitor-1") as client:
        channels = (await client.get("/api/v1/me/channels")).json()
        assert channels["push_key"] == "BPublicKey"
        assert {"aliyun_sms", "web_push", "wecom_bot"} == {c["channel"] for c in channels["items"]}
        way = {"channel": "web_push", "address": browser.subscription}
        added = await client.post(MINE, json=way)
        assert added.status_code == 201
        assert added.json()["address"] == "push.example"
        listed = (await client.get(MINE)).text
    assert "secret-part" not in listed
    [(kept,)] = await world.query("SELECT address FROM contact_point")
    assert set(json.loads(kept)) == {"endpoint", "keys"}


async def test_others_see_a_part_and_only_who_keeps_accounts_changes_them(world: World) -> None:
    async with world.client("visitor-1") as client:
        point = (await client.post(MINE, json=PHONE)).json()["id"]
    for stranger in ("visitor-3", "duty-1", "installer-1", "duty-2", "visitor-2"):
        async with world.client(stranger) as client:
            assert (await client.get(MINE)).status_code == 404
            assert (await client.post(MINE, json=PHONE)).status_code == 404
            assert (await client.delete(f"{MINE}/{point}")).status_code == 404
            verify = await client.post(f"{MINE}/{point}/verify", json={"code": "000000"})
            assert verify.status_code == 404
    async with world.client("manager-1") as client:
        [seen] = (await client.get(MINE)).json()["items"]
        assert seen["address"] == "+86138****0001"
        assert (await client.patch(f"{MINE}/{point}", json={"place": 3})).status_code == 404
    async with world.client("admin-1") as client:
        assert (await client.delete(f"{MINE}/{point}")).status_code == 204


async def test_a_point_of_somebody_else_is_not_reached_through_ones_own(world: World) -> None:
    async with world.client("visitor-1") as client:
        point = (await client.post(MINE, json=PHONE)).json()["id"]
    async with world.client("visitor-3") as client:
        other = f"/api/v1/users/visitor-3/contact-points/{point}"
        assert (await client.delete(other)).status_code == 404
        assert (await client.patch(other, json={"place": 1})).status_code == 404
        assert (await client.post(f"{other}/code", json={})).status_code == 404


async def put(  # noqa: PLR0917 - what a row is made of
    world: World,
    row_id: str,
    alarm: str | None,
    state: str = "dead",
    channel: str = "aliyun_sms",
    detail: str = "isv.OUT_OF_SERVICE",
) -> None:
    await world.execute(
        "INSERT INTO outbox (id, channel, target, body, alarm, state, attempts, created_at_ms,"
        " next_at_ms, detail, recipient, step) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        *(row_id, channel, "+8613800000001", '{"secret":1}', alarm, state, 3),
        *(world.clock.at_ms, world.clock.at_ms, detail, "duty-1", "1.0"),
    )


async def test_what_was_given_up_is_listed_where_it_belongs_and_sent_again(world: World) -> None:
    alarm = await world.raise_alarm()
    await put(world, "n-1", alarm)
    await put(world, "n-2", None)
    path = "/api/v1/notifications"
    async with world.client("manager-1") as client:
        listed = await client.get(path, params={"state": "dead,refused"})
        [item] = listed.json()["items"]
        assert (item["id"], item["detail"], item["number"]) == ("n-1", "isv.OUT_OF_SERVICE", 1)
        assert item["address"] == "+86138****0001"
        assert (item["recipient"], item["recipient_name"]) == ("duty-1", "人duty-1")
        assert "secret" not in listed.text
        assert (await client.post(f"{path}/n-2/resend", json={})).status_code == 404
        again = await client.post(f"{path}/n-1/resend", json={})
        assert again.json()["state"] == "pending"
        assert (await client.post(f"{path}/n-1/resend", json={})).status_code == 404
        assert (await client.get(path, params={"state": "lost"})).status_code == 422
    async with world.client("duty-2") as client:
        assert (await client.get(path)).json()["items"] == []
    async with world.client("duty-1") as client:
        assert len((await client.get(path, params={"alarm": alarm})).json()["items"]) == 1
        assert (await client.post(f"{path}/n-1/resend", json={})).status_code == 403
    async with world.client("visitor-1") as client:
        assert (await client.get(path)).status_code == 403
    async with world.client("admin-1") as client:
        assert len((await client.get(path)).json()["items"]) == 2
    assert ("manager-1", "sent_again", "notification:n-1") in await world.audited()


async def test_what_did_not_arrive_is_counted_by_channel_and_reason(world: World) -> None:
    alarm = await world.raise_alarm()
    await put(world, "a-1", alarm)
    await put(world, "a-2", alarm, "refused", detail="isv.MOBILE_NUMBER_ILLEGAL")
    await put(world, "a-3", alarm, "refused", detail="isv.MOBILE_NUMBER_ILLEGAL")
    await put(world, "a-4", alarm, "delivered")
    await put(world, "a-5", alarm, "pending")
    await put(world, "b-1", None, "dead", "smtp", "ConnectError")
    path = "/api/v1/notifications"
    async with world.client("admin-1") as client:
        failures = (await client.get(f"{path}/failures")).json()["items"]
        assert [(f["channel"], f["refused"], f["dead"]) for f in failures] == [
            ("aliyun_sms", 2, 1),
            ("smtp", 0, 1),
        ]
        reasons = [(r["state"], r["detail"], r["count"]) for r in failures[0]["reasons"]]
        assert reasons == [
            ("refused", "isv.MOBILE_NUMBER_ILLEGAL", 2),
            ("dead", "isv.OUT_OF_SERVICE", 1),
        ]
        only = {"state": "dead,refused", "channel": "smtp"}
        listed = (await client.get(path, params=only)).json()["items"]
        assert [item["id"] for item in listed] == ["b-1"]
        assert (await client.post(f"{path}/a-2/resend", json={})).json()["state"] == "pending"
        failures = (await client.get(f"{path}/failures")).json()["items"]
        assert (failures[0]["refused"], failures[0]["dead"]) == (1, 1)
    # Of what belongs to no alarm only who sees the whole county hears; of another town's, nobody.
    async with world.client("manager-1") as client:
        failures = (await client.get(f"{path}/failures")).json()["items"]
        assert [f["channel"] for f in failures] == ["aliyun_sms"]
    async with world.client("duty-2") as client:
        assert (await client.get(f"{path}/failures")).json() == {"items": []}
    async with world.client("visitor-1") as client:
        assert (await client.get(f"{path}/failures")).status_code == 403
