"""What a person is found by, what a file takes, what is missing, which consent holds."""

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.forms import completeness, consents, id_number
from ledger.forms.consents import NewConsent
from ledger.forms.file_document import document_of, masked, merged, read
from ledger.forms.file_fields import FIELD, FIELDS
from ledger.forms.person_file import Member, PersonFile
from ledger.persons.terms import STEP, TERM_MAX, Kind, Question, ask, grams_of, terms_of

TODAY = datetime.date(2026, 5, 1)
NUMBER = "61092619410302002" + id_number.check_digit("61092619410302002")
PERSON = {"id": "person-0001", "name": "单桂英", "phone": "+86 138-0000-0001"}
ADDRESS = "龙头村一组 12 号"


def finds(question: Question | None) -> set[Kind]:
    """The kinds of terms of the person by which a question finds her."""
    assert question is not None
    terms = terms_of(PERSON, ["13900000002"])
    found = {
        kind
        for kind in question.kinds - {Kind.ID, Kind.ADDRESS}
        if {(question.key(kind), kind * STEP), (question.key(kind), kind * STEP + 1)} & terms
    }
    if Kind.ID in question.kinds and question.term <= PERSON["id"] < question.last:
        found.add(Kind.ID)
    if Kind.ADDRESS in question.kinds and set(question.grams) <= grams_of(ADDRESS):
        found.add(Kind.ADDRESS)
    return found


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("单桂英", Kind.NAME),
        ("单", Kind.NAME),
        ("桂英", Kind.NAME_INSIDE),
        # A surname is read otherwise than the dictionary's first, and people type either.
        ("shanguiying", Kind.PINYIN),
        ("dan gui", Kind.PINYIN),
        ("Shan Gui-Ying".replace("-", "'"), Kind.PINYIN),
        ("shangy", Kind.PINYIN),
        ("sgy", Kind.INITIALS),
        ("s", Kind.INITIALS),
        ("guiying", Kind.PINYIN_INSIDE),
        ("138 0000 0001", Kind.PHONE),
        ("+8613800000001", Kind.PHONE),
        ("0001", Kind.PHONE),
        ("0002", Kind.CONTACT),
        ("13900000002", Kind.CONTACT),
        ("一组12号", Kind.ADDRESS),
        ("12", Kind.ADDRESS),
        ("龙头村一组12号", Kind.ADDRESS),
        ("头村", Kind.ADDRESS),
        ("person-0001", Kind.ID),
        ("ＳＧＹ", Kind.INITIALS),
    ],
)
def test_somebody_is_found_by(typed: str, kind: Kind) -> None:
    assert min(finds(ask(typed))) is kind


@pytest.mark.parametrize("typed", ["zhang", "桂花", "139", "13 号", "1380000"])
def test_somebody_else_is_not_found(typed: str) -> None:
    assert finds(ask(typed)) - {Kind.CONTACT} == set()


def test_an_identity_number_is_asked_for_whole() -> None:
    assert ask(f"610926 19410302 {NUMBER[14:].lower()}") == Question(id_number=NUMBER)
    assert ask(" · ") is None


@given(st.text(max_size=40), st.text(max_size=200), st.text(max_size=40))
def test_any_text_gives_terms_that_fit_their_column(name: str, address: str, phone: str) -> None:
    terms = terms_of({"id": "p", "name": name, "phone": phone}, [phone])
    assert all(0 < len(term) <= TERM_MAX for term, _kind in terms)
    # Of each term and kind one row, whole or a beginning.
    assert len({(term, kind // STEP) for term, kind in terms}) == len(terms)
    assert len(terms) < 2000
    assert all(0 < len(part) <= 3 for part in grams_of(address))


def test_a_file_that_was_written_is_read() -> None:
    file = PersonFile(
        id_number=NUMBER,
        children=0,
        income_yuan=812.5,
        supporters=("village_committee",),
        members=(Member(name="李明", relation="儿子", visits_often="yes"),),
    )
    assert read(document_of(file)) == file
    assert read({**document_of(file), "of_a_newer_program": 1, "children": "many"}) == replace(
        file, children=None
    )


def test_every_mistake_is_told_at_once_in_both_languages() -> None:
    wrong = {
        "children": 1.5,
        "income_yuan": True,
        "pension": "maybe",
        "disability_kind": ["visual"],
        "disability_grade": 9,
        "supporters": ["nobody"],
        "members": [{"name": "x"}, {"nmae": "y"}],
        "ethnicity": "汉" * 201,
        "favourite_colour": "red",
    }
    file, refusals = merged(PersonFile(), {**wrong, "water_safe": "yes"})
    assert {refusal.field.split("[")[0] for refusal in refusals} == set(wrong)
    assert all(refusal.zh and refusal.en for refusal in refusals)
    # What was right is taken all the same.
    assert file == PersonFile(water_safe="yes")


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "sex", "health"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([field.name for field in FIELDS]), _ANY))
def test_whatever_comes_is_taken_or_refused(changes: dict[str, object]) -> None:
    file, refusals = merged(PersonFile(), changes)
    untaken = {refusal.field.split("[")[0] for refusal in refusals}
    assert untaken <= set(changes)
    assert read(document_of(file)) == file
    kept = replace(PersonFile(), **{n: getattr(file, n) for n in set(changes) - untaken})
    assert file == kept


def test_identity_numbers_are_masked_wherever_they_stand() -> None:
    file = PersonFile(id_number=NUMBER, members=(Member(name="李明", id_number=NUMBER),))
    assert NUMBER[4:] not in str(masked(document_of(file)))
    assert masked(document_of(file))["id_number"] == "6109**************"


REGISTER = {
    "name": "张桂英",
    "sex": "F",
    "born": "1941-03-02",
    "phone": "13800000001",
    "categories": ["独居"],
    "grade": "完好",
    "contacts": [{"name": "张伟", "phone": "139"}],
    "visitor": "visitor-1",
}


def test_what_is_missing_follows_what_was_said() -> None:
    def asked(**said: object) -> set[str]:
        file, refusals = merged(PersonFile(), said)
        assert refusals == []
        return {item.field for item in completeness.missing(file, REGISTER)}

    nothing = asked()
    assert {"id_number", "lives_alone", "children", "income_yuan"} <= nothing
    assert nothing - asked(children=0, income_yuan=0) == {"children", "income_yuan"}
    assert "members" in asked(lives_alone="no")
    assert "members" not in asked(lives_alone="yes")
    assert "pension_yuan" in asked(pension="yes")
    assert {"disability_kind", "disability_number"} <= asked(disability_grade=2)


def test_a_category_asks_for_the_facts_it_rests_on() -> None:
    register = {**REGISTER, "categories": ["留守", "重残"]}
    fields = {item.field for item in completeness.missing(PersonFile(), register)}
    assert {"children_away_months", "rural_registration", "disability_grade"} <= fields
    assert all(field in FIELD or field in REGISTER for field in fields)


CONSENT = {"purpose": "devices", "answer": "yes", "until_on": "", "withdrawn_on": None}


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"until_on": "2026-05-01"}, True),
        ({"until_on": "2026-04-30"}, False),
        ({"withdrawn_on": "2026-04-01"}, False),
        ({"answer": "no"}, False),
    ],
)
def test_a_consent_holds_until_its_last_day_or_its_end(changes: dict, holds: bool) -> None:
    consent = {**CONSENT, **changes}
    assert consents.holds(consent, TODAY.isoformat()) is holds
    assert ("devices" in consents.lacking([consent], TODAY.isoformat())) is not holds


def test_a_consent_that_cannot_be_is_refused_field_by_field() -> None:
    new = NewConsent(
        purpose="marketing",
        given_by=" ",
        relation="friend",
        how="signed",
        given_on="2026-05-02",
        until_on="2026-13-01",
    )
    fields = {refusal.field for refusal in consents.check(new, TODAY)}
    assert fields == {"purpose", "given_by", "relation", "given_on", "until_on"}
    right = replace(
        new, purpose="photo", given_by="张伟", relation="family", given_on="2026-05-01", until_on=""
    )
    assert consents.check(right, TODAY) == []
    (early,) = consents.check(replace(right, until_on="2026-04-30"), TODAY)
    assert early.field == "until_on"
