"""Alarms and tasks through the whole of the interface."""

from tests.dashboard.conftest import NOW_MS, World, problem_of


async def test_an_alarm_is_listed_with_all_a_responder_needs(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        page = (await client.get("/api/v1/alarms", params={"state": "open"})).json()
    assert page["next"] is None
    [shown] = page["items"]
    assert shown["id"] == alarm
    assert shown["home"]["region_path"] == ["平利县", "城关镇", "龙头村"]
    assert shown["device_label"] == "床头呼叫按钮"
    [person] = shown["persons"]
    assert (person["name"], person["age"]) == ("张桂英", 85)
    assert person["contacts"] == [{"name": "张伟", "relation": "儿子", "phone": "13900000001"}]
    assert shown["raised_at"] == "2026-11-23T08:00:00.000Z"


async def test_the_detail_has_timeline_events_and_task(world: World) -> None:
    alarm = await world.raise_alarm()
    await world.execute(
        "INSERT INTO event (id, gateway, spool, spool_seq, device, home, kind, measured_at_ms,"
        ' received_at_ms, ingested_at_ms, "values", attrs, alarm)'
        " VALUES ('e1', 'gw-0001', 's', 1, 'button-0001', 'home-0001', 'sos', ?, ?, ?, '{}',"
        ' \'{"action":"press"}\', ?)',
        NOW_MS,
        NOW_MS,
        NOW_MS,
        alarm,
    )
    async with world.client("duty-1") as client:
        await client.post(f"/api/v1/alarms/{alarm}/acknowledge")
        shown = (await client.get(f"/api/v1/alarms/{alarm}")).json()
    facts = [(e["fact"], e["actor"], e["actor_name"]) for e in shown["timeline"]]
    assert facts == [
        ("raised", "system", "system"),
        ("told", "system", "system"),
        ("acknowledged", "duty-1", "人duty-1"),
    ]
    assert [e["attrs"] for e in shown["events"]] == [{"action": "press"}]
    assert shown["task_detail"]["alarm_kind"] == "sos"
    assert shown["acknowledged_by"] == {"username": "duty-1", "name": "人duty-1"}


async def test_the_detail_names_who_was_told_and_says_what_became_of_it(world: World) -> None:
    alarm = await world.raise_alarm()
    told = '{"round":1,"step":2,"to":[["visitor-1",["wecom_app"]],["contact:person-0001/1",[]]]}'
    await world.execute(
        "INSERT INTO entry (at_ms, topic, subject, fact, actor, reason, data)"
        " VALUES (?, 'alarm', ?, 'told', 'system', 'not_taken', ?)",
        NOW_MS,
        alarm,
        told,
    )
    for number, (step, state) in enumerate(
        (("1.2", "delivered"), ("2.1", "refused"), ("test", "delivered"), ("1.-4", "delivered"))
    ):
        await world.execute(
            "INSERT INTO outbox (id, channel, target, body, alarm, state, attempts, created_at_ms,"
            " next_at_ms, detail, recipient, step)"
            " VALUES (?, 'wecom_app', 'x', '', ?, ?, 1, ?, ?, '', 'visitor-1', ?)",
            f"n{number}",
            alarm,
            state,
            NOW_MS + number,
            NOW_MS,
            step,
        )
    async with world.client("duty-1") as client:
        shown = (await client.get(f"/api/v1/alarms/{alarm}")).json()
    assert shown["people"]["visitor-1"] == "人visitor-1"
    assert shown["people"]["contact:person-0001/1"] == "张伟"
    of = {"to": "visitor-1", "channel": "wecom_app"}
    assert shown["notices"] == [
        {**of, "round": 1, "step": 2, "state": "delivered"},
        {**of, "round": 2, "step": 1, "state": "refused"},
    ]
    async with world.client("auditor-1") as auditor:
        masked = (await auditor.get(f"/api/v1/alarms/{alarm}")).json()
    assert (masked["people"], masked["notices"]) == ({}, [])
    assert "张伟" not in str(masked)


async def test_from_press_to_close(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as duty, world.client("visitor-1") as visitor:
        answer = await duty.post(f"/api/v1/alarms/{alarm}/assign", json={"assignee": "visitor-1"})
        assert answer.json()["assignee"]["username"] == "visitor-1"
        [task] = (await visitor.get("/api/v1/tasks", params={"assignee": "me"})).json()["items"]
        for move in ("accept", "depart", "arrive"):
            answer = await visitor.post(f"/api/v1/tasks/{task['id']}/{move}", json={})
            assert answer.status_code == 200, answer.text
        answer = await visitor.post(
            f"/api/v1/tasks/{task['id']}/complete", json={"finding": "老人平安"}
        )
        assert (answer.json()["state"], answer.json()["finding"]) == ("completed", "老人平安")
        state = (await duty.get(f"/api/v1/alarms/{alarm}")).json()["state"]
        assert state == "in_response"
        answer = await duty.post(
            f"/api/v1/alarms/{alarm}/close", json={"outcome": "accidental", "note": "误触"}
        )
        assert answer.json()["state"] == "closed"
        [visit] = (await duty.get("/api/v1/visits", params={"home": "home-0001"})).json()["items"]
        assert visit["task"] == task["id"]
        timeline = (await duty.get(f"/api/v1/tasks/{task['id']}")).json()["timeline"]
        assert [e["fact"] for e in timeline][-1] == "completed"
    assert world.outbox.reassured == [alarm]


async def test_a_second_hand_is_told_who_was_first(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        await client.post(f"/api/v1/alarms/{alarm}/acknowledge")
        answer = await client.post(f"/api/v1/alarms/{alarm}/acknowledge")
    assert answer.status_code == 409
    assert problem_of(answer)["type"] == "already_taken"
    assert "duty-1" in problem_of(answer)["detail"]


async def test_an_unknown_outcome_names_its_field(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        answer = await client.post(f"/api/v1/alarms/{alarm}/close", json={"outcome": "recovered"})
    assert answer.status_code == 422
    assert (problem_of(answer)["type"], problem_of(answer)["field"]) == (
        "unknown_outcome",
        "outcome",
    )


async def test_only_somebody_who_can_go_there_is_assigned(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        for assignee in ("nobody", "auditor-1", "visitor-2"):
            answer = await client.post(
                f"/api/v1/alarms/{alarm}/assign", json={"assignee": assignee}
            )
            assert answer.status_code == 422, assignee
            assert problem_of(answer)["field"] == "assignee"
        offered = (await client.get("/api/v1/assignees")).json()["items"]
    names = [account["username"] for account in offered]
    assert names[:2] == ["visitor-1", "visitor-3"]
    assert "visitor-2" not in names
    assert "auditor-1" not in names


async def test_pages_hold_everything_once(world: World) -> None:
    made = [
        await world.raise_alarm(episode=f"a{n}", rule=f"rule-{n}", at_ms=NOW_MS + n)
        for n in range(7)
    ]
    seen: list[str] = []
    async with world.client("duty-1") as client:
        before: str | None = None
        while True:
            params = {"limit": "3"} | ({"before": before} if before else {})
            page = (await client.get("/api/v1/alarms", params=params)).json()
            seen += [alarm["id"] for alarm in page["items"]]
            before = page["next"]
            if before is None:
                break
    assert seen == made[::-1]


async def test_filters(world: World) -> None:
    await world.raise_alarm()
    await world.raise_alarm(
        "gateway:gw-0001",
        episode="silent",
        rule="gateway_silent",
        kind="gateway_silent",
        severity="technical",
        device=None,
    )
    async with world.client("duty-1") as client:

        async def kinds(**params: str) -> list[str]:
            answer = await client.get("/api/v1/alarms", params=params)
            assert answer.status_code == 200, answer.text
            return [alarm["kind"] for alarm in answer.json()["items"]]

        assert await kinds() == ["gateway_silent", "sos"]
        assert await kinds(severity="urgent,watch") == ["sos"]
        assert await kinds(state="closed") == []
        assert await kinds(home="home-0001") == ["sos"]
        assert await kinds(region="610926102") == []
        bad = await client.get("/api/v1/alarms", params={"state": "opened"})
    assert (bad.status_code, problem_of(bad)["field"]) == (422, "state")


async def test_a_visitor_moves_own_tasks_only(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as duty, world.client("visitor-3") as other:
        await duty.post(f"/api/v1/alarms/{alarm}/assign", json={"assignee": "visitor-1"})
        [task] = (await duty.get("/api/v1/tasks")).json()["items"]
        answer = await other.post(f"/api/v1/tasks/{task['id']}/accept")
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "not_yours")
        answer = await duty.post(f"/api/v1/tasks/{task['id']}/depart")
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "wrong_state")


async def test_nothing_is_there(world: World) -> None:
    async with world.client("duty-1") as client:
        for path in ("alarms/x", "tasks/x", "homes/x", "service-users/x", "gateways/x"):
            answer = await client.get(f"/api/v1/{path}")
            assert (answer.status_code, problem_of(answer)["type"]) == (404, "not_found"), path
        for path in ("alarms/x/acknowledge", "tasks/x/accept"):
            assert (await client.post(f"/api/v1/{path}")).status_code == 404, path


async def test_an_alarm_goes_from_hand_to_hand(world: World) -> None:
    alarm = await world.raise_alarm()
    at = f"/api/v1/alarms/{alarm}"
    async with world.client("duty-1") as duty, world.client("manager-1") as manager:
        taken = (await duty.post(f"{at}/acknowledge")).json()
        assert taken["holder"]["username"] == "duty-1"
        assert taken["ack_until"] == "2026-11-23T08:05:00.000Z"
        world.clock.at_ms += 60_000
        longer = (await duty.post(f"{at}/extend")).json()
        assert longer["ack_until"] == "2026-11-23T08:06:00.000Z"
        refused = await duty.post(f"{at}/handover", json={"to": "visitor-1"})
        assert (refused.status_code, problem_of(refused)["field"]) == (422, "to")
        offered = (await duty.post(f"{at}/handover", json={"to": "manager-1"})).json()
        assert offered["handover_to"]["username"] == "manager-1"
        assert (await manager.post(f"{at}/decline", json={"reason": "busy"})).status_code == 200
        await duty.post(f"{at}/handover", json={"to": "manager-1"})
        over = (await manager.post(f"{at}/acknowledge")).json()
        assert (over["holder"]["username"], over["handover_to"]) == ("manager-1", None)
        theirs = await duty.post(f"{at}/release", json={"reason": "shift_ends"})
        assert (theirs.status_code, problem_of(theirs)["type"]) == (409, "not_holder")
        given = (await manager.post(f"{at}/release", json={"reason": "shift_ends"})).json()
        assert (given["state"], given["holder"], given["calling"]) == ("open", None, True)
        wrong = await manager.post(f"{at}/decline", json={"reason": "no_idea"})
        assert (wrong.status_code, problem_of(wrong)["type"]) == (422, "unknown_reason")


async def test_a_visitor_who_cannot_come_says_so(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("visitor-1") as visitor:
        answer = await visitor.post(f"/api/v1/alarms/{alarm}/decline", json={"reason": "too_far"})
        assert answer.status_code == 200
        hand_over = await visitor.post(f"/api/v1/alarms/{alarm}/extend")
        assert hand_over.status_code == 403


async def test_merged_closed_and_opened_again(world: World) -> None:
    call = await world.raise_alarm()
    fall = await world.raise_alarm(episode="fall", rule="fall", kind="fall")
    elsewhere = await world.raise_alarm("home-0002")
    async with world.client("duty-1") as duty, world.client("admin-1") as admin:
        hidden = await duty.post(f"/api/v1/alarms/{fall}/merge", json={"into": elsewhere})
        assert hidden.status_code == 404
        other = await admin.post(f"/api/v1/alarms/{fall}/merge", json={"into": elsewhere})
        assert problem_of(other)["type"] == "not_one_event"
        merged = (await duty.post(f"/api/v1/alarms/{fall}/merge", json={"into": call})).json()
        assert (merged["state"], merged["merged_into"]) == ("closed", call)
        await duty.post(f"/api/v1/alarms/{call}/close", json={"outcome": "test", "note": ""})
        again = {"reason": "closed_by_mistake", "note": "wrong line"}
        opened = (await duty.post(f"/api/v1/alarms/{call}/reopen", json=again)).json()
        assert (opened["state"], opened["reopened"], opened["outcome"]) == ("open", 1, None)
        twice = await duty.post(f"/api/v1/alarms/{call}/reopen", json=again)
        assert (twice.status_code, problem_of(twice)["type"]) == (409, "not_closed")


async def test_who_closes_a_silence_says_how_it_was_and_nobody_asks_of_a_call(world: World) -> None:
    kind = "no_sign_of_life"
    silence, call = (
        await world.raise_alarm(rule=kind, kind=kind),
        await world.raise_alarm(episode="c"),
    )
    async with world.client("duty-1") as client:
        for alarm, word in ((silence, "well"), (call, "was_out")):
            body = {"outcome": "social", "found_out": word}
            answer = await client.post(f"/api/v1/alarms/{alarm}/close", json=body)
            assert answer.status_code == 422
            refused = problem_of(answer)
            assert (refused["type"], refused["field"]) == ("unknown_found_out", "found_out")
        body = {"outcome": "social", "found_out": "was_in_and_well"}
        closed = (await client.post(f"/api/v1/alarms/{silence}/close", json=body)).json()
        assert (closed["state"], closed["found_out"]) == ("closed", "was_in_and_well")
        # As clients of before do it.
        old = (await client.post(f"/api/v1/alarms/{call}/close", json={"outcome": "test"})).json()
        assert (old["state"], old["found_out"]) == ("closed", None)
