"""The forms as Word documents, read again."""

import io
import sys
from dataclasses import replace

import docx
import pytest
from docx.oxml.ns import qn

from ledger.documents.annex3 import annex3
from ledger.documents.annex4 import annex4
from ledger.documents.form import Drawing, Form
from ledger.documents.paper import Paper
from ledger.documents.pdf import NotInstalled, Printer
from ledger.documents.word import storable, write_docx
from tests.adapters.sample_papers import AT_MS, FILE, PERSON, RECORD, SIGNATURE, VISIT

PRINTER = Printer()


def written(*forms: Form, numbered: bool = False, title: str = "记录", draw=PRINTER.drawing):
    paper = Paper(title=title, printed="打印", at_ms=AT_MS, forms=forms, numbered=numbered)
    return docx.Document(io.BytesIO(write_docx(paper, draw)))


def cells(document, table: int = 0) -> list[str]:
    """Each cell once, where cells are joined."""
    found, seen = [], set()
    for row in document.tables[table].rows:
        for cell in row.cells:
            if cell._tc not in seen:
                seen.add(cell._tc)
                found.append(cell.text)
    return found


def test_annex_3_read_again_is_the_data() -> None:
    document = written(annex3(PERSON))
    text = "\n".join(cells(document))
    for words in (
        *("张桂英", "1941年3月2日", FILE.id_number, "☑独居", "☐空巢", "☑重残", FILE.support),
        *("☑有领取养老保险", "☐无养老保险", "城乡低保、高龄补贴", "☑志愿者", "☐企业", "李秀芳"),
        *("村（居）民委员会\n审核人员签字\n（盖章）", "是否经常探访"),
    ):
        assert words in text
    plain = [paragraph.text for paragraph in document.paragraphs]
    assert "特殊困难老年人信息记录表" in plain
    assert "备注：此表一式三份，县民政局、镇、村各存档一份，可复印。" in plain


def test_annex_4_read_again_is_the_data() -> None:
    found = cells(written(annex4(VISIT)))
    assert "☐电话问候  ☑上门探访  ☐互联网音（视）频探访  ☐其他  " in found
    assert "☑安全  ☐较安全  ☐不安全  " in found
    assert "".join(found[0].split()) == "第17次探访关爱服务"
    assert f"老年人服务需求：{RECORD['needs']}" in found


def test_the_cells_are_joined_as_the_notice_has_them() -> None:
    table = written(annex4(VISIT)).tables[0]
    first = {table.cell(row, 0)._tc for row in range(13)}
    assert len(first) == 1
    assert table.cell(2, 1)._tc is table.cell(4, 1)._tc  # 健康状况
    assert table.cell(13, 0)._tc is table.cell(13, 4)._tc  # 老年人服务满意度评价


def test_chinese_has_a_chinese_font_and_boxes_one_that_has_them() -> None:
    document = written(annex4(VISIT))
    for paragraph in document.paragraphs:
        for run in paragraph.runs:
            if run.text.strip():
                fonts = run._r.rPr.find(qn("w:rFonts"))
                assert fonts.get(qn("w:eastAsia")) in ("宋体", "黑体")
    boxes = {
        run.font.name
        for row in document.tables[0].rows
        for cell in row.cells
        for paragraph in cell.paragraphs
        for run in paragraph.runs
        if run.text in ("☑", "☐")
    }
    assert boxes == {"Segoe UI Symbol"}


def test_signatures_are_pictures_in_their_fields() -> None:
    document = written(annex4(VISIT))
    assert len(document.inline_shapes) == 2
    assert not written(annex4(None)).inline_shapes


def test_copies_and_the_sheet_behind() -> None:
    words = "需" * 400
    document = written(annex4(replace(VISIT, record={"needs": words})), numbered=True)
    assert len(document.tables) == 4
    plain = [paragraph.text for paragraph in document.paragraphs]
    assert sum(text == words for text in plain) == 4
    assert sum("服务对象存" in text for text in plain) == 1


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\ud800", "\ufffe", "\x1b[31m"])
def test_what_xml_cannot_hold_is_left_out(bad: str) -> None:
    person = replace(PERSON, identity=replace(PERSON.identity, name=f"张{bad}桂英"))
    text = "\n".join(cells(written(annex3(person), title=bad)))
    # A vertical tab breaks a line, the others are gone.
    assert f"张{storable(bad)}桂英" in text.replace("\n", "")


def test_markup_is_text() -> None:
    evil = "<w:p/> &amp; ]]> #x *y*"
    assert f"老年人服务需求：{evil}" in cells(
        written(annex4(replace(VISIT, record={"needs": evil})))
    )


def test_a_signature_is_drawn_by_whoever_can() -> None:
    asked: list[Drawing] = []

    def draw(drawing: Drawing) -> bytes:
        asked.append(drawing)
        return PRINTER.drawing(drawing)

    written(annex3(PERSON), draw=draw)
    assert asked == [SIGNATURE]


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(NotInstalled, match="docx"):
        written(annex4(None))
