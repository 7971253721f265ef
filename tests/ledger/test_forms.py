"""The notice's forms: what they ask, what they refuse, what the definitions say."""

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.forms import categories, id_number, person_file, visit_form
from ledger.forms.person_file import Identity, Member, PersonFile
from ledger.forms.services import SERVICES

TODAY = datetime.date(2026, 5, 1)
IDENTITY = Identity(name="张英", sex="F", born="1941-03-02", grade="", categories=())
# A number of GB 11643's own pattern; the area is Pingli's.
NUMBER = "61092619410302002" + id_number.check_digit("61092619410302002")


def test_the_sixteen_services_are_numbered_as_in_the_annex() -> None:
    assert [service.number for service in SERVICES] == list(range(1, 17))
    assert {service.group for service in SERVICES} == {
        "环境卫生",
        "生活服务",
        "医疗服务",
        "安全防范",
    }


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2026, 1, 1)), st.integers(0, 999))
def test_an_id_number_says_birthday_and_sex(born: datetime.date, order: int) -> None:
    body = f"610926{born:%Y%m%d}{order:03d}"
    read = id_number.read(body + id_number.check_digit(body).lower())
    assert isinstance(read, id_number.IdNumber)
    assert read.born == born.isoformat()
    assert read.sex == ("M" if order % 2 else "F")
    assert read.area == "610926"


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes(place: int, more: int) -> None:
    wrong = (int(NUMBER[place]) + more) % 10
    assert isinstance(id_number.read(f"{NUMBER[:place]}{wrong}{NUMBER[place + 1 :]}"), str)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("610926410302002", "length"),
        ("61092619411302002X", "birthday"),
        ("61092A194103020021", "digits"),
        ("６１０９２６１９４１０３０２００２X", "digits"),
    ],
)
def test_what_is_wrong_with_a_number_has_a_word(text: str, word: str) -> None:
    assert id_number.read(text) == word


def test_a_whole_record_of_a_visit_is_taken() -> None:
    record: dict[str, object] = {q.field: q.options[0].word for q in visit_form.CHOICES}
    record |= dict.fromkeys(visit_form.TEXTS, "好") | {"services": [1, 16]}
    assert visit_form.check(record) == []
    assert visit_form.check({}) == []


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"mood": "happy"}, "mood"),
        ({"mood": ["better"]}, "mood"),
        ({"services": [17]}, "services"),
        ({"services": [1, 1]}, "services"),
        ({"services": [True]}, "services"),
        ({"household": "more"}, "household_change"),
        ({"household": "more", "household_change": 0}, "household_change"),
        ({"household": "unchanged", "household_change": 2}, "household_change"),
        ({"needs": "长" * 501}, "needs"),
        ({"nobody_met": "yes"}, "nobody_met"),
    ],
)
def test_a_wrong_answer_is_refused_by_its_name(record: dict[str, object], field: str) -> None:
    (refusal,) = visit_form.check(record)
    assert refusal.field == field
    assert refusal.zh
    assert refusal.en


def test_a_person_file_that_can_be_true_is_taken() -> None:
    file = PersonFile(
        id_number=NUMBER,
        members=(Member(name="王建国", relation="配偶"),),
        income_yuan=1800.0,
        supporters=("village_committee", "volunteer"),
        disability_kind="physical",
        disability_grade=2,
        assessed_on="2026-03-01",
    )
    assert person_file.check(file, IDENTITY, TODAY) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id_number": NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")}, "id_check_digit"),
        ({"assessed_on": "2026-05-02"}, "impossible_date"),
        ({"assessed_on": "1.5.2026"}, "no_date"),
        ({"income_yuan": -1.0}, "no_such_number"),
        ({"supporters": ("army",)}, "no_such_choice"),
        ({"disability_grade": 5}, "no_such_choice"),
        ({"members": (Member(name=" "),)}, "missing"),
        ({"members": (Member(name="王", id_number="12"),)}, "id_length"),
        ({"members": (Member(name="王"),) * 21}, "too_many"),
    ],
)
def test_what_cannot_be_true_is_refused(changes: dict[str, object], code: str) -> None:
    file = replace(PersonFile(), **changes)
    (refusal,) = person_file.check(file, IDENTITY, TODAY)
    assert refusal.code == code


def test_a_number_must_agree_with_the_register() -> None:
    other = replace(IDENTITY, born="1941-03-12", sex="M")
    refusals = person_file.check(PersonFile(id_number=NUMBER), other, TODAY)
    assert [refusal.code for refusal in refusals] == ["id_other_birthday", "id_other_sex"]


@pytest.mark.parametrize(
    ("category", "agreeing", "doubtful"),
    [
        ("独居", {"lives_alone": "yes"}, {"lives_alone": "no"}),
        (
            "空巢",
            {"children": 2, "children_in_town": "no"},
            {"children": 2, "children_in_town": "yes"},
        ),
        (
            "留守",
            {"children_away_months": 6, "rural_registration": "yes"},
            {"children_away_months": 5, "rural_registration": "yes"},
        ),
        ("重残", {"disability_grade": 2}, {"disability_grade": 3}),
        ("计划生育特殊家庭", {"only_child_lost": "yes"}, {"only_child_lost": "no"}),
    ],
)
def test_a_category_is_compared_with_its_definition(
    category: str, agreeing: dict[str, object], doubtful: dict[str, object]
) -> None:
    named = replace(IDENTITY, categories=(category,))

    def opinion(file: PersonFile, identity: Identity) -> str | None:
        found = {j.category: j.opinion for j in categories.judge(file, identity)}
        return found.get(category)

    assert opinion(replace(PersonFile(), **agreeing), named) == "agrees"
    assert opinion(replace(PersonFile(), **agreeing), IDENTITY) == "agrees"
    assert opinion(replace(PersonFile(), **doubtful), named) == "doubt"
    assert opinion(PersonFile(), named) == "unknown"
    assert opinion(PersonFile(), IDENTITY) is None


def test_impaired_goes_by_the_grade() -> None:
    named = replace(IDENTITY, categories=("失能",))
    for grade, opinion in (("轻度", "agrees"), ("完好", "doubt"), ("", "unknown")):
        (judgement,) = categories.judge(PersonFile(), replace(named, grade=grade))
        assert judgement.opinion == opinion
