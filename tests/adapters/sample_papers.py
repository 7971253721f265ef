"""A person and a visit as they are printed, with something in every field."""

from ledger.documents.form import Box, Cell, Drawing, Form, Text
from ledger.documents.sheets import Contact, PersonSheet, VisitSheet
from ledger.forms.person_file import Identity, Member, PersonFile

AT_MS = 1_795_400_000_000  # 2026-11-23 10:13 in the county
SIGNATURE = Drawing(
    width=600,
    height=240,
    strokes=(((40, 120), (200, 40), (280, 200)), ((320, 60), (330, 210)), ((400, 90), (400, 90))),
)
FILE = PersonFile(
    id_number="61092619410302002X",
    ethnicity="汉族",
    registered_address="陕西省安康市平利县城关镇龙头村一组",
    rural_registration="yes",
    lives_alone="yes",
    spouse_alive="no",
    children=2,
    children_in_town="no",
    children_away_months=14,
    only_child_lost="no",
    assessed_on="2026-03-12",
    disability_kind="physical",
    disability_grade=2,
    disability_number="61092619410302002X42",
    seriously_ill="no",
    members=(
        Member(
            name="张伟",
            sex="M",
            id_number="610926196505120017",
            relation="儿子",
            health="健康",
            visits_often="no",
        ),
        Member(name="李秀芳", sex="F", relation="儿媳", health="慢性病", visits_often="yes"),
    ),
    water_safe="yes",
    electricity_safe="no",
    housing_safe="yes",
    income_yuan=640,
    pension="yes",
    pension_yuan=165.5,
    subsidies=("城乡低保", "高龄补贴"),
    subsidies_yuan=430,
    supporters=("government", "village_committee", "volunteer"),
    supporter_name="王建国",
    support="每月上门两次，协助购买米面粮油；安装呼叫按钮与智能电表；协助办理残疾人证年检。",
    recorded_by="陈静",
    recorded_on="2026-05-01",
)
PERSON = PersonSheet(
    identity=Identity(
        name="张桂英", sex="F", born="1941-03-02", grade="轻度", categories=("独居", "重残")
    ),
    file=FILE,
    phone="13800000001",
    address="平利县城关镇龙头村一组 12 号",
    conditions=("高血压", "慢阻肺"),
    contacts=(Contact(name="张伟", relation="儿子", phone="13900000001"),),
    visitor="陈静",
    signature=SIGNATURE,
)
RECORD: dict[str, object] = {
    "household": "fewer",
    "household_change": 1,
    "speech": "unchanged",
    "movement": "worse",
    "illness": "serious",
    "illness_name": "慢性阻塞性肺病",
    "mood": "better",
    "gas_safety": "safe",
    "water_heating_safety": "fairly_safe",
    "electrical_safety": "unsafe",
    "fire_safety": "safe",
    "personal_hygiene": "better",
    "home_hygiene": "unchanged",
    "indoors": "worse",
    "visitor_kind": "grid_worker",
    "satisfaction": "satisfied",
    "satisfaction_words": "来得勤，帮我换了灯泡。",
    "needs": "需要一副老花镜；厨房线路老化，请电工看一下。",
    "suggestions": "联系供电所检查线路，下周复访。",
    "services": [1, 7, 13],
    "remarks": "院内有狗",
}
VISIT = VisitSheet(
    name="张桂英",
    address="平利县城关镇龙头村一组 12 号",
    number=17,
    way="home_visit",
    visited_at_ms=AT_MS,
    record=RECORD,
    visitor="陈静",
    visitor_signature=SIGNATURE,
    person_signature=SIGNATURE,
)


def words_of(cell: Cell) -> str:
    """The plain text of a cell, boxes left out."""
    return "".join(p.text for line in cell.lines for p in line if hasattr(p, "text"))


def ticked(form: Form) -> dict[str, list[str]]:
    """By the label before it, the words of the boxes that are ticked."""
    found: dict[str, list[str]] = {}
    for row in form.rows:
        name = ""
        for cell in row:
            if cell.head:
                name = words_of(cell)
            for line in cell.lines:
                for part in line:
                    if isinstance(part, Text) and not cell.head and "等级" in part.text:
                        name = "等级"
                    if isinstance(part, Box) and part.ticked:
                        found.setdefault(name, []).append(part.label)
    return found
