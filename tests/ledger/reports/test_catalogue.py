"""Every figure of the book has a name, says how it counts, and is on a sheet."""

import json
from collections import Counter
from itertools import product

import pytest

from ledger.care.referral import ReferralOutcome, ReferralState
from ledger.care.services import CARE_SERVICES
from ledger.forms.joining import WHY_LEFT
from ledger.forms.services import SERVICES
from ledger.forms.visit_form import QUESTIONS, SATISFACTION, WAY
from ledger.reports.catalogue import (
    GROUP_BY_NAME,
    GROUPS,
    SECTIONS,
    catalogue_document,
    words_shown,
    zh_name,
)
from ledger.reports.sheet import Figure, as_document, figures_of
from ledger.roster import CATEGORIES, GRADES
from ledger.visiting.states import Tally

DAY = 20_000
WHOLE_FORM = {q.field: "unsafe" if "unsafe" in q.words else "worse" for q in QUESTIONS}


def visits() -> list[dict]:
    base = {"voided_at_ms": None, "duplicate_of": None, "met": True, "kind": "routine"}
    record = {"services": [s.number for s in SERVICES], "needs": "米", **WHOLE_FORM}
    found = [
        {**base, "way": way.word, "record": json.dumps({**record, "satisfaction": grade.word})}
        for way, grade in product(WAY.options, SATISFACTION.options)
    ]
    ill = json.dumps({"illness": "serious"})
    plain = {**base, "way": "phone", "record": ill}
    return [
        *found,
        plain,
        {**plain, "met": False},
        {**plain, "voided_at_ms": 1},
        {**plain, "duplicate_of": "x"},
    ]


def persons() -> list[dict]:
    people = [
        {"grade": grade, "categories": json.dumps([category]), "born": "1930-01-01", "visitor": ""}
        for grade, category in product(GRADES, CATEGORIES)
    ]
    people.append({"grade": "", "categories": "[]", "born": "", "visitor": "v"})
    happened = ["joined", "returned", *(option.word for option in WHY_LEFT)]
    return [{**person, "here": True, "changes": happened} for person in people]


def everything() -> list[Figure]:
    referrals = [
        {"state": s.value, "service": c.word, "outcome": o.value}
        for s, c, o in product(ReferralState, CARE_SERVICES, ReferralOutcome)
    ]
    care = [{"service": service.word} for service in CARE_SERVICES]
    alarms = [
        {"severity": severity, "rule": "sos", "outcome": outcome, "state": state}
        for severity in ("urgent", "watch", "technical")
        for outcome, state in (("test", "closed"), (None, "closed"), (None, "open"))
    ]
    rows = {
        "person": persons(),
        "visit": visits(),
        "alarm": alarms,
        "referral": referrals,
        "care": care,
    }
    return [
        f for subject, found in rows.items() for row in found for f in figures_of(subject, row, DAY)
    ]


def test_every_figure_of_the_book_is_named() -> None:
    unnamed = set()
    for group, word in everything():
        known = GROUP_BY_NAME.get(group)
        listed = known is not None and word in {one.word for one in known.words}
        by_page = known is not None and known.open and zh_name(known, word) != word
        if not listed and not by_page:
            unnamed.add((group, word))
    assert not unnamed


def test_no_name_is_of_a_figure_that_is_never_counted() -> None:
    counted = set(everything())
    named = {(g.group, w.word) for g in GROUPS if g.subject != "tally" for w in g.words}
    assert not named - counted


def test_visits_owed_and_made_are_named_as_they_are_tallied() -> None:
    [group] = [g for g in GROUPS if g.subject == "tally"]
    assert {one.word for one in group.words} == set(Tally.__slots__) - {"people"}


def test_a_group_is_named_once_in_a_section_that_there_is() -> None:
    assert len(GROUP_BY_NAME) == len(GROUPS)
    assert {g.section for g in GROUPS} <= set(SECTIONS)
    for group in GROUPS:
        assert group.zh_about
        assert group.en_about
        words = Counter(one.word for one in group.words)
        assert not words or max(words.values()) == 1
    json.dumps(catalogue_document())


def test_what_a_newer_program_wrote_is_shown_behind_what_is_known() -> None:
    group = GROUP_BY_NAME["way"]
    assert words_shown(group, {"letter": 1, "phone": 2, "drone": 3})[-2:] == ["drone", "letter"]
    assert zh_name(group, "letter") == "letter"


@pytest.mark.parametrize(
    ("group", "word", "zh"),
    [
        ("rule", "sos", "呼叫按钮"),
        ("rule_outcome", "sos/accidental", "呼叫按钮：误按、误报"),
        ("service", "7", "7 日常服务"),
        ("outcome", "open", "尚未结案"),
    ],
)
def test_names(group: str, word: str, zh: str) -> None:
    assert zh_name(GROUP_BY_NAME[group], word) == zh


def test_a_document_of_figures_has_the_groups_of_the_catalogue() -> None:
    assert set(as_document(Counter(everything()))) <= set(GROUP_BY_NAME)
