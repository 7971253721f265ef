"""homes.toml: what a county hands over becomes rows, and every mistake is named with its place."""

import pytest

from contract.config import ConfigError
from ledger.roster import CONTACTS_MAX, parse

GOOD = """
[[region]]
code = "610926101001"
name = "龙头村"
level = "village"
parent = "610926"

[[region]]
code = "610926"
name = "平利县"
level = "county"

[[gateway]]
id = "gw-0001"
region = "610926101001"
name = "龙头村网关"

[[home]]
id = "home-0001"
region = "610926101001"
address = "三组 11 号"
lat = 32.4
lon = 109.3
access_note = "从小卖部右转"

[[home.person]]
id = "person-0001"
name = "何桂英"
sex = "F"
born = "1948-02-29"
phone = "13800000001"
categories = ["独居", "失能"]
grade = "中度"
conditions = ["高血压"]
visitor = "visitor1"

[[home.person.contacts]]
name = "何长贵"
relation = "女儿"
phone = "13900000001"

[[home.device]]
gateway = "gw-0001"
device = "button-0001"
kind = "sos"
label = "床头呼叫按钮"
"""


def test_rows_with_parents_before_children() -> None:
    roster = parse(GOOD)
    assert [row["code"] for row in roster.regions] == ["610926", "610926101001"]
    assert roster.gateways == [{"id": "gw-0001", "region": "610926101001", "name": "龙头村网关"}]
    (home,), (person,), (device,) = roster.homes, roster.persons, roster.devices
    assert (home["id"], home["lat"], home["lon"]) == ("home-0001", 32.4, 109.3)
    assert (person["home"], person["categories"]) == ("home-0001", ["独居", "失能"])
    assert person["contacts"] == [{"name": "何长贵", "relation": "女儿", "phone": "13900000001"}]
    assert (device["home"], device["kind"], device["model"]) == ("home-0001", "sos", "")


def test_an_empty_county() -> None:
    assert parse("").homes == []


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ('level = "county"', 'level = "conty"', "region[2].level", "county"),
        ("[[gateway]]", "[[gatway]]", "homes.toml", "gateway"),
        ('address = "三组', 'adress = "三组', "home[1]", "address"),
        ('101001"\naddress', '101002"\naddress', "home[1].region", "mean '610926101001'"),
        ('gateway = "gw-0001"', 'gateway = "gw-001"', "home[1].device[1].gateway", "gw-0001"),
        ('kind = "sos"', 'kind = "soss"', "home[1].device[1].kind", "sos"),
        ('device = "button-0001"', 'device = "床头"', "home[1].device[1].device", "A-Z"),
        ('sex = "F"', 'sex = "female"', "person[1].sex", "F"),
        ('born = "1948-02-29"', 'born = "1949-02-29"', "person[1].born", "not a date"),
        ('"独居"', '"独巨"', "person[1].categories", "独居"),
        ('grade = "中度"', 'grade = "中等"', "person[1].grade", "中度"),
        ('conditions = ["高血压"]', "conditions = [1]", "person[1].conditions", "strings"),
        ('phone = "13800000001"', f'phone = "{"1" * 33}"', "person[1].phone", "32"),
        ('name = "何桂英"', f'name = "{"何" * 501}"', "person[1].name", "500"),
        ('name = "何桂英"', 'name = "\\u0000"', "person[1].name", "NUL"),
        ('name = "何桂英"\n', "", "person[1].name", "missing"),
        ("lat = 32.4", 'lat = "north"', "home[1].lat", "str"),
        ('parent = "610926"', 'parent = "610927"', "region", "610926101001"),
        ('code = "610926"', 'code = "610926101001"', "region", "there twice"),
        ('id = "home-0001"', 'id = "home 1"', "home[1].id", "A-Z"),
        ("[[region]]\ncode", "[region]\ncode", "homes.toml", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_named(old: str, new: str, place: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as refusal:
        parse(GOOD.replace(old, new, 1))
    assert place in str(refusal.value)
    assert says in str(refusal.value)


@pytest.mark.parametrize("table", ["gateway", "home", "home.person", "home.device"])
def test_nothing_is_there_twice(table: str) -> None:
    start = GOOD.index(f"[[{table}]]")
    ends = [at for at in (GOOD.find("[[", start + 2),) if at > 0] or [len(GOOD)]
    with pytest.raises(ConfigError, match="there twice"):
        parse(GOOD[: ends[0]] + GOOD[start : ends[0]] + GOOD[ends[0] :])


def test_a_circle_of_regions_ends() -> None:
    circle = GOOD.replace('level = "county"', 'level = "county"\nparent = "610926101001"')
    with pytest.raises(ConfigError, match="circular"):
        parse(circle)


def test_contacts_have_an_end() -> None:
    one = GOOD[GOOD.index("[[home.person.contacts]]") : GOOD.index("[[home.device]]")]
    with pytest.raises(ConfigError, match=f"at most {CONTACTS_MAX}"):
        parse(GOOD.replace(one, one * (CONTACTS_MAX + 1)))
