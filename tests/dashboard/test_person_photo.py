"""A person's own photo: with her consent alone, small, gone with the consent, seen by who may."""

import io
from typing import Any

import pypdf
import pytest
from PIL import Image

from dashboard.images import FACE_BYTES_MAX, FACE_LONG_SIDE_MAX
from ledger.persons import photo
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.test_consents_count import CONSENTS, say, withdraw
from tests.dashboard.test_papers import text_of
from tests.dashboard.test_visit_attachments import bomb, from_a_telephone, noise, picture

ON_BOTH = True

API = "/api/v1"
PERSON = f"{API}/service-users/person-0001"
PHOTO = f"{PERSON}/photo"
DAY_MS = 86_400_000


def pictures_in(made: bytes) -> int:
    return sum(len(page.images) for page in pypdf.PdfReader(io.BytesIO(made)).pages)


async def put(world: World, payload: bytes, who: str = "manager-1") -> Any:
    async with world.client(who) as client:
        return await client.put(PHOTO, content=payload)


async def get(world: World, who: str = "duty-1", **headers: str) -> Any:
    async with world.client(who) as client:
        return await client.get(PHOTO, headers=headers)


async def person(world: World, who: str = "duty-1") -> Any:
    async with world.client(who) as client:
        return (await client.get(PERSON)).json()


async def facts(world: World) -> list[str]:
    found = await world.query("SELECT fact FROM entry WHERE topic = 'person' ORDER BY seq")
    return [fact for [fact] in found if fact.startswith("photo_")]


async def test_nobodys_face_is_kept_without_asking(world: World) -> None:
    for said, code in (
        (None, "consent_unasked"),
        ("no", "consent_refused"),
    ):
        if said is not None:
            await say(world, "photo", said)
        refused = await put(world, picture())
        [why] = problem_of(refused)["errors"]
        assert (refused.status_code, why["code"]) == (422, code)
        assert "拍照" in why["zh"]
    assert (await get(world)).status_code == 404
    await say(world, "photo", "yes")
    kept = await put(world, picture())
    assert kept.status_code == 200, kept.text
    assert len(kept.json()["photo"]) == 64
    assert await facts(world) == ["photo_added"]


async def test_it_is_upright_small_and_says_nothing_of_where_it_was_taken(world: World) -> None:
    await say(world, "photo", "yes")
    await put(world, from_a_telephone())
    shown = await get(world)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    for word in (b"PhoneMaker", b"secret", b"Exif", b"GPS"):
        assert word not in shown.content
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.size == (200, 400)
    await put(world, noise((1700, 1300)))
    shown = await get(world)
    assert len(shown.content) <= FACE_BYTES_MAX
    with Image.open(io.BytesIO(shown.content)) as image:
        assert max(image.size) <= FACE_LONG_SIDE_MAX
    assert await facts(world) == ["photo_added", "photo_changed"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "not_a_picture"),
        (bomb(), "too_many_pixels"),
        (picture() + b"PK\x03\x04 an archive", "more_than_a_picture"),
        (picture()[:-400], "truncated"),
        (b"\0\0\0\x18ftypheic" + bytes(200), "not_a_picture"),
    ],
)
async def test_what_is_no_photo_is_refused_and_the_one_before_stays(
    world: World, payload: bytes, code: str
) -> None:
    await say(world, "photo", "yes")
    before = (await put(world, picture())).json()["photo"]
    refused = await put(world, payload)
    assert (refused.status_code, problem_of(refused)["type"]) == (422, code)
    assert (await person(world))["photo"] == before


async def test_the_same_photo_again_changes_nothing(world: World) -> None:
    await say(world, "photo", "yes")
    first = (await put(world, picture())).json()["photo"]
    assert (await put(world, picture())).json()["photo"] == first
    assert await facts(world) == ["photo_added"]
    tag = (await get(world)).headers["etag"]
    again = await get(world, **{"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_it_goes_with_the_consent(world: World) -> None:
    await say(world, "photo", "yes")
    await put(world, picture())
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        shown = (await client.get(f"{API}/alarms/{alarm}")).json()
        assert [len(one["photo"]) for one in shown["persons"]] == [64]
    await withdraw(world, "photo")
    assert (await person(world))["photo"] == ""
    assert (await get(world)).status_code == 404
    assert await world.query("SELECT count(*) FROM person_photo") == [(0,)]
    assert await facts(world) == ["photo_added", "photo_removed"]
    # What the live feed builds its objects from follows in the same transaction.
    [row] = world.register.index.persons["home-0001"]
    assert row["photo"] == ""


async def test_of_two_consents_the_second_keeps_it(world: World) -> None:
    await say(world, "photo", "yes")
    await say(world, "photo", "yes")
    await put(world, picture())
    async with world.client("manager-1") as client:
        first = (await client.get(CONSENTS)).json()["items"][0]["id"]
        await client.post(f"{CONSENTS}/{first}/withdraw", json={"withdrawn_by": "李桂英"})
    assert (await get(world)).status_code == 200
    await withdraw(world, "photo")
    assert (await get(world)).status_code == 404


async def test_a_consent_that_ran_out_hides_it(world: World) -> None:
    body = {"purpose": "photo", "given_by": "张桂英", "relation": "self", "how": "signed"}
    async with world.client("manager-1") as client:
        answer = await client.post(CONSENTS, json={**body, "until_on": "2026-11-30"})
        assert answer.status_code == 201, answer.text
    await put(world, picture())
    assert (await get(world)).status_code == 200
    world.clock.at_ms += 10 * DAY_MS
    refused = await get(world)
    assert refused.status_code == 422
    assert problem_of(refused)["errors"][0]["code"] == "consent_expired"


@pytest.mark.parametrize(
    ("who", "status"),
    [("manager-1", 200), ("visitor-1", 200), ("visitor-3", 404), ("duty-1", 403), ("duty-2", 404)],
)
async def test_who_keeps_the_file_or_visits_her_brings_it(
    world: World, who: str, status: int
) -> None:
    await say(world, "photo", "yes")
    assert (await put(world, picture(), who)).status_code == status
    async with world.client(who) as client:
        assert (await client.delete(PHOTO)).status_code == status


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("duty-1", 200),
        ("visitor-1", 200),
        ("visitor-3", 404),
        ("auditor-1", 403),
        ("installer-1", 403),
        ("duty-2", 404),
    ],
)
async def test_who_may_see_people_sees_it(world: World, who: str, status: int) -> None:
    await say(world, "photo", "yes")
    await put(world, picture())
    assert (await get(world, who)).status_code == status


async def test_who_may_not_see_people_does_not_learn_that_there_is_one(world: World) -> None:
    await say(world, "photo", "yes")
    await put(world, picture())
    alarm = await world.raise_alarm()
    async with world.client("auditor-1") as client:
        shown = (await client.get(f"{API}/alarms/{alarm}")).json()
    assert [one["photo"] for one in shown["persons"]] == [""]


async def test_it_is_taken_away_for_good(world: World) -> None:
    await say(world, "photo", "yes")
    await put(world, picture())
    async with world.client("visitor-1") as client:
        for _ in range(2):
            assert (await client.delete(PHOTO)).json()["photo"] == ""
    assert await world.query("SELECT count(*) FROM person_photo") == [(0,)]
    assert await facts(world) == ["photo_added", "photo_removed"]


async def test_no_field_of_the_register_points_to_another_photo(world: World) -> None:
    await say(world, "photo", "yes")
    kept = (await put(world, picture())).json()["photo"]
    async with world.client("manager-1") as client:
        assert (await client.patch(PERSON, json={"photo": ""})).status_code == 422
        assert (await client.patch(PERSON, json={"hearing": "大声说"})).status_code == 200
    assert (await person(world))["photo"] == kept


async def test_who_erases_a_person_erases_it(world: World) -> None:
    await say(world, "photo", "yes")
    await put(world, picture())
    await world.writer.change(lambda unit: photo.forget(unit, "person-0001"))
    assert await world.query("SELECT count(*) FROM person_photo") == [(0,)]
    assert await world.query("SELECT photo FROM service_user WHERE id = 'person-0001'") == [("",)]


async def test_the_whole_file_on_paper_has_it(world: World) -> None:
    await say(world, "photo", "yes")
    async with world.client("duty-1") as client:
        without = (await client.get(f"{PERSON}/file.pdf")).content
    await put(world, noise((600, 800)))
    async with world.client("duty-1") as client:
        printed = (await client.get(f"{PERSON}/file.pdf")).content
    assert [pictures_in(one) for one in (without, printed)] == [0, 1]
    assert "服务档案" in text_of(printed)
