"""Who saw a person's file: by the day, in plain words, on paper, and no other person's looks."""

import io

import pypdf
import pytest

from dashboard import look_reads
from ledger.documents.looks import ACTS, ROLES, THINGS, Look, looks_paper, words
from tests.dashboard.conftest import NOW_MS, World, problem_of
from tests.dashboard.test_papers import text_of

ON_BOTH = True

API = "/api/v1"
PERSON = f"{API}/service-users/person-0001"
LOOKS = f"{PERSON}/looks"
DAY_MS = 86_400_000
WHY = "核对补贴名单"


async def seen(world: World, who: str, *paths: str) -> None:
    async with world.client(who) as client:
        for path in paths:
            answer = await client.get(f"{API}/{path}")
            assert answer.status_code == 200, answer.text


async def looks(world: World, who: str = "manager-1", **asked: object) -> dict:
    await world.audited()
    async with world.client(who) as client:
        answer = await client.get(LOOKS, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_one_did_on_a_day_is_one_line(world: World) -> None:
    file = "service-users/person-0001/file"
    await seen(world, "duty-1", file, file, "service-users/person-0001")
    await seen(world, "visitor-1", "homes/home-0001")
    await seen(world, "duty-1", "service-users/person-0001/annex3.docx")
    async with world.client("duty-1") as client:
        await client.post(f"{API}/{file}/reveal", json={"reason": WHY})
    found = await looks(world)
    lines = {(one["who"], one["act"], one["thing"]): one for one in found["items"]}
    assert lines["人duty-1", "look", "file"]["times"] == 3
    assert lines["人visitor-1", "look", "home"]["times"] == 1
    assert lines["人duty-1", "printed", "file"]["times"] == 1
    assert lines["人duty-1", "revealed", "file"]["said"] == WHY
    assert {one["role"] for one in found["items"]} == {"duty", "visitor"}
    assert (found["people"], found["times"]) == (2, 6)
    # Names to be read, not those that somebody signs in with.
    assert all(one["who"].startswith("人") for one in found["items"])


async def test_nobody_elses_looks_are_among_them(world: World) -> None:
    await seen(world, "admin-1", "service-users/person-0002", "homes/home-0002")
    await seen(world, "duty-1", "service-users?q=x", "alarms")
    assert (await looks(world))["items"] == []


async def test_looks_are_of_the_days_that_are_asked_for(world: World) -> None:
    await seen(world, "duty-1", "service-users/person-0001")
    assert ("duty-1", "viewed", "person:person-0001") in await world.audited()
    world.clock.at_ms += 40 * DAY_MS
    assert (await looks(world, days=30))["items"] == []
    # Half a year: the law's own measure, and the trail is kept for good.
    world.clock.at_ms = NOW_MS + 182 * DAY_MS
    [old, *_own] = sorted((await looks(world))["items"], key=lambda one: one["day"])
    assert old["day"] == "2026-11-23"
    world.clock.at_ms = NOW_MS + 1200 * DAY_MS
    assert (await looks(world, days=1300))["items"]


async def test_a_long_trail_says_that_there_is_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_reads, "ROWS_READ_MAX", 2)
    await seen(world, "duty-1", *["service-users/person-0001"] * 3)
    found = await looks(world)
    assert (found["more"], found["times"]) == (True, 2)


async def test_the_sheet_is_for_the_person(world: World) -> None:
    await seen(world, "duty-1", "service-users/person-0001")
    await world.app.state.audit.flush()
    async with world.client("visitor-1") as client:
        made = await client.get(f"{LOOKS}.pdf")
    assert made.headers["content-type"] == "application/pdf"
    text = text_of(made.content)
    assert "谁看过我的资料" in text
    assert "张桂英" in text
    assert "查看您的档案" in text
    assert len(pypdf.PdfReader(io.BytesIO(made.content)).pages) == 1
    assert ("visitor-1", "printed", "person:person-0001") in await world.audited()


async def test_only_whoever_may_print_for_her_asks(world: World) -> None:
    for who in ("installer-1", "auditor-1"):
        async with world.client(who) as client:
            assert problem_of(await client.get(LOOKS))["type"] == "forbidden"
    async with world.client("manager-1") as client:
        other = await client.get(f"{API}/service-users/person-0002/looks")
        assert other.status_code == 404


def test_every_look_has_words() -> None:
    for act in ACTS:
        for thing in THINGS:
            look = Look(
                day="2026-11-23", last_ms=0, who="李敏", role="duty", act=act, thing=thing,
                times=1, said="printed: 低保",
            )  # fmt: skip
            assert words(look)
            assert act not in words(look)
    paper = looks_paper("张桂英", [look], ("2026-05-01", "2026-11-23"), "", 0)
    assert paper.sections[0].table.rows[0][2:] == (ROLES["duty"], words(look), 1, "低保")
