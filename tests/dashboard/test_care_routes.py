"""Providers, referrals, the log of services and money over HTTP."""

import pytest

from contract.moment import from_iso, to_iso
from tests.dashboard.conftest import NOW_MS, World

ON_BOTH = True

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


async def provider(world: World, **changes) -> str:
    body = {
        "name": "平利县康宁养老服务中心",
        "kind": "institution",
        "services": ["meals", "bathing"],
        "regions": ["610926101"],
        "phone": "0915-8420000",
        "licence_until": "2027-12-31",
        **changes,
    }
    async with world.client("manager-1") as client:
        made = await client.post("/api/v1/providers", json=body)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def referral(world: World, username: str = "visitor-1", **changes) -> dict:
    body = {"person": "person-0001", "service": "meals", "need": "一个人做饭困难", **changes}
    async with world.client(username) as client:
        made = await client.post("/api/v1/referrals", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def agreed(provider_id: str, **changes) -> dict:
    return {
        "provider": provider_id,
        "agreed_by": "family",
        "agreed_name": "张伟",
        "agreed_at": to_iso(NOW_MS - HOUR_MS),
        **changes,
    }


async def test_a_need_becomes_a_service_and_is_looked_after(world: World) -> None:
    chosen = await provider(world)
    made = await referral(world)
    path = f"/api/v1/referrals/{made['id']}"
    assert (made["number"], made["state"], made["person_name"]) == (1, "proposed", "张桂英")
    assert made["moves"] == ["send", "withdraw"]
    async with world.client("duty-1") as client:
        sent = (await client.post(f"{path}/send", json=agreed(chosen))).json()
        assert (sent["state"], sent["agreed_name"]) == ("sent", "张伟")
        assert sent["provider_name"] == "平利县康宁养老服务中心"
        assert (sent["look_at"], sent["overdue"]) == (to_iso(NOW_MS + 7 * DAY_MS), False)
        world.clock.at_ms = NOW_MS + 8 * DAY_MS
        [late] = (await client.get("/api/v1/referrals?overdue=true")).json()["items"]
        assert late["overdue"]
        assert (await client.post(f"{path}/accept", json={})).json()["state"] == "accepted"
        began = (await client.post(f"{path}/begin", json={"look_in_days": 14})).json()
        assert began["look_at"] == to_iso(world.clock.at_ms + 14 * DAY_MS)
        ended = await client.post(f"{path}/end", json={"outcome": "helped", "reason": "每天送餐"})
        assert (ended.json()["outcome"], ended.json()["look_at"]) == ("helped", None)
        whole = (await client.get(path)).json()
        assert [entry["fact"] for entry in whole["timeline"]] == [
            "proposed",
            "sent",
            "accepted",
            "began",
            "ended",
        ]
        assert whole["moves"] == []
        again = await client.post(f"{path}/begin", json={})
        assert (again.status_code, again.json()["type"]) == (409, "not_now")
        assert (await client.get("/api/v1/referrals?state=open")).json()["items"] == []


async def test_nothing_goes_to_a_provider_before_somebody_agreed(world: World) -> None:
    chosen = await provider(world)
    made = await referral(world)
    gone = await provider(world, name="停业", active=False)
    for changes, code in (
        ({"agreed_by": None}, "nobody_agreed"),
        ({"agreed_name": " "}, "nobody_agreed"),
        ({"agreed_at": None}, "nobody_agreed"),
        ({"agreed_at": to_iso(NOW_MS + DAY_MS)}, "agreed_later"),
        ({"provider": "nobody"}, "no_provider"),
        ({"provider": None}, "no_provider"),
        ({"provider": gone}, "not_active"),
    ):
        async with world.client("duty-1") as client:
            path = f"/api/v1/referrals/{made['id']}"
            answer = await client.post(f"{path}/send", json=agreed(chosen, **changes))
            assert (answer.status_code, answer.json()["type"]) == (422, code)
            assert (await client.get(path)).json()["state"] == "proposed"


async def test_a_provider_that_declines_is_another_chance_and_another_question(
    world: World,
) -> None:
    chosen = await provider(world)
    made = await referral(world)
    path = f"/api/v1/referrals/{made['id']}"
    async with world.client("duty-1") as client:
        await client.post(f"{path}/send", json=agreed(chosen))
        silent = await client.post(f"{path}/decline", json={})
        assert (silent.status_code, silent.json()["type"]) == (422, "no_reason")
        back = (await client.post(f"{path}/decline", json={"reason": "人手不足"})).json()
        assert (back["state"], back["provider"], back["agreed_by"]) == ("proposed", None, None)
        gone = await client.post(f"{path}/withdraw", json={"reason": "老人不愿意"})
        assert (gone.json()["state"], gone.json()["note"]) == ("withdrawn", "老人不愿意")


async def test_lines_are_corrected_by_lines(world: World) -> None:
    body = {
        "person": "person-0001",
        "service": "bathing",
        "served_at": to_iso(NOW_MS - HOUR_MS),
        "who": "护理员 陈芳",
        "items": [11, 1],
        "minutes": 60,
        "cost_fen": 5000,
    }
    async with world.client("visitor-1") as client:
        first = (await client.post("/api/v1/care-lines", json=body)).json()
        assert (first["items"], first["cost_fen"], first["person_name"]) == (
            [1, 11],
            5000,
            "张桂英",
        )
        wrong = {**body, "cost_fen": 500, "replaces": first["id"]}
        assert (await client.post("/api/v1/care-lines", json=wrong)).json()["field"] == "why"
        right = {**wrong, "why": "多写了一个零"}
        second = (await client.post("/api/v1/care-lines", json=right)).json()
        twice = await client.post("/api/v1/care-lines", json=right)
        assert (twice.status_code, twice.json()["type"]) == (409, "replaced")
        listed = (await client.get("/api/v1/care-lines?person=person-0001")).json()["items"]
        assert {(r["id"], r["replaced_by"]) for r in listed} == {
            (first["id"], second["id"]),
            (second["id"], None),
        }
        money = (await client.get("/api/v1/money?year=2026")).json()
        assert money["spent_fen"] == 500
        void = {**right, "replaces": second["id"], "void": True, "why": "记错了人"}
        assert (await client.post("/api/v1/care-lines", json=void)).status_code == 201
        assert (await client.get("/api/v1/money?year=2026")).json()["spent_fen"] == 0


async def test_a_page_of_lines_goes_on_where_the_last_ended(world: World) -> None:
    body = {"person": "person-0001", "service": "meals", "who": "陈芳"}
    made = []
    async with world.client("visitor-1") as client:
        for number in range(5):
            at = to_iso(NOW_MS - (number // 2) * HOUR_MS)
            answer = await client.post("/api/v1/care-lines", json={**body, "served_at": at})
            made.append(answer.json()["id"])
        seen, next_ = [], ""
        while next_ is not None:
            cursor = f"&before={next_}" if next_ else ""
            answer = (await client.get(f"/api/v1/care-lines?limit=2{cursor}")).json()
            seen += [line["id"] for line in answer["items"]]
            next_ = answer["next"]
    assert sorted(seen) == sorted(made)


async def test_a_year_has_what_it_needs_was_given_and_has_spent(world: World) -> None:
    async with world.client("manager-1") as client:
        empty = (await client.get("/api/v1/money?year=2026&region=610926101")).json()
        assert (empty["persons"], empty["needed_fen"], empty["short_fen"]) == (1, 80_000, 80_000)
        grant = {
            "year": 2026,
            "region": "610926101001",
            "kind": "granted",
            "amount_fen": 90_000,
            "what": "县财政拨付",
        }
        given = (await client.post("/api/v1/money", json=grant)).json()
        less = {**grant, "amount_fen": 70_000, "replaces": given["id"]}
        assert (await client.post("/api/v1/money", json=less)).json()["field"] == "why"
        answer = await client.post("/api/v1/money", json={**less, "why": "文件更正"})
        assert answer.status_code == 201
        spent = {**grant, "kind": "spent", "amount_fen": 30_000, "what": "护理床"}
        await client.post("/api/v1/money", json=spent)
        state = (await client.get("/api/v1/money?year=2026&region=610926101")).json()
        assert (state["granted_fen"], state["spent_fen"]) == (70_000, 30_000)
        assert (state["left_fen"], state["short_fen"]) == (40_000, 10_000)
        assert len(state["lines"]) == 3
        other = await client.get("/api/v1/money?year=2027&region=610926101")
        assert other.json()["granted_fen"] == 0
        away = await client.get("/api/v1/money?year=2026&region=610926102")
        assert (away.status_code, away.json()["field"]) == (422, "region")
        foreign = await client.post("/api/v1/money", json={**grant, "region": "610926102"})
        assert foreign.json()["field"] == "region"


async def test_the_year_is_the_countys(world: World) -> None:
    """The new year begins at 16:00 of the last day by the world's clock."""
    body = {"person": "person-0001", "service": "meals", "who": "陈芳", "cost_fen": 100}
    world.clock.at_ms = from_iso("2027-01-02T00:00:00Z")
    async with world.client("visitor-1") as client:
        for at in ("2026-12-31T15:59:59Z", "2026-12-31T16:00:00Z"):
            answer = await client.post("/api/v1/care-lines", json={**body, "served_at": at})
            assert answer.status_code == 201
        for year in (2026, 2027):
            money = (await client.get(f"/api/v1/money?year={year}")).json()
            assert money["spent_fen"] == 100


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"person": "person-0002"}, "person"),
        ({"service": "cooking"}, "service"),
        ({"items": [17]}, "items"),
        ({"items": [True]}, "items.0"),
        ({"served_at": to_iso(NOW_MS + DAY_MS)}, "served_at"),
        ({"minutes": 1441}, "minutes"),
        ({"cost_fen": -1}, "cost_fen"),
        ({"provider": "nobody"}, "provider"),
        ({"referral": "nothing"}, "referral"),
        ({"replaces": "nothing", "why": "x"}, "replaces"),
        ({"void": True}, "replaces"),
        ({"who": ""}, "who"),
    ],
)
async def test_a_line_that_cannot_be_is_refused(world: World, changes, field) -> None:
    body = {"person": "person-0001", "service": "meals", "served_at": to_iso(NOW_MS), "who": "陈芳"}
    async with world.client("visitor-1") as client:
        answer = await client.post("/api/v1/care-lines", json={**body, **changes})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_providers_are_found_by_what_and_where(world: World) -> None:
    near = await provider(world)
    await provider(world, name="西安康复", services=["rehabilitation"], regions=["610926102"])
    everywhere = await provider(world, name="县医院", services=["medical", "meals"], regions=[])
    async with world.client("visitor-1") as client:

        async def found(query: str) -> set[str]:
            items = (await client.get(f"/api/v1/providers?{query}")).json()["items"]
            return {item["id"] for item in items}

        assert await found("service=meals") == {near, everywhere}
        assert await found("region=610926101001") == {near, everywhere}
        assert len(await found("")) == 3
    async with world.client("manager-1") as client:
        changed = await client.patch(f"/api/v1/providers/{near}", json={"active": False})
        assert changed.json()["active"] is False
        assert changed.json()["services"] == ["meals", "bathing"]
        for changes, field in (
            ({"services": ["magic"]}, "services"),
            ({"regions": ["9"]}, "regions"),
            ({"licence_until": "soon"}, "licence_until"),
            ({"name": ""}, "name"),
        ):
            answer = await client.patch(f"/api/v1/providers/{near}", json=changes)
            assert (answer.status_code, answer.json()["field"]) == (422, field)
    async with world.client("visitor-1") as client:
        assert await found("active=true&service=meals") == {everywhere}
    facts = await world.query(
        "SELECT fact, data FROM entry WHERE topic = 'provider' AND subject = ? ORDER BY seq", near
    )
    assert [fact for fact, _data in facts] == ["written", "changed"]
    assert '"was":{"active":true}' in facts[1][1]


@pytest.mark.parametrize(
    ("username", "read", "write"),
    [
        ("visitor-1", 200, 201),
        ("duty-1", 200, 201),
        ("manager-1", 200, 201),
        ("auditor-1", 200, 403),
        ("installer-1", 403, 403),
        ("visitor-2", 404, 422),
    ],
)
async def test_who_may(world: World, username: str, read: int, write: int) -> None:
    made = await referral(world)
    async with world.client(username) as client:
        assert (await client.get(f"/api/v1/referrals/{made['id']}")).status_code == read
        body = {"person": "person-0001", "service": "meals", "need": "做饭困难"}
        assert (await client.post("/api/v1/referrals", json=body)).status_code == write


async def test_an_auditor_sees_that_it_was_done_and_not_of_whom(world: World) -> None:
    chosen = await provider(world)
    made = await referral(world)
    async with world.client("duty-1") as client:
        await client.post(f"/api/v1/referrals/{made['id']}/send", json=agreed(chosen))
    async with world.client("auditor-1") as client:
        text = (await client.get(f"/api/v1/referrals/{made['id']}")).text
        listed = (await client.get("/api/v1/referrals")).text
    for said in ("张桂英", "张伟", "做饭"):
        assert said not in text
        assert said not in listed


async def test_the_same_key_makes_one(world: World) -> None:
    body = {"person": "person-0001", "service": "meals", "need": "做饭困难"}
    async with world.client("visitor-1") as client:
        for _ in range(2):
            await client.post("/api/v1/referrals", json=body, headers={"Idempotency-Key": "k1"})
        assert len((await client.get("/api/v1/referrals")).json()["items"]) == 1
