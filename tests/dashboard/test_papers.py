"""Forms, whole files and FHIR over HTTP: who may, whose, what is written down about it."""

import io
import json
import re
import sys
from typing import Any
from urllib.parse import unquote

import docx
import httpx2
import pypdf
import pytest

from contract.moment import from_iso
from ledger.documents.pdf import Printer
from ledger.forms import id_number
from tests.adapters.dashboard_ports import PlainSeries
from tests.adapters.sample_papers import RECORD
from tests.dashboard.conftest import World, problem_of

API = "/api/v1"
VISITED = "2026-11-23T07:30:00Z"
BEFORE = "2026-11-16T07:30:00Z"


def text_of(made: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


def name_of(answer: httpx2.Response) -> str:
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    return unquote(disposition.split("filename*=UTF-8''")[1])


async def visit(world: World, at: str = VISITED, person: str | None = "person-0001") -> str:
    body = {
        "home": "home-0001",
        "service_user": person,
        "way": "home_visit",
        "visited_at": at,
        "record": RECORD,
    }
    async with world.client("visitor-1") as client:
        answer = await client.post(f"{API}/visits", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_annex_3_of_a_person(world: World) -> None:
    async with world.client("duty-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/annex3.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert name_of(answer) == "附件3信息记录表-张桂英.pdf"
    text = text_of(answer.content)
    for words in (
        *("姓名张桂英", "1941年3月2日", "13800000001", "☑独居☐空巢", "☑能力完好", "高血压"),
        *("平利县城关镇龙头村一组12号", "张伟儿子13900000001", "探访责任人人visitor-1"),
        "打印：2026-11-2316:00人duty-1（duty-1）编号P20261123-",
    ):
        assert words in text
    assert ("duty-1", "printed", "person:person-0001") in await world.audited()
    # Whoever finds the sheet finds by its number who took it.
    [number] = set(re.findall(r"编号(P20261123-[0-9A-F]{8})", text))
    [[detail]] = await world.query("SELECT detail FROM audit WHERE action = 'printed'")
    assert detail == f"annex3.pdf, {number}"


BODY = "61092619410302002"
NUMBER = BODY + id_number.check_digit(BODY)


async def fill_in(world: World) -> None:
    file = {
        "id_number": NUMBER,
        "ethnicity": "汉族",
        "pension": "yes",
        "pension_yuan": 165.5,
        "supporters": ["volunteer"],
        "support": "每月上门两次",
        "disability_grade": 2,
        "disability_number": f"{NUMBER}42",
        "members": [{"name": "张伟", "sex": "M", "relation": "儿子"}],
    }
    async with world.client("manager-1") as client:
        answer = await client.patch(f"{API}/service-users/person-0001/file", json={"file": file})
    assert answer.status_code == 200, answer.text


async def test_annex_3_has_the_persons_file_with_numbers_masked(world: World) -> None:
    await fill_in(world)
    async with world.client("duty-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/annex3.pdf")
    text = text_of(answer.content)
    for words in (
        *("民族汉族", "☑有领取养老保险，每月165.50元", "☑志愿者", "每月上门两次", "1张伟男"),
        *("☑二级", "公民身份号码6109**************", "残疾人证号6109**************"),
    ):
        assert words in text
    assert NUMBER[4:17] not in text


@pytest.mark.parametrize("path", ["annex3.pdf", "file.pdf"])
async def test_numbers_are_printed_for_a_reason_that_is_on_record(world: World, path: str) -> None:
    await fill_in(world)
    asked = {"numbers": "true", "reason": "报县民政局存档"}
    url = f"{API}/service-users/person-0001/{path}"
    async with world.client("duty-1") as client:
        assert problem_of(await client.get(url, params={"numbers": "true"}))["field"] == "reason"
        answer = await client.get(url, params=asked)
    assert f"公民身份号码{NUMBER}" in text_of(answer.content)
    rows = await world.query("SELECT actor, detail FROM audit WHERE action = 'revealed'")
    assert rows == [("duty-1", "printed: 报县民政局存档")]
    async with world.client("visitor-1") as client:
        assert problem_of(await client.get(url, params=asked))["type"] == "forbidden"


async def test_the_whole_file_has_what_was_agreed_to(world: World) -> None:
    given = {
        "purpose": "devices",
        "given_by": "张伟",
        "relation": "family",
        "how": "signed",
        "given_on": "2026-05-01",
    }
    async with world.client("manager-1") as client:
        answer = await client.post(f"{API}/service-users/person-0001/consents", json=given)
        assert answer.status_code == 201, answer.text
        whole = await client.get(f"{API}/service-users/person-0001/file.pdf")
    text = text_of(whole.content)
    assert "四、知情同意记录" in text
    assert "安装和使用设备张伟家属签字2026-05-01" in text


async def test_annex_4_of_a_visit_has_its_number(world: World) -> None:
    first = await visit(world, BEFORE)
    second = await visit(world)
    async with world.client("visitor-1") as client:
        texts = {
            one: text_of((await client.get(f"{API}/visits/{one}/annex4.pdf")).content)
            for one in (first, second)
        }
        answer = await client.get(f"{API}/visits/{second}/annex4.pdf")
    assert "第1次探访关爱服务" in texts[first]
    assert "第2次探访关爱服务" in texts[second]
    assert "服务对象：张桂英平利县城关镇龙头村一组12号" in texts[second]
    assert "探访时间：2026年11月23日15:30" in texts[second]
    assert "☑上门探访" in texts[second]
    assert name_of(answer) == "附件4探访记录表-张桂英-20261123.pdf"
    assert ("visitor-1", "printed", f"visit:{second}") in await world.audited()


async def test_annex_4_is_signed_as_it_was_drawn(world: World) -> None:
    made = await visit(world)
    strokes = {"w": 600, "h": 240, "s": [[20, 120, 200, 60, 380, 180], [400, 60, 420, 200]]}
    async with world.client("visitor-1") as client:
        before = await client.get(f"{API}/visits/{made}/annex4.docx")
        for kind in ("signature_person", "signature_visitor"):
            answer = await client.post(
                f"{API}/visits/{made}/attachments",
                params={"kind": kind},
                content=json.dumps(strokes).encode(),
            )
            assert answer.status_code == 201, answer.text
        after = await client.get(f"{API}/visits/{made}/annex4.docx")
        assert (await client.get(f"{API}/visits/{made}/annex4.pdf")).status_code == 200
    shapes = [len(docx.Document(io.BytesIO(a.content)).inline_shapes) for a in (before, after)]
    assert shapes == [0, 2]


async def test_a_signature_that_cannot_be_read_leaves_the_form(world: World) -> None:
    made = await visit(world)
    await world.execute(
        "INSERT INTO attachment (id, visit, kind, mime, bytes, size, sha256, source_sha256,"
        " width, height, added_at_ms, added_by) VALUES ('a', ?, 'signature_person',"
        " 'application/vnd.hearthwatch.strokes+json', X'7B', 1, '', '', 1, 1, 0, 'visitor-1')",
        made,
    )
    async with world.client("visitor-1") as client:
        assert (await client.get(f"{API}/visits/{made}/annex4.pdf")).status_code == 200


async def test_annex_4_says_what_was_corrected_and_whether_it_counts(world: World) -> None:
    made = await visit(world)
    async with world.client("visitor-1") as client:
        change = {"record": {"mood": "worse"}, "reason": "当时看错了"}
        answer = await client.post(f"{API}/visits/{made}/corrections", json=change)
        assert answer.status_code == 201, answer.text
        answer = await client.get(f"{API}/visits/{made}/annex4.pdf")
        text = text_of(answer.content)
        assert "情绪状态☐无变化☐较好☑较差" in text
        assert "更正：2026-11-23人visitor-1：当时看错了" in text
        answer = await client.post(f"{API}/visits/{made}/void", json={"reason": "记错了人"})
        assert answer.status_code == 201, answer.text
        text = text_of((await client.get(f"{API}/visits/{made}/annex4.pdf")).content)
        assert text.startswith("附件4（已作废）")
        assert "本记录已作废：记错了人（2026-11-23人visitor-1）" in text
    async with world.client("duty-1") as client:
        whole = await client.get(f"{API}/service-users/person-0001/file.pdf")
    assert "上门探访" not in text_of(whole.content)


async def test_the_same_forms_as_word(world: World) -> None:
    made = await visit(world)
    async with world.client("duty-1") as client:
        for path in ("service-users/person-0001/annex3.docx", f"visits/{made}/annex4.docx"):
            answer = await client.get(f"{API}/{path}")
            assert answer.headers["content-type"].endswith("wordprocessingml.document")
            document = docx.Document(io.BytesIO(answer.content))
            assert any("张桂英" in c.text for c in document.tables[0]._cells) or any(
                "张桂英" in paragraph.text for paragraph in document.paragraphs
            )


async def test_copies_for_whoever_keeps_them(world: World) -> None:
    made = await visit(world)
    async with world.client("duty-1") as client:
        answer = await client.get(f"{API}/visits/{made}/annex4.pdf", params={"copies": "true"})
    assert len(pypdf.PdfReader(io.BytesIO(answer.content)).pages) == 4
    assert "第4联（共4联）服务对象存" in text_of(answer.content)


@pytest.mark.parametrize("form", ["annex3", "annex4"])
async def test_empty_forms_are_for_everybody_who_is_signed_in(world: World, form: str) -> None:
    async with world.client("installer-1") as client:
        answer = await client.get(f"{API}/forms/{form}.pdf")
        said = text_of(answer.content)
        assert "☑" not in said
        [number] = re.findall(r"P\d{8}-[0-9A-F]{8}", said)
        assert (await client.get(f"{API}/forms/annex9.pdf")).status_code == 422
    async with world.anonymous() as client:
        assert (await client.get(f"{API}/forms/{form}.pdf")).status_code == 401
    await world.audited()
    [[detail]] = await world.query("SELECT detail FROM audit WHERE object = ?", f"form:{form}")
    assert detail == f"{form}.pdf, {number}"


async def test_the_whole_file_has_what_the_book_has(world: World) -> None:
    await visit(world, BEFORE, person=None)
    await visit(world)
    await world.raise_alarm()
    async with world.client("duty-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/file.pdf")
    assert answer.status_code == 200, answer.text
    assert name_of(answer) == "服务档案-张桂英.pdf"
    text = text_of(answer.content)
    for words in (
        *("特殊困难老年人信息记录表", "张桂英服务档案", "一、探访关爱服务记录汇总"),
        *("22026-11-2315:30上门探访", "12026-11-1615:30上门探访", "行动能力较差", "用电安全不安全"),
        *("疾病：慢性阻塞性肺病", "满意", "二、警情处置记录", "呼叫按钮紧急"),
        *("三、外出、住院与来访", "无记录"),
    ):
        assert words in text
    assert ("duty-1", "printed", "person:person-0001") in await world.audited()


PRINTS = (
    "service-users/person-0001/annex3.pdf",
    "service-users/person-0001/annex3.docx",
    "service-users/person-0001/file.pdf",
    "service-users/person-0001/vitals.fhir.json",
    "visits/{visit}/annex4.pdf",
    "visits/{visit}/annex4.docx",
)


@pytest.mark.parametrize("path", PRINTS)
async def test_another_region_prints_nobody_here(world: World, path: str) -> None:
    made = await visit(world)
    await world.execute("UPDATE account SET role = 'manager' WHERE username = 'duty-2'")
    async with world.client("duty-2") as client:
        answer = await client.get(f"{API}/{path.format(visit=made)}")
    assert answer.status_code == 404
    assert not [row for row in await world.audited() if row[1] in ("printed", "exported")]


@pytest.mark.parametrize("username", ["auditor-1", "installer-1"])
async def test_who_may_not_read_people_prints_none(world: World, username: str) -> None:
    async with world.client(username) as client:
        for path in PRINTS:
            answer = await client.get(f"{API}/{path.format(visit='any')}")
            assert problem_of(answer)["type"] == "forbidden"


async def test_without_the_extra_it_is_said_plainly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    monkeypatch.setitem(sys.modules, "docx", None)
    async with world.client("duty-1") as client:
        for ending in ("pdf", "docx"):
            answer = await client.get(f"{API}/service-users/person-0001/annex3.{ending}")
            assert answer.status_code == 501
            problem = problem_of(answer)
            assert problem["type"] == "not_installed"
            assert "hearthwatch[documents]" in problem["detail"]
    assert not [row for row in await world.audited() if row[1] == "printed"]


async def test_too_long_and_busy_are_problems(world: World) -> None:
    object.__setattr__(world.app.state.deps, "printer", Printer(wait_s=0.0, pages_max=1))
    printer: Printer = world.app.state.deps.printer
    async with world.client("duty-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/file.pdf")
        assert answer.status_code == 422
        assert problem_of(answer)["type"] == "too_long"
        with printer.turn():
            answer = await client.get(f"{API}/service-users/person-0001/annex3.pdf")
    assert answer.status_code == 503
    assert problem_of(answer)["type"] == "printer_busy"
    assert answer.headers["retry-after"] == "5"


async def test_a_name_cannot_leave_its_header_or_its_folder(world: World) -> None:
    await world.execute(
        "UPDATE service_user SET name = ? WHERE id = 'person-0001'",
        '../..\\a"b\r\nX-Evil: 1\u202e张;%',
    )
    async with world.client("duty-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/annex3.pdf")
    assert answer.status_code == 200
    assert "x-evil" not in answer.headers
    assert name_of(answer) == "附件3信息记录表-....abX-Evil 1张;%.pdf"


class Cuff:
    """A blood pressure cuff's series as a readings store gives them."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def series(self, *question: Any) -> list[PlainSeries]:
        self.asked.append(question)
        at = from_iso(VISITED)
        values = (("systolic_mmhg", 152), ("diastolic_mmhg", 91), ("pulse_bpm", 74))
        return [
            PlainSeries(kind="blood_pressure", field=field, resolution="raw", points=[[at, value]])
            for field, value in values
        ]


async def with_cuff(world: World) -> Cuff:
    await world.execute(
        "INSERT INTO device (gateway, device, home, kind, model, label)"
        " VALUES ('gw-0001', 'cuff-0001', 'home-0001', 'blood_pressure', 'AOJ-30B', '血压计')"
    )
    cuff = Cuff()
    object.__setattr__(world.app.state.deps, "readings", cuff)
    return cuff


async def test_vital_signs_as_fhir(world: World) -> None:
    cuff = await with_cuff(world)
    async with world.client("manager-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/vitals.fhir.json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    bundle = json.loads(answer.content)
    patient, pressure, pulse = (entry["resource"] for entry in bundle["entry"])
    assert patient["name"] == [{"text": "张桂英"}]
    assert [part["valueQuantity"]["value"] for part in pressure["component"]] == [152, 91]
    assert pressure["effectiveDateTime"] == "2026-11-23T07:30:00.000Z"
    assert pressure["device"]["display"] == "血压计 AOJ-30B"
    assert pulse["valueQuantity"]["value"] == 74
    # Buttons and meters measure nobody.
    assert [question[1] for question in cuff.asked] == ["cuff-0001"]
    assert ("manager-1", "exported", "person:person-0001") in await world.audited()


async def test_of_two_in_a_home_nobody_can_say_whose_pressure_it_is(world: World) -> None:
    await with_cuff(world)
    await world.execute("UPDATE service_user SET home = 'home-0001' WHERE id = 'person-0002'")
    async with world.client("manager-1") as client:
        answer = await client.get(f"{API}/service-users/person-0001/vitals.fhir.json")
    assert problem_of(answer)["type"] == "several_people"
    assert not [row for row in await world.audited() if row[1] == "exported"]


async def test_a_span_of_vital_signs_is_bounded(world: World) -> None:
    async with world.client("manager-1") as client:
        answer = await client.get(
            f"{API}/service-users/person-0001/vitals.fhir.json",
            params={"from": "2020-01-01T00:00:00Z"},
        )
    assert problem_of(answer)["field"] == "from"
