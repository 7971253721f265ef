"""A screen on a wall: let in by a human with a code, it shows the board without persons for a long
time, and can do nothing else, whatever it sends."""

import json
import re

import httpx2
import pytest

from dashboard.access_table import SCREEN, verdict
from dashboard.flood import Rates
from dashboard.request_rate import Rate
from dashboard.route_table import ROUTES
from dashboard.screens import screen_rows
from dashboard.screens.screen_caller import COOKIE_PLAIN
from dashboard.screens.wall_view import on_the_wall
from dashboard.sessions import ABSOLUTE_MS, TOUCH_EVERY_MS
from tests.adapters.access_county import OWN
from tests.adapters.access_requests import BODIES, CHOSEN, CONTENTS, QUERIES, filled
from tests.adapters.asgi_stream import StreamClient
from tests.dashboard.conftest import CSRF, World, problem_of

API = "/api/v1"
BOARD = f"{API}/screen/board"
VILLAGE = "610926101001"
NAME = {"name": "值班室大屏", "region": VILLAGE}


async def asking(client: httpx2.AsyncClient) -> str:
    answer = await client.post(f"{API}/screen/code")
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "asked"
    return str(answer.json()["code"])


async def let_in(world: World, code: str, who: str = "manager-1", **said: str) -> httpx2.Response:
    async with world.client(who) as client:
        return await client.post(f"{API}/screens", json={"code": code, **NAME, **said})


async def shown(world: World, client: httpx2.AsyncClient, **said: str) -> str:
    """The screen's id; the client is let in."""
    granted = await let_in(world, await asking(client), **said)
    assert granted.status_code == 201, granted.text
    entered = await client.post(f"{API}/screen/enter", headers=CSRF)
    assert entered.status_code == 200, entered.text
    return str(granted.json()["id"])


async def test_a_code_a_human_and_then_the_board_alone(world: World) -> None:
    await world.raise_alarm()
    async with world.anonymous() as screen, world.client("manager-1") as manager:
        assert (await screen.get(BOARD)).status_code == 401
        code = await asking(screen)
        assert code.isdigit()
        assert (await screen.get(f"{API}/screen")).json()["code"] == code
        # A code opens nothing yet.
        assert problem_of(await screen.get(BOARD))["type"] == "no_screen"
        assert (await screen.post(f"{API}/screen/enter", headers=CSRF)).status_code == 409
        who = (await manager.post(f"{API}/screens/asked", json={"code": code})).json()
        assert who["address"] == "127.0.0.1"
        made = await manager.post(f"{API}/screens", json={"code": code, **NAME})
        assert made.json()["made_by"]["username"] == "manager-1"
        # What stood in the browser before somebody had let it in never opens the board.
        before = screen.cookies[COOKIE_PLAIN]
        assert (await screen.get(BOARD)).status_code == 401
        assert (await screen.get(f"{API}/screen")).json() == {"state": "granted"}
        assert (await screen.post(f"{API}/screen/enter")).status_code == 403
        assert (await screen.post(f"{API}/screen/enter", headers=CSRF)).status_code == 200
        board = (await screen.get(BOARD)).json()
        assert board["screen"]["name"] == "值班室大屏"
        assert board["summary"]["alarms"]["open"] == 1
        [alarm] = board["alarms"]
        assert (alarm["kind"], alarm["state"]) == ("sos", "open")
        assert alarm["place"] == ["城关镇", "龙头村"]
        async with world.anonymous() as old:
            old.cookies.set(COOKIE_PLAIN, before)
            assert (await old.get(BOARD)).status_code == 401
        [listed] = (await manager.get(f"{API}/screens")).json()["items"]
        assert (listed["state"], listed["region_path"][-1]) == ("shown", "龙头村")
    trail = await world.audited()
    assert ("manager-1", "let_screen_in", f"screen:{listed['id']}") in trail


async def test_the_trail_calls_a_screen_by_its_name(world: World) -> None:
    async with world.anonymous() as screen:
        await shown(world, screen)
        headers = {"Cookie": f"{COOKIE_PLAIN}={screen.cookies[COOKIE_PLAIN]}"}
        async with StreamClient(world.app, f"{API}/screen/stream", headers) as stream:
            await stream.comment("ready")
    await world.audited()
    async with world.client("admin-1") as admin:
        trail = (await admin.get(f"{API}/audit")).json()["items"]
    [let] = [row for row in trail if row["action"] == "let_screen_in"]
    [heard] = [row for row in trail if row["action"] == "listened"]
    assert let["name"] == heard["actor_name"] == NAME["name"]


async def test_the_secret_and_the_code_are_in_the_book_as_digests_or_gone(world: World) -> None:
    async with world.anonymous() as screen:
        code = await asking(screen)
        await let_in(world, code)
        await screen.post(f"{API}/screen/enter", headers=CSRF)
        stored = str(await world.query("SELECT * FROM wall_screen"))
        assert screen.cookies[COOKIE_PLAIN] not in stored
        assert code not in stored
    assert (await let_in(world, code)).status_code == 404


async def test_nobody_of_the_county_is_named_on_the_wall(world: World) -> None:
    await world.raise_alarm()
    async with world.client("duty-1") as duty:
        await duty.post(f"{API}/alarms/alarm-home-0001/acknowledge")
        whole = (await duty.get(f"{API}/alarms/alarm-home-0001")).json()
    async with world.anonymous() as screen:
        await shown(world, screen)
        text = (await screen.get(BOARD)).text
        headers = {"Cookie": f"{COOKIE_PLAIN}={screen.cookies[COOKIE_PLAIN]}"}
        async with StreamClient(world.app, f"{API}/screen/stream", headers) as stream:
            await stream.comment("ready")
            async with world.client("duty-1") as duty:
                closing = {"outcome": "test", "note": "张桂英说按错了"}
                answer = await duty.post(f"{API}/alarms/alarm-home-0001/close", json=closing)
                assert answer.status_code == 200, answer.text
            heard = await stream.event()
            told = json.loads(heard["data"])
            # Tasks and all else are not for it: what comes next is the next alarm.
            await world.raise_alarm(episode="second", rule="fall", kind="fall")
            second = json.loads((await stream.event())["data"])
    assert (heard["event"], told["object"]["state"]) == ("alarm", "closed")
    assert second["object"]["kind"] == "fall"
    said = text + heard["data"]
    for mark in (*OWN.marks, "home-0001", "person-0001", "床头", "人duty-1", "duty-1", "gw-0001"):
        assert mark not in said, mark
    assert set(told["object"]) == set(on_the_wall(whole))
    assert set(told) == {"entry", "object"}


async def test_it_hears_nothing_of_other_regions(world: World) -> None:
    async with world.anonymous() as screen:
        await shown(world, screen)
        await world.raise_alarm("home-0002")
        await world.raise_alarm()
        board = (await screen.get(BOARD)).json()
    assert [alarm["place"][-1] for alarm in board["alarms"]] == ["龙头村"]
    assert board["summary"]["alarms"]["open"] == 1


async def test_it_can_do_nothing_else_whatever_it_sends(world: World) -> None:
    """Every route there is, with its secret in its own cookie, in the cookies of sessions and as a
    bearer's token: as `access_table` says, nothing but what is a screen's or everybody's."""
    await world.raise_alarm()
    async with world.anonymous() as screen:
        screen_id = await shown(world, screen)
        secret = screen.cookies[COOKIE_PLAIN]
    named = re.findall(
        r"\{(\w+)\}", " ".join((*ROUTES, json.dumps([*BODIES.values(), *QUERIES.values()])))
    )
    ids = {
        **dict.fromkeys(named, "nothing"),
        **CHOSEN,
        "home_id": "home-0001",
        "alarm_id": "alarm-home-0001",
        "person_id": "person-0001",
        "screen_id": screen_id,
        "username": "duty-1",
        "code": VILLAGE,
    }
    before = await world.query("SELECT count(*) FROM entry")
    own = f"{COOKIE_PLAIN}={secret}"
    forged = (
        {"Cookie": f"hearthwatch={secret}; hearthwatch-device={secret}; {own}"},
        {"Cookie": own, "Authorization": f"Bearer {secret}"},
    )
    wrong = []
    for headers in forged:
        async with world.anonymous(raise_app_exceptions=False) as client:
            for key, rule in ROUTES.items():
                if key in {"GET /screen/stream", "POST /login", "POST /screen/code"}:
                    continue
                expected = verdict(SCREEN, "whole", rule, "own")
                method, path = key.split(" ")
                url = path.format_map(ids)
                outside = url in {"/healthz", "/readyz", "/metrics", "/openapi.json"}
                content = CONTENTS.get(key)
                body = (
                    None
                    if content or method in {"GET", "DELETE"}
                    else filled(BODIES.get(key, {}), ids)
                )
                answer = await client.request(
                    method,
                    url if outside else f"{API}{url}",
                    params=filled(QUERIES.get(key, {}), ids),
                    json=body,
                    content=content,
                    headers={**headers, **CSRF},
                )
                status = answer.status_code
                right = {
                    "reached": status not in (401, 403) and status < 500,
                    "absent": status in (404, 409, 422),
                }.get(expected, status == 401)
                if not right and rule.needs != "public":
                    wrong.append(
                        f"{key} {list(headers)}: {expected}, but {status} {answer.text[:90]}"
                    )
                if rule.needs != "public" and any(mark in answer.text for mark in OWN.marks):
                    wrong.append(f"{key}: tells of people")
    assert not wrong, "\n".join(wrong)
    assert await world.query("SELECT count(*) FROM entry") == before


async def test_it_lasts_far_beyond_a_shift_and_ends_by_itself(world: World) -> None:
    async with world.anonymous() as screen:
        await shown(world, screen)
        begun = world.clock.wall_at_ms
        world.clock.wall_at_ms += 20 * ABSOLUTE_MS
        assert (await screen.get(BOARD)).json()["screen"]["ends_at"] is None
        while world.clock.wall_at_ms < begun + screen_rows.SHOWN_MS - screen_rows.IDLE_MS:
            world.clock.wall_at_ms += screen_rows.IDLE_MS - TOUCH_EVERY_MS
            assert (await screen.get(BOARD)).status_code == 200
        world.clock.wall_at_ms = begun + screen_rows.SHOWN_MS - 1
        # The board is made once for some moments of the hub's time.
        world.clock.at_ms += 1000
        assert (await screen.get(BOARD)).json()["screen"]["ends_at"] is not None
        world.clock.wall_at_ms += 1
        assert (await screen.get(BOARD)).status_code == 401


async def test_one_that_was_taken_down_opens_nothing_later(world: World) -> None:
    async with world.anonymous() as screen:
        await shown(world, screen)
        world.clock.wall_at_ms += screen_rows.IDLE_MS + 1
        assert (await screen.get(BOARD)).status_code == 401
    # Her session is over as well.
    world.tokens.clear()
    async with world.client("manager-1") as manager:
        [listed] = (await manager.get(f"{API}/screens")).json()["items"]
    assert listed["state"] == "over"


async def test_ended_by_hand_it_is_dark_at_once(world: World) -> None:
    object.__setattr__(world.deps, "keepalive_s", 0.01)
    async with world.anonymous() as screen, world.client("manager-1") as manager:
        screen_id = await shown(world, screen)
        headers = {"Cookie": f"{COOKIE_PLAIN}={screen.cookies[COOKIE_PLAIN]}"}
        async with StreamClient(world.app, f"{API}/screen/stream", headers) as stream:
            await stream.comment("ready")
            ended = await manager.delete(f"{API}/screens/{screen_id}")
            assert (ended.status_code, ended.json()["state"]) == (200, "revoked")
            await stream.ended.wait()
        assert (await screen.get(BOARD)).status_code == 401
        assert (await screen.get(f"{API}/screen")).status_code == 401
        assert (await manager.delete(f"{API}/screens/{screen_id}")).status_code == 404
        # Seen for a while, by whom it was ended.
        [listed] = (await manager.get(f"{API}/screens")).json()["items"]
        assert listed["ended_by"]["username"] == "manager-1"
    trail = await world.audited()
    assert ("manager-1", "ended_screen", f"screen:{screen_id}") in trail
    assert (f"screen:{screen_id}", "listened", "stream") in trail


async def test_who_lets_in_which_screen(world: World) -> None:
    async with world.anonymous() as screen:
        code = await asking(screen)
        for who in ("duty-1", "visitor-1", "auditor-1", "clinician-1"):
            assert (await let_in(world, code, who)).status_code == 403, who
        for region in ("", "610926", "610926102"):
            answer = await let_in(world, code, region=region)
            assert (answer.status_code, problem_of(answer)["field"]) == (422, "region"), region
        answer = await let_in(world, code, region="610926101999")
        assert (answer.status_code, problem_of(answer)["field"]) == (422, "region")
        assert (
            await let_in(world, "00000000" if code != "00000000" else "1" * 8)
        ).status_code == 404
        other = await let_in(world, code, "admin-1", region="610926102")
        assert other.status_code == 201, other.text
    async with world.client("manager-1") as manager:
        assert (await manager.get(f"{API}/screens")).json()["items"] == []
        assert (await manager.delete(f"{API}/screens/{other.json()['id']}")).status_code == 404


async def test_a_code_is_good_for_ten_minutes(world: World) -> None:
    async with world.anonymous() as screen:
        code = await asking(screen)
        world.clock.wall_at_ms += screen_rows.CODE_MS
        assert (await let_in(world, code)).status_code == 404
        assert (await screen.get(f"{API}/screen")).status_code == 401
        # Let in and never gone in: nobody finds it open a day later.
        assert (await let_in(world, await asking(screen))).status_code == 201
        world.clock.wall_at_ms += screen_rows.CODE_MS
        assert (await screen.post(f"{API}/screen/enter", headers=CSRF)).status_code == 401


async def test_who_asks_for_codes_without_end_gets_none(world: World) -> None:
    for _ in range(screen_rows.ASKED_OF_ADDRESS_MAX):
        async with world.anonymous() as screen:
            await asking(screen)
    async with world.anonymous() as screen:
        answer = await screen.post(f"{API}/screen/code")
        assert (answer.status_code, problem_of(answer)["type"]) == (429, "too_many")
        assert answer.headers["Retry-After"]
    async with world.anonymous(client=("10.0.0.9", 1)) as elsewhere:
        await asking(elsewhere)
    # A line has as many addresses of IPv6 as it likes.
    for number in range(screen_rows.ASKED_OF_ADDRESS_MAX):
        async with world.anonymous(client=(f"2001:db8::{number:x}", 1)) as screen:
            await asking(screen)
    async with world.anonymous(client=("2001:db8::ffff", 1)) as screen:
        assert (await screen.post(f"{API}/screen/code")).status_code == 429
    world.clock.wall_at_ms += screen_rows.CODE_MS
    async with world.anonymous() as screen:
        await asking(screen)
    assert await world.query("SELECT count(*) FROM wall_screen") == [(1,)]


async def test_a_screen_has_its_own_measure_of_requests(world: World) -> None:
    async with world.anonymous() as screen:
        await shown(world, screen)
        world.app.state.rates = Rates(Rate(per_s=1, burst=3), None)
        heard = [(await screen.get(BOARD)).status_code for _ in range(4)]
    assert heard == [200] * 3 + [429]


@pytest.mark.parametrize("secure", [True, False])
async def test_its_cookie_stays_at_home(world: World, secure: bool) -> None:
    async with world.anonymous() as screen:
        screen.base_url = httpx2.URL("https://hub" if secure else "http://hub")
        answer = await screen.post(f"{API}/screen/code")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert cookie.startswith("__host-" if secure else COOKIE_PLAIN)
    assert ("secure" in cookie) == secure
