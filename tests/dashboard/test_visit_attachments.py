"""Photos and signatures of a visit: what is kept of them, what is refused."""

import io
import json
import random
import struct
import zlib

import pytest
from PIL import Image

from dashboard.images import LONG_SIDE_MAX, PHOTO_BYTES_MAX, BadPicture, Pictures
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.test_visit_record import API, report

SIGNED = {"w": 600, "h": 240, "s": [[20, 120, 200, 60, 380, 180], [400, 60, 420, 200]]}


def picture(size=(800, 600), mode="RGB", form="JPEG", **options) -> bytes:
    image = Image.new(mode, size, 200 if mode == "L" else (200, 30, 30, 128)[: len(mode)])
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def noise(size) -> bytes:
    """What hardly becomes smaller."""
    rng = random.Random(7)
    image = Image.frombytes("RGB", size, rng.randbytes(size[0] * size[1] * 3))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def from_a_telephone() -> bytes:
    """Turned by a quarter, with the place where it was taken."""
    image = Image.new("RGB", (400, 200), (255, 255, 255))
    image.paste((255, 0, 0), (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825)[2] = (32.0, 22.0, 48.0)
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"secret words")
    return out.getvalue()


def kept(payload: bytes):
    return Pictures().photo(payload)


def test_a_photo_is_upright_and_says_nothing_of_where_it_was_taken() -> None:
    sent = from_a_telephone()
    assert b"PhoneMaker" in sent
    photo = kept(sent)
    assert (photo.width, photo.height) == (200, 400)
    for word in (b"PhoneMaker", b"secret", b"Exif", b"GPS"):
        assert word not in photo.content
    with Image.open(io.BytesIO(photo.content)) as shown:
        assert not shown.getexif()
        # The red half was left and is above now.
        red, white = shown.getpixel((100, 50)), shown.getpixel((100, 350))
    assert (red[1] < 60, white[1] > 200) == (True, True)


@pytest.mark.parametrize("size", [(4000, 3000), (600, 5000), (1600, 1600), (3, 2)])
def test_a_photo_is_small(size) -> None:
    photo = kept(picture(size))
    assert max(photo.width, photo.height) == min(max(size), LONG_SIDE_MAX)
    assert abs(photo.width / photo.height - size[0] / size[1]) < 0.02


def test_even_noise_fits() -> None:
    photo = kept(noise((1700, 1300)))
    assert len(photo.content) <= PHOTO_BYTES_MAX
    assert max(photo.width, photo.height) > 300


@pytest.mark.parametrize(
    "payload",
    [
        picture(form="PNG"),
        picture(form="WEBP"),
        picture(mode="RGBA", form="PNG"),
        picture(mode="L", form="PNG"),
        # A preview behind the picture, as telephones append one.
        picture() + picture((80, 60)),
    ],
)
def test_what_telephones_make_is_taken(payload: bytes) -> None:
    photo = kept(payload)
    assert photo.mime == "image/jpeg"
    assert (photo.width, photo.height) == (800, 600)


def bomb() -> bytes:
    """A small PNG of 40,000 by 40,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(5001 * 100)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "not_a_picture"),
        (b"GIF89a" + bytes(40), "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
        (picture()[:-400], "truncated"),
        (picture(form="PNG")[:-30], "truncated"),
        (picture(form="WEBP")[:-30], "truncated"),
        (bomb(), "too_many_pixels"),
        (picture((9000, 9000), mode="L", form="PNG"), "too_many_pixels"),
        (picture() + b"PK\x03\x04 an archive", "more_than_a_picture"),
        (picture(form="PNG") + b"anything", "more_than_a_picture"),
        (picture(form="WEBP") + b"<script>", "more_than_a_picture"),
        (picture() + b"\n<HTML><body>", "more_than_a_picture"),
        (b"\xff\xd8\xff\xd9", "not_a_picture"),
    ],
)
def test_what_is_no_photo_is_refused_with_why(payload: bytes, code: str) -> None:
    with pytest.raises(BadPicture) as refused:
        kept(payload)
    assert refused.value.code == code


def test_no_flipped_byte_is_more_than_a_refusal() -> None:
    rng = random.Random(3)
    for form in ("JPEG", "PNG", "WEBP"):
        whole = picture((64, 48), form=form)
        for _ in range(150):
            broken = bytearray(whole)
            broken[rng.randrange(len(broken))] = rng.randrange(256)
            try:
                photo = kept(bytes(broken[: rng.randrange(1, len(broken) + 1)]))
            except BadPicture:
                continue
            assert photo.mime == "image/jpeg"


async def put(client, visit: dict, payload: bytes, kind: str = "photo"):
    return await client.post(
        f"{API}/visits/{visit['id']}/attachments", params={"kind": kind}, content=payload
    )


async def test_the_same_photo_again_is_one_and_six_are_enough(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
        for _ in range(2):
            answer = await put(visitor, visit, picture())
            assert answer.status_code == 201, answer.text
        assert len(answer.json()["attachments"]) == 1
        for side in range(5):
            await put(visitor, visit, picture((100 + side, 100)))
        answer = await put(visitor, visit, picture((300, 300)))
        assert problem_of(answer)["type"] == "too_many_photos"
        assert (await put(visitor, visit, picture())).status_code == 201
        answer = await put(visitor, visit, b"nothing")
        assert (answer.status_code, problem_of(answer)["field"]) == (422, "file")


async def test_a_photo_larger_than_any_other_body_comes_in(world: World) -> None:
    large = noise((1700, 1300))
    assert len(large) > 1024 * 1024
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
        assert (await put(visitor, visit, large)).status_code == 201
        assert (await put(visitor, visit, bytes(13 * 1024 * 1024))).status_code == 413
        answer = await visitor.post(f"{API}/visits", content=bytes(1024 * 1024))
        assert answer.status_code == 413


async def test_a_signature_is_drawn_on_the_form(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
        kind = "signature_person"
        answer = await put(visitor, visit, json.dumps(SIGNED).encode(), kind)
        assert answer.status_code == 201, answer.text
        [attachment] = answer.json()["attachments"]
        path = f"{API}/visits/{visit['id']}/attachments/{attachment['id']}"
        strokes = await visitor.get(path)
        assert strokes.json() == SIGNED
        svg = await visitor.get(path, params={"form": "svg"})
        assert svg.headers["content-type"] == "image/svg+xml"
        assert svg.text.count("<path ") == 2
        png = await visitor.get(path, params={"form": "png"})
        with Image.open(io.BytesIO(png.content)) as image:
            assert image.size == (1200, 480)
            assert (image.getpixel((400, 120)), image.getpixel((4, 4))) == (0, 255)
        other = json.dumps({**SIGNED, "s": [[0, 0, 500, 200]]}).encode()
        assert problem_of(await put(visitor, visit, other, kind))["type"] == "signed_already"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"w": 600, "h": 240, "s": []}, "empty"),
        ({"w": 600, "h": 240, "s": [[10, 10, 20, 12]]}, "empty"),
        ({"w": 600, "h": 240, "s": [[10, 10, 20]]}, "unreadable"),
        ({"w": 0, "h": 240, "s": [[10, 10, 20, 20]]}, "unreadable"),
        ({"w": 600, "h": 240, "s": [["a", 10]]}, "unreadable"),
        ([1], "unreadable"),
        ({"w": 600, "h": 240, "s": [[1, 2] * 7000]}, "too_large"),
    ],
)
async def test_an_empty_signature_is_none(world: World, payload, code) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
        answer = await put(visitor, visit, json.dumps(payload).encode(), "signature_visitor")
    assert (answer.status_code, problem_of(answer)["type"]) == (422, code)


async def test_who_may_send_and_who_may_see(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
        [attachment] = (await put(visitor, visit, picture())).json()["attachments"]
    path = f"{API}/visits/{visit['id']}/attachments/{attachment['id']}"
    seen = {}
    for username in ("visitor-3", "duty-1", "auditor-1", "visitor-2", "manager-1"):
        async with world.client(username) as client:
            got = await client.get(path)
            sent = await put(client, visit, picture((90, 90)))
            seen[username] = (got.status_code, sent.status_code)
    assert seen == {
        "visitor-3": (404, 404),
        "duty-1": (200, 403),
        "auditor-1": (403, 403),
        "visitor-2": (404, 404),
        "manager-1": (200, 201),
    }
    assert ("duty-1", "viewed", f"attachment:{attachment['id']}") in await world.audited()
