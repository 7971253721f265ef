"""Files that are made to harm, brought by somebody who may bring files: refused by the routes
themselves, and nothing of a file stays but what was drawn anew."""

import io
import zipfile

import openpyxl
import pytest
from PIL import Image

from dashboard.spreadsheets import UnreadableSheet, read_sheet
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.test_visit_attachments import bomb, from_a_telephone, picture

VISIT = "/api/v1/visits/visit-1/attachments?kind=photo"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (SVG, "not_a_picture"),
        (b"\xef\xbb\xbf" + SVG, "not_a_picture"),
        (b"<html><script>alert(1)</script>", "not_a_picture"),
        (b"%PDF-1.7", "not_a_picture"),
        (b"MZ" + bytes(500), "not_a_picture"),
        (b"#!/bin/sh\nid", "not_a_picture"),
        (picture(form="PNG") + SVG, "more_than_a_picture"),
        (picture() + b"<script>alert(1)</script>", "more_than_a_picture"),
        (picture() + b"PK\x03\x04" + bytes(100), "more_than_a_picture"),
        (bomb(), "too_many_pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_no_photo_is_taken_by_no_route(
    world: World, payload: bytes, code: str
) -> None:
    await world.visited("visit-1")
    async with world.client("visitor-1") as client:
        # Whatever it is called.
        for kind in ("image/jpeg", "image/svg+xml", "text/html"):
            answer = await client.post(VISIT, content=payload, headers={"Content-Type": kind})
            assert answer.status_code == 422, kind
            assert problem_of(answer)["type"] in (code, "invalid")
    assert await world.query("SELECT count(*) FROM attachment") == [(0,)]


async def test_what_is_kept_is_drawn_anew_and_shown_as_what_it_is(world: World) -> None:
    """No byte of the file, so neither the place where it was taken nor anything that hides."""
    await world.visited("visit-1")
    sent = from_a_telephone()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)
    async with world.client("visitor-1") as client:
        answer = await client.post(VISIT, content=sent)
        assert answer.status_code == 201, answer.text
        [attachment] = answer.json()["attachments"]
        shown = await client.get(f"/api/v1/visits/visit-1/attachments/{attachment['id']}")
    assert not Image.open(io.BytesIO(shown.content)).getexif()
    assert not {b"GPS", b"PhoneMaker", b"secret words"} & set(shown.content.split(b"\0"))
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"


def workbook_with(name: str, content: bytes) -> bytes:
    """A good workbook of one row, with one part exchanged or added."""
    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    whole = io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for part in good.infolist():
            if part.filename != name:
                bad.writestr(part, good.read(part))
        bad.writestr(name, content)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
CELL = '<c r="A1" t="inlineStr"><is><t>before %s</t></is></c>'
GOOD = f'<worksheet {SPACE}><sheetData><row r="1">{CELL}</row></sheetData></worksheet>'
LAUGHS = '<!DOCTYPE worksheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + GOOD % "&b;"
OUTSIDE = '<!DOCTYPE worksheet [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + GOOD % "&a;"


def test_the_same_workbook_without_a_declaration_is_read() -> None:
    payload = workbook_with(SHEET, b'<?xml version="1.0"?>' + (GOOD % "behind").encode())
    assert read_sheet(payload)[0][0] == "before behind"


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize("before", ["", " " * 5_000, "<?x " + "y" * 70_000 + "?>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "cp037"])
def test_no_entity_of_a_workbook_is_declared(text: str, before: str, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    payload = workbook_with(SHEET, (head + before + text).encode(encoding))
    # Before any parser sees it: which one openpyxl takes depends on what else is installed.
    with pytest.raises(UnreadableSheet, match="declares what no workbook does"):
        read_sheet(payload)


@pytest.mark.parametrize("name", ["../../../tmp/owned", "/etc/cron.d/owned", "xl\\..\\..\\owned"])
def test_the_path_of_a_part_is_only_a_name(name: str, tmp_path, monkeypatch) -> None:
    """Nothing is unpacked to anywhere."""
    monkeypatch.chdir(tmp_path)
    assert read_sheet(workbook_with(name, b"<x/>"))[0][:3] == ["a", "b", ""]
    assert list(tmp_path.rglob("*")) == []


def test_a_workbook_with_a_formula_gives_the_value_and_runs_nothing() -> None:
    cells = b'<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row>'
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = b"<worksheet %s><sheetData>%s</sheetData></worksheet>" % (space, cells)
    assert read_sheet(workbook_with(SHEET, sheet))[0][:2] == ["2", ""]
