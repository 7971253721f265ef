"""The trail: found by who, whose, what and when; its readers are on it; its chain is checked."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from contract.moment import to_iso
from dashboard.answers import _trail
from dashboard.audit_words import ACTIONS, KINDS
from tests.dashboard.conftest import NOW_MS, World, problem_of
from tests.dashboard.test_permissions import declared, routes

API = "/api/v1"
ROOT = Path(__file__).resolve().parents[2]


async def asked(world: World, username: str = "admin-1", **more: Any) -> dict[str, Any]:
    # Behind whatever is on its way to the book.
    await world.audited()
    async with world.client(username) as client:
        answer = await client.get(f"{API}/audit", params=more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def items(world: World, **more: Any) -> list[tuple[str, str, str]]:
    return [(i["actor"], i["action"], i["object"]) for i in (await asked(world, **more))["items"]]


async def touch(world: World) -> None:
    """Somebody looks at a file, somebody changes it, and somebody takes a table along."""
    async with world.client("duty-1") as client:
        await client.get(f"{API}/service-users/person-0001/file")
        await client.get(f"{API}/homes/home-0001")
    async with world.client("manager-1") as client:
        said = {"phone": "13900009999"}
        await client.patch(f"{API}/service-users/person-0001", json=said)
        await client.get(f"{API}/exports/persons.csv")
    async with world.client("admin-1") as client:
        await client.get(f"{API}/service-users/person-0002")


async def test_an_alarm_is_named_by_its_number(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        number = (await client.get(f"{API}/alarms/{alarm}")).json()["number"]
    one = (await asked(world, object=f"alarm:{alarm}"))["items"][0]
    assert one["name"] == str(number)


async def test_who_did_what_to_whose_file(world: World) -> None:
    await touch(world)
    found = await items(world, person="person-0001")
    assert ("duty-1", "viewed", "person:person-0001") in found
    assert ("duty-1", "viewed", "home:home-0001") in found
    assert ("manager-1", "changed", "person:person-0001") in found
    assert not [one for one in found if "0002" in one[2]]
    one = (await asked(world, object="person:person-0001"))["items"][0]
    assert (one["name"], one["actor_name"]) == ("张桂英", "人manager-1")


async def test_by_account_kind_and_span(world: World) -> None:
    await touch(world)
    assert {one[0] for one in await items(world, actor="duty-1")} == {"duty-1"}
    assert [one[1:] for one in await items(world, kind="out")] == [("exported", "export:persons")]
    assert {one[1] for one in await items(world, kind="access")} == {"logged_in"}
    changes = {one[1] for one in await items(world, kind="change", actor="manager-1")}
    assert changes == {"changed"}
    world.clock.at_ms += 3_600_000
    async with world.client("duty-1") as client:
        await client.get(f"{API}/homes/home-0001")
    later = to_iso(NOW_MS + 1)
    assert await items(world, actor="duty-1", **{"from": later}) == [
        ("duty-1", "viewed", "home:home-0001")
    ]
    assert ("duty-1", "viewed", "home:home-0001") in await items(world, to=later)
    async with world.client("admin-1") as client:
        for wrong in ({"kind": "nonsense"}, {"from": later, "to": later}):
            answer = await client.get(f"{API}/audit", params=wrong)
            assert answer.status_code == 422


async def test_every_line_is_of_the_kind_that_finds_it(world: World) -> None:
    await touch(world)
    async with world.client("duty-1") as client:
        await client.get(f"{API}/alarms")
        await client.get(f"{API}/homes")
    everything = {i["seq"]: i["kind"] for i in (await asked(world, limit=500))["items"]}
    assert set(everything.values()) == set(KINDS)
    for kind in KINDS:
        found = {i["seq"] for i in (await asked(world, kind=kind, limit=500))["items"]}
        assert found & everything.keys() == {s for s, k in everything.items() if k == kind}


async def test_page_after_page_nothing_twice_and_nothing_left_out(world: World) -> None:
    await touch(world)
    whole = [i["seq"] for i in (await asked(world, limit=500))["items"]]
    paged: list[int] = []
    before: dict[str, Any] = {"before": whole[0] + 1}
    while True:
        answer = await asked(world, limit=3, **before)
        paged += [i["seq"] for i in answer["items"]]
        if answer["next"] is None:
            break
        before = {"before": answer["next"]}
    assert paged == whole


async def test_from_where_is_that_of_the_sign_in(world: World) -> None:
    await touch(world)
    found = (await asked(world, actor="duty-1"))["items"]
    assert {tuple(one["from"]) for one in found} == {("127.0.0.1",)}
    await world.execute(
        "UPDATE audit SET detail = '10.0.0.9' WHERE action = 'logged_in' AND actor = 'duty-1'"
    )
    assert (await asked(world, actor="duty-1"))["items"][0]["from"] == ["10.0.0.9"]


async def test_a_change_is_told_before_and_after(world: World) -> None:
    await touch(world)
    [changed] = (await asked(world, person="person-0001", kind="change"))["items"]
    async with world.client("admin-1") as client:
        one = (await client.get(f"{API}/audit/{changed['seq']}")).json()
        assert (await client.get(f"{API}/audit/99999")).status_code == 404
    # An office above several towns rings nobody up (docs/access.md).
    assert one["changes"] == [
        {
            "field": "phone",
            "zh": "联系电话",
            "en": one["changes"][0]["en"],
            "old": "138****0001",
            "new": "139****9999",
            "hidden": False,
        }
    ]
    assert ("admin-1", "viewed", f"audit:{changed['seq']}") in await world.audited()


async def test_an_auditor_reads_what_was_done_and_not_what_was_written(world: World) -> None:
    await world.execute("UPDATE account SET region = '' WHERE username = 'auditor-1'")
    await touch(world)
    [changed] = (await asked(world, "auditor-1", person="person-0001", kind="change"))["items"]
    assert changed["name"] == "张**"
    async with world.client("auditor-1") as client:
        one = (await client.get(f"{API}/audit/{changed['seq']}")).json()
    assert [(c["field"], c["old"], c["new"], c["hidden"]) for c in one["changes"]] == [
        ("phone", None, None, True)
    ]


async def test_who_reads_the_trail_is_on_it(world: World) -> None:
    await asked(world, person="person-0001")
    async with world.client("admin-1") as client:
        await client.get(f"{API}/audit/all.csv", params={"actor": "duty-1"})
    found = (await asked(world, actor="admin-1"))["items"]
    told = {(one["action"], one["object"]): one["detail"] for one in found}
    assert "person person-0001" in told["listed", "audit"]
    assert "account duty-1" in told["exported", "audit"]


async def test_it_is_taken_along_as_a_table(world: World) -> None:
    await touch(world)
    await world.audited()
    async with world.client("admin-1") as client:
        answer = await client.get(f"{API}/audit/all.csv", params={"person": "person-0001"})
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {line["做了什么"] for line in lines} == {"查看", "修改"}
    assert {line["姓名"] for line in lines} == {"人duty-1", "人manager-1"}


async def test_the_trail_is_for_who_sees_everything(world: World) -> None:
    for username in ("manager-1", "auditor-1"):
        async with world.client(username) as client:
            for path in ("audit", "audit/all.csv", "audit/chain", "audit/1"):
                assert (await client.get(f"{API}/{path}")).status_code == 403, path
    # A county is everything where there is no other.
    await world.execute("UPDATE account SET region = '610926' WHERE username = 'manager-1'")
    async with world.client("manager-1") as client:
        assert (await client.get(f"{API}/audit")).status_code == 200


async def check(world: World) -> dict[str, Any]:
    async with world.client("admin-1") as client:
        answer = await client.post(f"{API}/audit/chain")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_chain_is_checked_on_from_the_last_time(world: World) -> None:
    await touch(world)
    await world.audited()
    first = await check(world)
    assert (first["holds"], first["more"]) == (True, False)
    assert first["tables"]["audit"]["rows"] > 5
    second = await check(world)
    # What the first check wrote, and what was looked at since.
    assert second["tables"]["audit"]["rows"] < first["tables"]["audit"]["rows"]
    async with world.client("admin-1") as client:
        answer = await client.get(f"{API}/audit/chain")
    assert answer.status_code == 200, answer.text
    state = answer.json()
    assert state["checked"]["holds"] is True
    assert state["checked"]["by"] == "人admin-1"
    assert {table["table"] for table in state["tables"]} == {"entry", "audit"}


async def test_a_changed_row_is_found_and_stays_told(world: World) -> None:
    await touch(world)
    await world.audited()
    await check(world)
    [[newest]] = await world.query("SELECT max(seq) FROM audit")
    await touch(world)
    await world.audited()
    await world.execute("UPDATE audit SET actor = 'nobody' WHERE seq = ?", newest + 2)
    found = await check(world)
    assert (found["holds"], found["tables"]["audit"]["broken"]) == (False, [newest + 2])
    assert (await check(world))["holds"] is False


async def test_the_row_where_the_last_check_ended_is_looked_at_again(world: World) -> None:
    await touch(world)
    await world.audited()
    seq = (await check(world))["tables"]["audit"]["seq"]
    await world.execute("DELETE FROM audit WHERE seq = ?", seq)
    assert (await check(world))["tables"]["audit"]["broken"] == [seq, seq + 1]


def test_every_action_has_its_word() -> None:
    said: set[str] = set()
    for room in ("alarms", "dashboard", "hearthwatch", "ledger"):
        for path in (ROOT / room).rglob("*.py"):
            found = re.findall(r"\.(?:audit|note)\(\s*[\w.\"]+,\s*\"(\w+)\"", path.read_text())
            said |= set(found)
    assert len(said) > 20
    assert not said - set(ACTIONS)


# What is given to nobody but who is signed in, or tells of nobody who is watched.
NOT_OF_PEOPLE = {
    "/alarms/{alarm_id}/reviews": "why a call was answered late",
    "/assignees": "colleagues",
    "/care-lines/summary": "sums",
    "/handovers": "sheets without their lines",
    "/money": "sums of regions",
    "/notifications": "which way was tried, the address masked",
    "/notifications/failures": "sums",
    "/person-imports/template": "empty",
    "/person-imports/{import_id}": "counts",
    "/plan/summary": "sums",
    "/proofs": "kinds",
    "/reports/alarms": "sums",
    "/reports/period": "sums",
    "/reports/response": "sums",
    "/reports/response/calls": "calls by their numbers, and colleagues",
    "/reports/trend": "sums",
    "/providers": "institutions",
    "/unseen/count": "sums",
    "/visits/form": "empty",
    "/exports": "which there are",
    "/export-requests": "who asks for which table",
}
ABOUT_PEOPLE = {
    "alarm.read",
    "care.read",
    "data.export",
    "handover.read",
    "notification.read",
    "person.print",
    "person.read",
    "person.write",
    "plan.read",
    "report.read",
    "reading.read",
    "task.read",
    "visit.read",
}


def readers() -> Iterator[APIRoute]:
    for _prefix, route in routes():
        if "GET" in route.methods and declared(route.dependant) & ABOUT_PEOPLE:
            yield route


def notes(dependant: Dependant) -> bool:
    inner = dependant.dependencies
    return dependant.call is _trail or any(notes(one) for one in inner)


@pytest.mark.parametrize("route", list(readers()), ids=lambda route: route.path)
def test_whoever_reads_of_people_is_noted(route: APIRoute) -> None:
    """The route asks for the trail, or is listed above with why it need not."""
    assert notes(route.dependant) != (route.path in NOT_OF_PEOPLE)


def test_no_exception_is_left_over() -> None:
    assert set(NOT_OF_PEOPLE) <= {route.path for route in readers() if not notes(route.dependant)}


async def test_what_may_not_be_read_is_refused(world: World) -> None:
    async with world.client("duty-1") as client:
        assert problem_of(await client.get(f"{API}/audit"))["type"] == "forbidden"
