"""A no counts: photographs, referrals and health data of who said no, and what an emergency may."""

import json
from typing import Any

import pytest

from tests.dashboard.conftest import World, problem_of
from tests.dashboard.test_visit_attachments import picture

ON_BOTH = True

API = "/api/v1"
CONSENTS = f"{API}/service-users/person-0001/consents"
HOUR_MS = 3_600_000


async def say(world: World, purpose: str, answer: str) -> Any:
    body = {"purpose": purpose, "given_by": "李桂英", "relation": "self", "how": "spoken"}
    async with world.client("manager-1") as client:
        return await client.post(CONSENTS, json={**body, "answer": answer})


async def withdraw(world: World, purpose: str) -> None:
    async with world.client("manager-1") as client:
        items = (await client.get(CONSENTS)).json()["items"]
        [one] = [c for c in items if c["purpose"] == purpose and c["holds"]]
        body = {"withdrawn_by": "李桂英"}
        answer = await client.post(f"{CONSENTS}/{one['id']}/withdraw", json=body)
        assert answer.status_code == 200, answer.text


async def states(world: World) -> dict[str, str]:
    async with world.client("manager-1") as client:
        found = (await client.get(CONSENTS)).json()["purposes"]
    assert all(one["holds"] == (one["state"] == "given") for one in found)
    return {one["purpose"]: one["state"] for one in found}


async def test_what_was_said_last_is_how_a_purpose_stands(world: World) -> None:
    assert set((await states(world)).values()) == {"unasked"}
    await say(world, "photo", "no")
    assert (await states(world))["photo"] == "refused"
    await say(world, "photo", "yes")
    assert (await states(world))["photo"] == "given"
    second = problem_of(await say(world, "photo", "no"))
    assert second["errors"][0]["code"] == "holds"
    await withdraw(world, "photo")
    assert (await states(world))["photo"] == "withdrawn"
    wrong = problem_of(await say(world, "photo", "perhaps"))
    assert [one["field"] for one in wrong["errors"]] == ["answer"]
    async with world.client("manager-1") as client:
        lacking = await client.get(f"{API}/service-users", params={"consent": "photo"})
    assert "person-0001" in [one["id"] for one in lacking.json()["items"]]


async def visited(world: World, visit: str, **more: Any) -> str:
    await world.visited(visit, **more)
    return f"{API}/visits/{visit}/attachments"


@pytest.mark.parametrize("named", [True, False])
async def test_no_photo_of_who_said_no_but_in_an_emergency(world: World, named: bool) -> None:
    whose = {} if named else {"service_user": None}
    path = await visited(world, "v-1", **whose)
    urgent = await visited(world, "v-2", kind="emergency", **whose)
    async with world.client("visitor-1") as client:
        # Nobody has asked: the act goes on, and the telephone says so.
        assert (await client.post(path, content=picture())).status_code == 201
        await say(world, "photo", "no")
        people = (await client.get(f"{API}/visits/people")).json()["items"]
        assert [one["photo"] for one in people if one["id"] == "person-0001"] == ["refused"]
        refused = await client.post(path, content=picture((640, 480)))
        [why] = problem_of(refused)["errors"]
        assert (refused.status_code, why["code"]) == (422, "consent_refused")
        assert "拍照" in why["zh"]
        assert len((await client.get(f"{API}/visits/v-1")).json()["attachments"]) == 1
        assert (await client.post(urgent, content=picture((640, 480)))).status_code == 201
        drawn = {"width": 300, "height": 100, "strokes": [[[1, 1], [90, 50]]]}
        signature = f"{path}?kind=signature_person"
        signed = await client.post(signature, content=json.dumps(drawn).encode())
        assert signed.json().get("type") != "refused"


async def sent(world: World, agreed_at: str, name: str = "李桂英") -> Any:
    async with world.client("manager-1") as client:
        provider = {"name": "平利康养", "kind": "company", "services": ["meals"], "regions": []}
        made = (await client.post(f"{API}/providers", json=provider)).json()["id"]
        need = {"person": "person-0001", "service": "meals", "need": "送餐"}
        referral = (await client.post(f"{API}/referrals", json=need)).json()["id"]
        body = {
            "provider": made,
            "agreed_by": "person",
            "agreed_name": name,
            "agreed_at": agreed_at,
            "agreed_how": "signed",
        }
        return await client.post(f"{API}/referrals/{referral}/send", json=body)


async def stands(world: World) -> str:
    """What the referral itself says before anybody tries to send it."""
    async with world.client("manager-1") as client:
        return (await client.get(f"{API}/referrals")).json()["items"][0]["consent"]


async def test_who_agreed_to_a_referral_is_a_consent_and_a_newer_no_ends_it(world: World) -> None:
    answer = await sent(world, "2026-11-20T02:00:00Z")
    assert answer.status_code == 200, answer.text
    async with world.client("manager-1") as client:
        [one] = (await client.get(CONSENTS)).json()["items"]
    assert (one["purpose"], one["given_by"], one["relation"]) == ("referral", "李桂英", "self")
    assert (one["how"], one["given_on"]) == ("signed", "2026-11-20")
    assert await stands(world) == "given"
    await withdraw(world, "referral")
    assert await stands(world) == "withdrawn"
    old = await sent(world, "2026-11-21T02:00:00Z")
    assert problem_of(old)["errors"][0]["code"] == "consent_refused"
    # Asked anew after the no.
    world.clock.at_ms += HOUR_MS
    again = await sent(world, "2026-11-23T08:30:00Z")
    assert again.status_code == 200, again.text
    assert (await states(world))["referral"] == "given"


async def test_health_data_of_who_said_no_leave_the_hub_for_nobody(world: World) -> None:
    path = f"{API}/service-users/person-0001/vitals.fhir.json"
    async with world.client("manager-1") as client:
        before = (await client.get(path)).status_code
        await say(world, "sharing", "no")
        answer = await client.get(path)
        assert (answer.status_code, problem_of(answer)["type"]) == (422, "refused")
        await say(world, "sharing", "yes")
        assert (await client.get(path)).status_code == before
