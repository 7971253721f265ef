"""Whose register says COPD: never by a text that may mean something else."""

import pytest

from hearthwatch.person_facts import conditions_of, copd_of

SAYS_SO = [
    ["慢阻肺"],
    ["高血压", "慢阻肺"],
    ["慢性阻塞性肺疾病（稳定期）"],
    ["慢性阻塞性肺病 GOLD 3级"],
    ["慢阻肺病史10年"],
    ["重度慢阻肺，家用制氧机"],
    ["COPD"],
    ["copd stage III"],
    ["Severe COPD, home oxygen"],
    ["chronic obstructive pulmonary disease (GOLD 2, group B)"],
]
MAY_MEAN_SOMETHING_ELSE = [
    ["疑似慢阻肺"],
    ["慢阻肺待查"],
    ["慢阻肺，待排"],
    ["慢阻肺?"],
    ["慢阻肺？"],
    ["无慢阻肺"],
    ["无高血压、慢阻肺"],
    ["无高血压", "慢阻肺"],
    ["否认慢阻肺"],
    ["已排除慢阻肺"],
    ["父亲慢阻肺"],
    ["慢阻肺家族史"],
    ["慢阻肺高危"],
    ["哮喘-慢阻肺重叠"],
    ["慢阻肺筛查阴性"],
    ["no COPD"],
    ["COPD ruled out"],
    ["suspected COPD"],
    ["COPD, not confirmed"],
    ["father: COPD"],
    ["non-COPD"],
    ["pseudocopd"],
]
SAYS_NOTHING = [[], ["高血压", "糖尿病"], ["支气管炎"], ["肺气肿"], ["哮喘"], ["无"], [""]]


@pytest.mark.parametrize("texts", SAYS_SO, ids="|".join)
def test_the_only_person_of_a_home_has_copd(texts) -> None:
    assert copd_of([texts]) == "only_person"


@pytest.mark.parametrize("texts", MAY_MEAN_SOMETHING_ELSE, ids="|".join)
def test_a_text_for_people_is_unclear(texts) -> None:
    assert copd_of([texts]) == "unclear"


@pytest.mark.parametrize("texts", SAYS_NOTHING, ids="|".join)
def test_who_has_none_has_none(texts) -> None:
    assert copd_of([texts]) == ""


def test_of_two_persons_nobody_is_taken_for_the_one() -> None:
    assert copd_of([["慢阻肺"], ["高血压"]]) == "unclear"
    assert copd_of([["慢阻肺"], ["慢阻肺"]]) == "unclear"
    assert copd_of([[], []]) == ""
    assert copd_of([]) == ""


def test_conditions_that_cannot_be_read_say_nothing() -> None:
    assert conditions_of('["慢阻肺", 3]') == ["慢阻肺", "3"]
    assert conditions_of("慢阻肺") == []
    assert conditions_of('{"a": 1}') == []
