"""What is on paper is what was asked for: text, boxes, fonts, pages, limits."""

import io
import re
import resource
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.documents import pdf
from ledger.documents.annex3 import annex3
from ledger.documents.annex4 import annex4
from ledger.documents.form import Form
from ledger.documents.paper import Paper, Section
from ledger.documents.pdf import Busy, NotInstalled, Printer, TooLong
from ledger.documents.table import Column, Table
from ledger.forms.visit_form import QUESTIONS, WAY
from tests.adapters.sample_papers import AT_MS, FILE, PERSON, RECORD, VISIT

# Every character that typst, JSON or a shell would take for something else, and rare ones.
EVIL = '#panic("x") *b* _u_ $x$ `c` <l> @r [z] \\ // /* \' ” 𬭎 é'
UNPRINTABLE = "😀 𠮷 مرحبا \u202eabc\u0007\u200b"


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer()


def paper(*forms: Form, numbered: bool = False, printed: str = "打印：某日") -> Paper:
    return Paper(title="记录", printed=printed, at_ms=AT_MS, forms=forms, numbered=numbered)


def pages(made: bytes) -> list[str]:
    """The text of each page without spaces, which a PDF has where it likes."""
    found = pypdf.PdfReader(io.BytesIO(made)).pages
    return [re.sub(r"\s", "", page.extract_text()) for page in found]


@pytest.mark.parametrize("form", [annex3(None), annex3(PERSON), annex4(None), annex4(VISIT)])
def test_a_form_is_one_page(printer: Printer, form: Form) -> None:
    assert len(pages(printer.pdf(paper(form)))) == 1


def test_annex_3_on_paper_is_the_data(printer: Printer) -> None:
    [text] = pages(printer.pdf(paper(annex3(PERSON))))
    for words in (
        *("附件3", "特殊困难老年人信息记录表", "姓名张桂英", "1941年3月2日", FILE.id_number),
        *("☑独居☐空巢☐留守☐失能☑重残☐计划生育特殊家庭", "☐能力完好☑轻度失能☐中度失能"),
        *("残疾等级☐一级☑二级☐三级☐四级", "☑有领取养老保险，每月165.50元☐无养老保险"),
        *("☑党政机关、群团组织☑镇、村（居）民委员会☐企业☐社会组织☐专业社会工作者☑志愿者☐其他",),
        *("饮水是否安全是", "生活用电是否安全否", "家庭每月收入（元）640"),
        *("此表一式三份，县民政局、镇、村各存档一份，可复印。", "打印：某日", "第1页，共1页"),
        re.sub(r"\s", "", FILE.support),
    ):
        assert words in text


def test_annex_4_on_paper_is_the_data(printer: Printer) -> None:
    [text] = pages(printer.pdf(paper(annex4(VISIT))))
    for words in (
        *("附件4", "特殊困难老年人探访关爱服务记录表", "探访时间：2026年11月23日10:13"),
        "探访方式☐电话问候☑上门探访☐互联网音（视）频探访☐其他",
        *("☐无变化☐增加人☑减少1人", "☐无变化☑严重疾病名称：慢性阻塞性肺病☐转好"),
        *("燃气安全☑安全☐较安全☐不安全", "用电安全☐安全☐较安全☑不安全"),
        *("老年人服务满意度评价：满意。来得勤，帮我换了灯泡。", str(RECORD["needs"])),
        *("服务人员类别：网格员", "第17次探访关爱服务", "本次服务项目（附件2）：1个人卫生"),
        "此表一式四份，县民政局、镇、村及服务对象各存档一份，可复印。",
    ):
        assert words in text


record = st.fixed_dictionaries(
    {}, optional={q.field: st.sampled_from([o.word for o in q.options]) for q in QUESTIONS}
)


@settings(max_examples=6, deadline=None)
@given(record=record, way=st.sampled_from([o.word for o in WAY.options]))
def test_each_box_on_paper_is_right(printer: Printer, record: dict[str, str], way: str) -> None:
    [text] = pages(printer.pdf(paper(annex4(replace(VISIT, way=way, record=record)))))
    ways = "".join(f"{'☑' if o.word == way else '☐'}{o.zh}" for o in WAY.options)
    assert ways in text
    for question in QUESTIONS:
        chosen = record.get(question.field)
        boxes = [f"{'☑' if o.word == chosen else '☐'}{o.zh}" for o in question.options]
        # Between the boxes of some there is a place to write on.
        line = text[text.index(f"{question.zh}{boxes[0]}") :]
        positions = [line.index(box) for box in boxes]
        assert positions == sorted(positions)
        assert positions[-1] < 60


def test_no_text_is_ever_markup(printer: Printer) -> None:
    person = replace(
        PERSON, identity=replace(PERSON.identity, name=EVIL), file=replace(FILE, support=EVIL)
    )
    visit = replace(VISIT, record={**RECORD, "needs": EVIL, "illness_name": EVIL[:20]}, name=EVIL)
    whole = replace(paper(annex3(person), annex4(visit), printed=EVIL), title=EVIL)
    first, second = pages(printer.pdf(whole))
    bare = re.sub(r"\s", "", EVIL)
    assert first.count(bare) == 3
    assert second.count(bare) == 3


def test_what_no_font_has_is_a_mark_and_a_note(printer: Printer) -> None:
    form = annex4(replace(VISIT, record={"needs": f"甲{UNPRINTABLE}乙"}))
    [text] = pages(printer.pdf(paper(form)))
    assert "甲〓〓〓〓〓〓〓abc乙" in text
    assert "字库缺字以“〓”代替，请手写补填：U+1F600、U+20BB7、U+0645" in text


def test_long_texts_go_on_behind_the_form(printer: Printer) -> None:
    words = "需" * 200 + "\n" + "要" * 280
    form = annex4(replace(VISIT, record={**RECORD, "needs": words}))
    first, second = pages(printer.pdf(paper(form)))
    assert "全文见附页" in first
    assert "此表一式四份" in first
    assert re.sub(r"\s", "", words) in second


def test_a_form_full_to_the_brim_stays_one_page(printer: Printer) -> None:
    """All fields as long as they may be without a sheet behind: the type grows smaller."""
    record = {**RECORD, "illness_name": "病" * 30, "remarks": "说" * 120}
    record |= dict.fromkeys(("satisfaction_words", "needs", "suggestions"), "字" * 165)
    assert len(pages(printer.pdf(paper(annex4(replace(VISIT, record=record)))))) == 1
    file = replace(FILE, support="帮" * 320, subsidies=("补" * 50, "贴" * 50))
    assert len(pages(printer.pdf(paper(annex3(replace(PERSON, file=file)))))) == 1


def size_of(made: bytes, words: str) -> float:
    """The size of type in points of the first text that begins so."""
    found: list[float] = []

    def visit(text: str, _cm, _tm, _font, size: float) -> None:
        if text.strip().startswith(words):
            found.append(size)

    pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text(visitor_text=visit)
    return found[0]


def test_the_type_is_as_large_as_the_form_has_room(printer: Printer) -> None:
    full = {**RECORD, **dict.fromkeys(("satisfaction_words", "needs", "suggestions"), "字" * 165)}
    assert size_of(printer.pdf(paper(annex4(None))), "表达能力") == 11.5
    assert size_of(printer.pdf(paper(annex4(VISIT))), "表达能力") == 11.5
    assert 7.5 < size_of(printer.pdf(paper(annex4(replace(VISIT, record=full)))), "表达") < 11.5


def test_each_copy_says_who_keeps_it(printer: Printer) -> None:
    found = pages(printer.pdf(paper(annex3(PERSON), annex4(VISIT), numbered=True)))
    assert len(found) == 7
    keepers = [re.findall(r"第\d联（共\d联）(\S+?)存", text)[0] for text in found]
    assert keepers == ["县民政局", "镇", "村", "县民政局", "镇", "村", "服务对象"]


def test_fonts_are_in_the_file_and_it_is_pdf_a(printer: Printer) -> None:
    made = printer.pdf(paper(annex3(PERSON)))
    fonts = pypdf.PdfReader(io.BytesIO(made)).pages[0]["/Resources"]["/Font"]
    names = []
    for font in fonts.values():
        below = font.get_object()["/DescendantFonts"][0].get_object()
        descriptor = below["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), descriptor["/FontName"]
        names.append(str(descriptor["/FontName"]))
    assert any("NotoSerifSC" in name for name in names)
    assert b"<pdfaid:part>2</pdfaid:part>" in made
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in made


def test_the_same_paper_is_made_once(printer: Printer) -> None:
    first = printer.pdf(paper(annex4(VISIT)))
    assert printer.pdf(paper(annex4(VISIT))) is first
    other = printer.pdf(paper(annex4(replace(VISIT, number=18))))
    assert "第18次" in pages(other)[0]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "CACHE_BYTES_MAX", 10)
    printer = Printer()
    assert printer.pdf(paper(annex4(None))) is not printer.pdf(paper(annex4(None)))


def table(count: int, mark: str = "") -> Section:
    columns = (Column(key="day", zh="日期", kind="day"), Column(key="words", zh="说明", width=40))
    rows = [("2026-05-01", f"第 {n} 行{mark}") for n in range(count)]
    return Section(title="一、表", table=Table(title="表", columns=columns, rows=rows, left_out=3))


def test_a_table_goes_on_over_pages_with_its_head(printer: Printer) -> None:
    found = pages(printer.pdf(replace(paper(), sections=(table(90),))))
    assert len(found) > 1
    assert all("日期说明" in text for text in found)
    assert "第89行" in found[-1]
    assert "另有3条较早的记录未列出" in found[-1]


def resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def test_large_documents_do_not_pile_up_in_memory(printer: Printer) -> None:
    """Each of these is 30 MB while typst remembers it."""
    before = 0
    for number in range(8):
        section = table(1200, mark=f"（{number}）")
        title = f"第 {number} 份"
        words = tuple(f"{number} {line}" for line in range(900))
        made = replace(paper(), title=title, sections=(replace(section, lines=words),))
        printer.pdf(made)
        before = before or resident_mb()
    assert resident_mb() - before < 90


def test_more_pages_than_allowed_are_refused() -> None:
    with pytest.raises(TooLong, match="more than 2 pages"):
        Printer(pages_max=2).pdf(replace(paper(), sections=(table(200),)))
    assert len(pages(Printer(pages_max=1).pdf(paper(annex3(PERSON))))) == 1


def test_more_data_than_allowed_is_refused(
    printer: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "DATA_BYTES_MAX", 1000)
    with pytest.raises(TooLong, match="1000"):
        printer.pdf(paper(annex3(PERSON), printed="别的"))


def test_one_is_made_at_a_time_and_the_next_does_not_wait_for_ever() -> None:
    printer = Printer(wait_s=0.0)
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with printer.turn():
            taken.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    try:
        with pytest.raises(Busy):
            printer.pdf(paper(annex4(None)))
    finally:
        done.set()
        holder.join()
    assert printer.pdf(paper(annex4(None)))


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(NotInstalled, match="typst"):
        Printer().pdf(paper(annex4(None)))


def test_pages_and_signatures_as_pictures(printer: Printer) -> None:
    [page] = printer.pictures(paper(annex4(VISIT)))
    drawing = printer.drawing(VISIT.person_signature)
    assert page[:8] == drawing[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(drawing[16:20]) > int.from_bytes(drawing[20:24]) > 50
