"""Tasks by hand, who could go, the card and the sheet, arrivals and their proofs, over HTTP."""

from dataclasses import replace

import pytest

from dashboard.masking import present
from dashboard.permissions import permissions_of
from ledger.register import store
from ledger.roster import parse
from tests.dashboard.conftest import NOW_MS, World, problem_of
from tests.dashboard.county import ROSTER

API = "/api/v1"
IN_A_WEEK = "2026-11-30T08:00:00Z"


async def accepted(world: World, visitor, **changes) -> tuple[str, str]:
    alarm = await world.raise_alarm(**changes)
    [task] = [t for t in (await visitor.get(f"{API}/tasks")).json()["items"] if t["alarm"] == alarm]
    answer = await visitor.post(f"{API}/tasks/{task['id']}/accept")
    assert answer.status_code == 200, answer.text
    return alarm, task["id"]


async def test_a_routine_visit_is_made_once_and_given_to_somebody_else(world: World) -> None:
    order = {"kind": "routine", "home": "home-0001", "due_at": IN_A_WEEK, "note": "量血压"}
    async with world.client("duty-1") as duty, world.client("visitor-3") as visitor:
        answers = [
            await duty.post(
                f"{API}/tasks",
                json={**order, "assignee": "visitor-1"},
                headers={"Idempotency-Key": "k1"},
            )
            for _ in range(2)
        ]
        assert [a.status_code for a in answers] == [201, 201]
        task = answers[0].json()
        assert task == answers[1].json()
        assert (task["kind"], task["alarm"], task["note"]) == ("routine", None, "量血压")
        answer = await duty.post(f"{API}/tasks/{task['id']}/assign", json={"assignee": "visitor-3"})
        assert answer.json()["assignee"]["username"] == "visitor-3"
        for move in ("accept", "depart", "arrive"):
            assert (await visitor.post(f"{API}/tasks/{task['id']}/{move}")).status_code == 200
        done = await visitor.post(f"{API}/tasks/{task['id']}/complete", json={"finding": "平安"})
        assert done.json()["state"] == "completed"
        [visit] = (await duty.get(f"{API}/visits", params={"home": "home-0001"})).json()["items"]
    assert (visit["kind"], visit["proof"], visit["task"]) == ("routine", None, task["id"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"home": "home-0002"}, "home"),
        ({"home": "nowhere"}, "home"),
        ({"due_at": "2026-11-22T08:00:00Z"}, "due_at"),
        ({"assignee": "visitor-2"}, "assignee"),
        ({"assignee": "auditor-1"}, "assignee"),
        ({"assignee": "nobody"}, "assignee"),
    ],
)
async def test_an_order_that_makes_no_sense_names_its_field(world: World, changes, field) -> None:
    order = {"kind": "routine", "home": "home-0001", "due_at": IN_A_WEEK, **changes}
    async with world.client("duty-1") as duty:
        answer = await duty.post(f"{API}/tasks", json=order)
    assert answer.status_code == 422
    assert problem_of(answer)["field"] == field


async def test_the_task_of_an_open_alarm_is_reassigned_with_its_alarm(world: World) -> None:
    async with world.client("duty-1") as duty:
        alarm = await world.raise_alarm()
        [task] = (await duty.get(f"{API}/tasks")).json()["items"]
        path = f"{API}/tasks/{task['id']}"
        answer = await duty.post(f"{path}/assign", json={"assignee": "visitor-3"})
        assert answer.json()["assignee"]["username"] == "visitor-3"
        shown = (await duty.get(f"{API}/alarms/{alarm}")).json()
        assert shown["assignee"]["username"] == "visitor-3"
        answer = await duty.post(f"{path}/cancel")
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "alarm_open")


async def test_who_could_go_is_told_with_why(world: World) -> None:
    async with world.client("duty-1") as duty:
        await world.raise_alarm()
        [task] = (await duty.get(f"{API}/tasks")).json()["items"]
        found = (await duty.get(f"{API}/tasks/{task['id']}/suggestions")).json()["items"]
    assert found[0]["username"] == "visitor-1"
    assert found[0]["tasks"] == 0
    assert found[0]["why"] == [
        {"code": "responsible"},
        {"code": "near", "km": 0.0, "from": "homes"},
    ]
    names = [one["username"] for one in found]
    assert "visitor-3" in names
    # Of another town, and who takes no tasks.
    assert not {"visitor-2", "auditor-1", "installer-1"} & set(names)


async def test_the_card_holds_what_who_goes_must_know(world: World) -> None:
    person = {"medication": ["硝苯地平 每日一次"], "allergies": ["青霉素"], "hearing": "右耳听不见"}
    home = {"key_place": "李婶家", "lane": "桥后左转", "dog": "黄狗，拴着"}
    async with world.client("manager-1") as manager, world.client("visitor-1") as visitor:
        answer = await manager.patch(f"{API}/service-users/person-0001", json=person)
        assert answer.status_code == 200, answer.text
        assert (await manager.patch(f"{API}/homes/home-0001", json=home)).status_code == 200
        _alarm, task = await accepted(world, visitor)
        card = (await visitor.get(f"{API}/tasks/{task}/card")).json()
    assert {name: card["home"][name] for name in home} == home
    assert card["home"]["access_note"] == "钥匙在邻居李婶家；院里有狗"
    [shown] = card["persons"]
    assert {name: shown[name] for name in person} == person
    assert shown["contacts"] == [{"name": "张伟", "relation": "儿子", "phone": "13900000001"}]
    assert shown["responsible"] == {"username": "visitor-1", "name": "人visitor-1"}
    [reading] = card["readings"]
    assert (reading["device"], reading["value"]) == ("meter-0001", 12.5)
    assert card["proofs"] == {"button": True, "label": False, "gps": False}
    assert ("visitor-1", "viewed", f"card:{task}") in await world.audited()


async def test_the_card_says_that_the_devices_can_t_be_heard(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        alarm, task = await accepted(world, visitor)
        heard = []
        for online in (1, 0):
            await world.execute("UPDATE gateway SET online = ?", online)
            for path in (f"tasks/{task}/card", f"alarms/{alarm}/sheet"):
                heard.append((await visitor.get(f"{API}/{path}")).json()["heard"])
    assert heard == [True, True, False, False]


async def test_who_goes_has_a_card_whatever_became_of_the_readings(world: World) -> None:
    world.readings.away = True
    async with world.client("visitor-1") as visitor, world.client("duty-1") as duty:
        alarm, task = await accepted(world, visitor)
        for client, path in ((visitor, f"tasks/{task}/card"), (duty, f"alarms/{alarm}/sheet")):
            answer = await client.get(f"{API}/{path}")
            assert answer.status_code == 200, answer.text
            shown = answer.json()
            assert shown["home"]["access_note"]
            # None shown is not none there.
            assert (shown["readings"], shown["readings_away"]) == ([], True)
        month, device = "service-users/person-0001/month", "gw-0001/meter-0001"
        for path in (f"readings?device={device}", month):
            answer = await duty.get(f"{API}/{path}")
            problem = problem_of(answer)
            assert (problem["status"], problem["type"]) == (503, "readings_away")
            assert answer.headers["retry-after"]
        assert (await duty.get(f"{API}/alarms/{alarm}")).status_code == 200
        world.readings.away = False
        assert (await visitor.get(f"{API}/tasks/{task}/card")).json()["readings_away"] is False


async def test_the_card_is_for_who_goes_and_for_who_sends(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        alarm, task = await accepted(world, visitor)
    seen = {}
    for username in ("visitor-1", "visitor-3", "duty-1", "manager-1", "auditor-1", "duty-2"):
        async with world.client(username) as client:
            paths = (f"tasks/{task}/card", f"alarms/{alarm}/sheet")
            answers = [(await client.get(f"{API}/{path}")).status_code for path in paths]
        seen[username] = answers
    assert seen == {
        "visitor-1": [200, 200],
        "visitor-3": [403, 403],
        "duty-1": [200, 200],
        "manager-1": [200, 200],
        "auditor-1": [403, 403],
        "duty-2": [404, 404],
    }


async def test_the_sheet_says_what_happened_since_when(world: World) -> None:
    async with world.client("duty-1") as duty:
        alarm = await world.raise_alarm()
        await duty.post(f"{API}/alarms/{alarm}/acknowledge")
        sheet = (await duty.get(f"{API}/alarms/{alarm}/sheet")).json()
    assert sheet["alarm"]["raised_at"] == "2026-11-23T08:00:00.000Z"
    facts = [entry["fact"] for entry in sheet["timeline"]]
    assert (facts[0], facts[-1]) == ("raised", "acknowledged")
    assert sheet["persons"][0]["born"] == "1941-03-02"
    assert sheet["home"]["address"] == "龙头村一组 12 号"
    assert ("duty-1", "viewed", f"sheet:{alarm}") in await world.audited()


async def test_a_label_proves_the_arrival_until_a_new_one_is_made(world: World) -> None:
    async with world.client("manager-1") as manager, world.client("visitor-1") as visitor:
        assert (await manager.get(f"{API}/homes/home-0001/label")).status_code == 409
        first = (await manager.post(f"{API}/homes/home-0001/label")).json()
        second = (await manager.post(f"{API}/homes/home-0001/label")).json()
        assert (first["print"], second["print"]) == (1, 2)
        assert second["address"].endswith(f"/tasks?arrive=home-0001:{second['code']}")
        picture = await manager.get(f"{API}/homes/home-0001/label")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert second["code"][:9] in picture.text
        _alarm, task = await accepted(world, visitor)
        path = f"{API}/tasks/{task}/arrive"
        for code in (first["code"], "home-0002:" + second["code"], "0000-0000-0000-0000"):
            answer = await visitor.post(path, json={"proof": {"kind": "label", "code": code}})
            assert (answer.status_code, problem_of(answer)["type"]) == (422, "wrong_label")
        scanned = {"kind": "label", "code": f"home-0001:{second['code']}"}
        answer = await visitor.post(path, json={"proof": scanned})
        assert (answer.json()["state"], answer.json()["proof"]) == ("arrived", "label")
        done = await visitor.post(f"{API}/tasks/{task}/complete", json={"finding": "平安"})
        assert done.status_code == 200
        [visit] = (await manager.get(f"{API}/visits")).json()["items"]
    assert visit["proof"] == "label"


async def test_the_place_of_a_telephone_is_off_until_the_county_wants_it(world: World) -> None:
    here = {"kind": "gps", "lat": 32.38, "lon": 109.36, "accuracy_m": 10}
    async with world.client("visitor-1") as visitor:
        _alarm, task = await accepted(world, visitor)
        answer = await visitor.post(f"{API}/tasks/{task}/arrive", json={"proof": here})
        assert problem_of(answer)["type"] == "gps_off"
        assert (await visitor.get(f"{API}/proofs")).json()["items"] == ["button", "label"]


async def test_where_the_county_wants_it_the_place_proves(world: World) -> None:
    world.app.state.deps = replace(world.deps, gps_proof=True)
    here = {"kind": "gps", "lat": 32.38, "lon": 109.36, "accuracy_m": 10}
    async with world.client("visitor-1") as visitor:
        _alarm, task = await accepted(world, visitor)
        path = f"{API}/tasks/{task}/arrive"
        answer = await visitor.post(path, json={"proof": {**here, "lat": 32.4}})
        assert problem_of(answer)["type"] == "too_far"
        answer = await visitor.post(path, json={"proof": here})
    assert (answer.json()["state"], answer.json()["proof"]) == ("arrived", "gps")


async def test_who_is_on_duty_by_the_rota_is_named_before_others(world: World) -> None:
    asked = []

    def on_duty(region: str | None, at_ms: int) -> list[str]:
        asked.append((region, at_ms))
        return ["visitor-3", "duty-1"]

    world.app.state.deps = replace(world.deps, on_duty=on_duty)
    async with world.client("duty-1") as duty:
        await world.raise_alarm()
        [task] = (await duty.get(f"{API}/tasks")).json()["items"]
        found = (await duty.get(f"{API}/tasks/{task['id']}/suggestions")).json()["items"]
    assert asked == [("610926101001", NOW_MS)]
    assert [one["username"] for one in found[:3]] == ["visitor-1", "visitor-3", "duty-1"]
    assert found[1]["why"] == [{"code": "on_duty"}]


async def test_asking_for_the_press_is_on_the_task(world: World) -> None:
    async with world.client("visitor-1") as visitor, world.client("visitor-3") as other:
        _alarm, task = await accepted(world, visitor)
        answer = await other.post(f"{API}/tasks/{task}/ask-press")
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "not_yours")
        answer = await visitor.post(f"{API}/tasks/{task}/ask-press")
        assert answer.json()["press_until"] == "2026-11-23T08:02:00.000Z"


async def test_a_closing_that_asks_for_it_makes_a_follow_up(world: World) -> None:
    async with world.client("duty-1") as duty:
        for number, (outcome, days) in enumerate(
            [("medical_advice", None), ("accidental", None), ("social", 0), ("accidental", 5)]
        ):
            alarm = await world.raise_alarm(episode=f"e{number}")
            body = {"outcome": outcome, "note": ""}
            if days is not None:
                body["follow_up_days"] = days
            answer = await duty.post(f"{API}/alarms/{alarm}/close", json=body)
            assert answer.status_code == 200, answer.text
        answer = await duty.post(
            f"{API}/alarms/{alarm}/close", json={"outcome": "social", "follow_up_days": 91}
        )
        assert answer.status_code == 422
        page = (await duty.get(f"{API}/tasks", params={"state": "open"})).json()["items"]
    due = sorted((t["kind"], t["due_at"], t["assignee"]["username"]) for t in page)
    assert due == [
        ("follow_up", "2026-11-26T08:00:00.000Z", "visitor-1"),
        ("follow_up", "2026-11-28T08:00:00.000Z", "visitor-1"),
    ]


def test_what_may_save_a_life_is_masked_with_the_rest() -> None:
    person = {"name": "张桂英", "medication": ["x"], "allergies": ["y"], "hearing": "z"}
    home = {"address": "a", "lat": 1, "lon": 2, "key_place": "k", "lane": "l", "dog": "d"}
    shown = present({"persons": [person], "home": home}, permissions_of("auditor"))
    assert shown["persons"] == [
        {"name": "张**", "medication": [], "allergies": [], "hearing": "***"}
    ]
    assert {shown["home"][name] for name in ("key_place", "lane", "dog")} == {"***"}


async def test_reviews_and_figures(world: World) -> None:
    quick = await world.raise_alarm(episode="quick")
    async with world.client("duty-1") as duty:
        world.clock.at_ms += 30_000
        await duty.post(f"{API}/alarms/{quick}/acknowledge")
        await duty.post(f"{API}/alarms/{quick}/close", json={"outcome": "accidental"})
        slow = await world.raise_alarm(episode="slow")
        world.clock.at_ms += 200_000
        await duty.post(f"{API}/alarms/{slow}/assign", json={"assignee": "visitor-1"})
        test = await world.raise_alarm(episode="test", home="home-0001", rule="fall", kind="fall")
        await duty.post(f"{API}/alarms/{test}/close", json={"outcome": "test"})
        report = (await duty.get(f"{API}/reports/response", params={"by": "region"})).json()
        total = report["total"]
        assert total["calls"] == 2
        assert [(s["met"], s["of"]) for s in total["answered"]["shares"]] == [(1, 2), (1, 2)]
        assert (total["answered"]["median_s"], total["answered"]["worst_s"]) == (115.0, 200.0)
        assert total["called_off"] == 1
        assert [(g["group"], g["name"], g["calls"]) for g in report["groups"]] == [
            ("610926101001", "龙头村", 2)
        ]
        for by, groups in (("person", {"duty-1", "visitor-1"}), ("shift", {"16-24"})):
            shown = (await duty.get(f"{API}/reports/response", params={"by": by})).json()["groups"]
            assert {group["group"] for group in shown} == groups
        late = await duty.get(f"{API}/reports/response/calls", params={"which": "unreviewed"})
        [owed] = late.json()["items"]
        assert (owed["alarm"], owed["answer_s"], owed["review_due"]) == (slow, 200.0, True)
        path = f"{API}/alarms/{slow}/review"
        for body, code in (
            ({"cause": "laziness", "note": "x"}, "unknown_cause"),
            ({"cause": "busy", "note": "  "}, "note_missing"),
        ):
            answer = await duty.post(path, json=body)
            assert (answer.status_code, problem_of(answer)["type"]) == (422, code)
        answer = await duty.post(path, json={"cause": "busy", "note": "另一起警情"})
        assert answer.status_code == 201
        late = await duty.get(f"{API}/reports/response/calls", params={"which": "unreviewed"})
        assert late.json()["items"] == []
        report = (await duty.get(f"{API}/reports/response")).json()
        assert report["total"]["reviews"] == {"due": 1, "done": 1}
        facts = [e["fact"] for e in (await duty.get(f"{API}/alarms/{slow}")).json()["timeline"]]
        assert facts[-1] == "reviewed"
        table = await duty.get(f"{API}/reports/response.csv")
    assert table.headers["content-type"].startswith("text/csv")
    header, *lines = table.content.decode("utf-8-sig").splitlines()
    assert header.split(",")[:3] == ["number", "alarm", "region"]
    assert len(lines) == 2


async def test_a_roster_read_again_leaves_what_it_does_not_name(world: World) -> None:
    named = 'access_note = "钥匙在邻居李婶家；院里有狗"\ndog = "黄狗"'
    told = ROSTER.replace('access_note = "钥匙在邻居李婶家；院里有狗"', named)
    async with world.client("manager-1") as manager:
        person = {"allergies": ["青霉素"], "hearing": "右耳听不见"}
        await manager.patch(f"{API}/service-users/person-0001", json=person)
        await manager.patch(f"{API}/homes/home-0001", json={"lane": "桥后左转", "dog": "没有"})
        await world.writer.change(lambda unit: store(unit, parse(told)))
        shown = (await manager.get(f"{API}/service-users/person-0001")).json()
        home = (await manager.get(f"{API}/homes/home-0001")).json()
    assert {name: shown[name] for name in person} == person
    assert (home["lane"], home["dog"]) == ("桥后左转", "黄狗")


async def test_the_card_of_no_home_shows_nobody_elses(world: World) -> None:
    await world.execute("UPDATE device SET home = NULL WHERE home = 'home-0002'")
    mine = {"rule": "device_fault", "kind": "device_fault", "severity": "technical"}
    mine = {**mine, "repair_within_ms": 3_600_000, "device": None}
    for gateway in ("gw-0001", "gw-0002"):
        about = {"home": f"gateway:{gateway}", "gateway": gateway, "episode": gateway}
        await world.raise_alarm(**about, **mine)
    async with world.client("duty-1") as duty:
        [task] = (await duty.get(f"{API}/tasks")).json()["items"]
        card = (await duty.get(f"{API}/tasks/{task['id']}/card")).json()
        sheet = (await duty.get(f"{API}/alarms/gw-0001/sheet")).json()
    for shown in (card, sheet):
        assert (shown["home"], shown["devices"], shown["open_alarms"]) == (None, [], [])
    assert card["proofs"] == {"button": False, "label": False, "gps": False}
