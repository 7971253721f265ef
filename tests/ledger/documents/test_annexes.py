"""Annexes 3 and 4 hold the notice's words in their order, and every answer in its place."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.documents.annex3 import GRADES, annex3
from ledger.documents.annex4 import annex4
from ledger.documents.form import CONTINUED, Box, Cell, Form, fitted
from ledger.documents.word import placed
from ledger.forms.categories import CATEGORY_ORDER
from ledger.forms.person_file import MEMBERS_PRINTED, SUPPORTERS, Member, PersonFile
from ledger.forms.visit_form import QUESTIONS, TEXTS, WAY
from tests.adapters.sample_papers import FILE, PERSON, RECORD, VISIT, ticked, words_of

# Annex 3 from its second section on, as the notice prints it.
LIVING = (
    "饮水是否安全",
    "生活用电是否安全",
    "住房是否安全",
    "家庭每月收入（元）",
    "家庭每月领取养老保险、社会救助和社会福利补贴等情况",
)
MEMBER_HEADS = ["序号", "姓名", "性别", "公民身份号码", "与户主关系", "健康状况", "是否经常探访"]
SIGNERS = (
    "信息录入人员签字",
    "村（居）民委员会审核人员签字（盖章）",
    "镇政府审核人员签字（盖章）",
)


def heads(form: Form) -> list[str]:
    return [words_of(cell) for row in form.rows for cell in row if cell.head]


def every_text(form: Form) -> str:
    return "\n".join(words_of(cell) for row in form.rows for cell in row)


@pytest.mark.parametrize("form", [annex3(None), annex3(PERSON), annex4(None), annex4(VISIT)])
def test_the_cells_fill_the_table_and_do_not_overlap(form: Form) -> None:
    taken: set[tuple[int, int]] = set()
    for cell, row, column in placed(form):
        for at in (
            (row + down, column + over) for down in range(cell.rows) for over in range(cell.columns)
        ):
            assert at not in taken
            taken.add(at)
    whole = {(r, c) for r in range(len(form.rows)) for c in range(len(form.widths))}
    assert taken == whole


def test_annex_3_says_what_the_notice_prints() -> None:
    form = annex3(None)
    found = heads(form)
    sections = [words for words in found if words[1:2] == "、"]
    assert sections == [
        "一、基本信息",
        "二、家庭基本情况",
        "三、家庭生活条件",
        "四、已享受帮扶情况",
    ]
    start = found.index("二、家庭基本情况")
    assert found[start + 1 : start + 8] == MEMBER_HEADS
    assert found[start + 8 : start + 13] == ["1", "2", "3", "4", "5"]
    start = found.index("三、家庭生活条件")
    assert tuple(found[start + 1 : start + 6]) == LIVING
    assert tuple(found[-3:]) == SIGNERS
    assert form.foot == "备注：此表一式三份，县民政局、镇、村各存档一份，可复印。"
    assert "享受社会救助和社会福利补贴项目：" in every_text(form)
    assert not ticked(form)


def test_annex_4_says_what_the_notice_prints() -> None:
    form = annex4(None)
    labels = [words for words in heads(form) if not words.startswith("第")]
    groups = ["家庭状况", "健康状况", "精神状态", "安全情况", "卫生状况", "居住环境"]
    assert [words for words in labels if words in groups] == groups
    assert [words for words in labels if words not in groups] == [
        "探访方式",
        *["家庭人口", "表达能力", "行动能力", "疾病状况", "情绪状态"],
        *["燃气安全", "水暖安全", "用电安全", "消防安全"],
        *["个人卫生", "家庭卫生", "室内环境"],
    ]
    wide = [words_of(row[0]) for row in form.rows if row[0].columns == len(form.widths)]
    assert wide == ["老年人服务满意度评价：", "老年人服务需求：", "实施关爱服务建议："]
    assert words_of(form.rows[-1][0]) == "服务人员类别：服务人员签字："
    assert words_of(form.rows[-1][1]) == "服务对象（签字）"
    assert form.foot == "备注：此表一式四份，县民政局、镇、村及服务对象各存档一份，可复印。"
    assert not ticked(form)


def test_every_answer_of_a_person_is_on_the_form() -> None:
    form = annex3(PERSON)
    assert ticked(form) == {
        "老年人类别": ["独居", "重残"],
        "能力评估等级": ["轻度失能"],
        "等级": ["二级"],
        LIVING[-1]: ["有领取养老保险，每月"],
        "帮扶单位（组织）": ["党政机关、群团组织", "镇、村（居）民委员会", "志愿者"],
    }
    text = every_text(form)
    for words in (
        *("张桂英", "1941年3月2日", "13800000001", FILE.id_number, FILE.disability_number),
        *("165.50", "430", "640", "城乡低保、高龄补贴", FILE.support, "李秀芳", "王建国"),
        *("高血压、慢阻肺", "张伟 儿子 13900000001", FILE.registered_address, "陈静"),
    ):
        assert words in text
    assert not form.continued


def test_every_answer_of_a_visit_is_on_the_form() -> None:
    form = annex4(VISIT)
    assert ticked(form) == {
        "探访方式": ["上门探访"],
        "家庭人口": ["减少"],
        "表达能力": ["无变化"],
        "行动能力": ["较差"],
        "疾病状况": ["严重"],
        "情绪状态": ["较好"],
        "燃气安全": ["安全"],
        "水暖安全": ["较安全"],
        "用电安全": ["不安全"],
        "消防安全": ["安全"],
        "个人卫生": ["较好"],
        "家庭卫生": ["无变化"],
        "室内环境": ["较差"],
    }
    text = every_text(form)
    for words in ("慢性阻塞性肺病", "满意。来得勤", str(RECORD["needs"]), "网格员", "陈静", "17"):
        assert words in text
    below = "\n".join(p.text for line in form.below for p in line)
    assert below == (
        "本次服务项目（附件2）：1 个人卫生、7 日常服务、13 检查义务\n其他说明：院内有狗"
    )


answers = st.fixed_dictionaries(
    {},
    optional={q.field: st.sampled_from([o.word for o in q.options]) for q in QUESTIONS},
)


@settings(max_examples=60, deadline=None)
@given(record=answers, way=st.sampled_from([o.word for o in WAY.options]))
def test_exactly_the_chosen_boxes_are_ticked(record: dict[str, str], way: str) -> None:
    found = ticked(annex4(replace(VISIT, way=way, record=record)))
    wanted = {q.zh: [o.zh for o in q.options if o.word == record.get(q.field)] for q in QUESTIONS}
    wanted["探访方式"] = [o.zh for o in WAY.options if o.word == way]
    assert found == {name: words for name, words in wanted.items() if words}


@settings(max_examples=60, deadline=None)
@given(
    categories=st.sets(st.sampled_from(CATEGORY_ORDER)),
    grade=st.sampled_from(["", *(word for word, _zh in GRADES)]),
    disability=st.integers(0, 4),
    pension=st.sampled_from(["yes", "no", ""]),
    supporters=st.sets(st.sampled_from([o.word for o in SUPPORTERS])),
)
def test_exactly_a_persons_boxes_are_ticked(
    categories, grade, disability, pension, supporters
) -> None:
    identity = replace(PERSON.identity, categories=tuple(categories), grade=grade)
    file = PersonFile(
        disability_grade=disability, pension=pension, supporters=tuple(sorted(supporters))
    )
    found = ticked(annex3(replace(PERSON, identity=identity, file=file)))
    pensions = {"yes": ["有领取养老保险，每月"], "no": ["无养老保险"], "": []}
    wanted = {
        "老年人类别": [c for c in CATEGORY_ORDER if c in categories],
        "能力评估等级": [zh for word, zh in GRADES if word == grade],
        "等级": [f"{zh}级" for n, zh in enumerate("一二三四", 1) if n == disability],
        LIVING[-1]: pensions[pension],
        "帮扶单位（组织）": [o.zh for o in SUPPORTERS if o.word in supporters],
    }
    assert found == {name: words for name, words in wanted.items() if words}


def test_a_number_of_people_stands_beside_the_ticked_box_alone() -> None:
    [_label, answer] = annex4(VISIT).rows[1][1:]
    assert words_of(answer) == "人　1人　"


@pytest.mark.parametrize("field", TEXTS)
def test_what_does_not_fit_is_whole_on_the_sheet_behind(field: str) -> None:
    words = "长" * 500
    record = {field: words}
    form = annex4(replace(VISIT, record=record))
    printed = every_text(form) + "".join(p.text for line in form.below for p in line)
    assert CONTINUED in printed
    assert any(rest == words for _name, rest in form.continued)


def test_a_missing_signature_says_why() -> None:
    record = {"unsigned": "cannot_write", "unsigned_note": "由邻居见证"}
    form = annex4(replace(VISIT, record=record, person_signature=None))
    assert words_of(form.rows[-1][1]) == "服务对象（签字）（不会写字：由邻居见证）"


def test_a_voided_record_cannot_be_taken_for_one_that_counts() -> None:
    form = annex4(replace(VISIT, voided="重复登记", corrections=("2026-11-24 陈静：方式有误",)))
    assert form.mark == "附件4（已作废）"
    below = [p.text for line in form.below for p in line]
    assert below[0] == "本记录已作废：重复登记"
    assert below[-1] == "更正：2026-11-24 陈静：方式有误"


def test_who_lives_with_many_gets_the_rest_on_the_sheet_behind() -> None:
    members = tuple(Member(name=f"家人{n}", health="健康") for n in range(1, 9))
    form = annex3(replace(PERSON, file=replace(FILE, members=members)))
    assert f"家人{MEMBERS_PRINTED}" in every_text(form)
    [(_name, rest)] = form.continued
    assert rest.splitlines() == ["6. 家人6，健康", "7. 家人7，健康", "8. 家人8，健康"]


@settings(max_examples=80, deadline=None)
@given(words=st.text(max_size=400), most=st.integers(30, 200))
def test_a_field_holds_what_fits_or_says_that_there_is_more(words: str, most: int) -> None:
    shown, more = fitted(words, most)
    assert len(shown) <= most
    if not more:
        assert shown == words
    else:
        assert shown.endswith(CONTINUED)
        assert words.startswith(shown.removesuffix(CONTINUED))


def test_a_box_is_a_box_and_a_text_never_one() -> None:
    """Somebody who types a ticked box into a text has not ticked anything."""
    form = annex4(replace(VISIT, record={"needs": "☑无变化", "illness_name": "☑较好"}))
    assert ticked(form) == {"探访方式": ["上门探访"]}
    cells: list[Cell] = [cell for row in form.rows for cell in row]
    parts = [p for cell in cells for line in cell.lines for p in line]
    assert sum(isinstance(p, Box) for p in parts) == 4 + 3 * len(QUESTIONS)
