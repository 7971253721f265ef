"""What lies on a lock screen: enough to act on, nothing to gossip about."""

from zoneinfo import ZoneInfo

import pytest

from alarms.message import SMS_UNITS, decode, encode, sms_parts, sms_units
from alarms.providers.template import WORD_LENGTH_MAX
from alarms.reply_words import Reply, understood
from alarms.telling import QuietHours
from alarms.wording import (
    LANGUAGES,
    NEWS,
    Told,
    alarm_message,
    code_message,
    example_message,
    masked,
)
from rules.registry import RULE_KINDS
from tests.adapters.notices import NOW_MS, message

ZONE = ZoneInfo("Asia/Shanghai")
HEALTH = ("blood_pressure", "glucose", "oximetry", "pulse", "temperature", "weight")


def told(**changes) -> Told:
    fields = {
        "alarm": "a1",
        "number": 12,
        "kind": "sos",
        "severity": "urgent",
        "raised_at_ms": NOW_MS,
        "place": "龙头村",
        "name": "张桂英",
        "again": False,
    }
    return Told(**{**fields, **changes})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*RULE_KINDS, "coverage", "unreadable"])
def test_no_text_says_who_or_what_ails_them(language, kind) -> None:
    made = alarm_message(
        told(kind=kind), language, ZONE, "https://h.example/r/t", "t", replies=True
    )
    everything = " ".join((made.title, made.text, made.short, *made.words.values()))
    assert "桂英" not in everything
    assert "12" in made.short
    if kind in HEALTH:
        others = {
            alarm_message(told(kind=k), language, ZONE, "", "", replies=False).text for k in HEALTH
        }
        assert len(others) == 1


def test_the_short_text_is_one_short_message_and_says_first_what_matters() -> None:
    made = message(kind="sos")
    assert made.short.startswith("【紧急】12号 紧急呼叫 龙头村")
    assert made.link in made.short
    assert sms_units(made.short) <= SMS_UNITS
    assert sms_parts(made.short) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_contact_says_fits_where_again_would_stand(language) -> None:
    seen = set()
    for news in NEWS:
        made = alarm_message(told(news=news, again=True), language, ZONE, "", "", replies=False)
        assert len(made.words["kind"]) <= WORD_LENGTH_MAX
        seen.add((made.text, made.words["kind"]))
    assert len(seen) == len(NEWS)


def test_a_long_link_goes_before_what_happened_does() -> None:
    link = f"https://{'long.' * 12}example/r/0123456789abcdef"
    made = alarm_message(told(), "zh-CN", ZONE, link, "t", replies=True)
    assert "紧急呼叫" in made.short
    assert "龙头村" in made.short
    assert sms_units(made.short) <= SMS_UNITS
    assert link in made.text


def test_parts_of_a_long_text_are_counted_as_the_network_does() -> None:
    assert [sms_parts("守" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]
    assert sms_units("😀") == 2


def test_masks() -> None:
    assert [masked(n) for n in ("", "张", "张伟", "张桂英", "Muster Erika Maria")] == [
        "",
        "张",
        "张*",
        "张**",
        "M***",
    ]


def test_messages_survive_the_table() -> None:
    for made in (message(), code_message("123456", "en"), example_message("zh-CN")):
        assert decode(encode(made)) == made
    with pytest.raises(ValueError, match="not a message"):
        decode('{"kind": 1}')


def test_the_test_says_that_it_is_one() -> None:
    for language in LANGUAGES:
        made = example_message(language)
        assert made.text.startswith("[TEST]")
        assert "[TEST]" in made.words["kind"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 12", ("accept", 12)),
        ("2 12", ("decline", 12)),
        ("1", ("accept", None)),
        (" １　１２号 。", ("accept", 12)),
        ("接单12", ("accept", 12)),
        ("不能去 7", ("decline", 7)),
        ("YES", ("accept", None)),
        ("n, 3", ("decline", 3)),
        ("112", None),
        ("12", None),
        ("1 12 34", None),
        ("1号楼着火了", None),
        ("", None),
        ("TD", None),
        ("1" * 200, None),
        ("3 12", None),
    ],
)
def test_answers_by_short_message(text, wanted) -> None:
    found = understood(text)
    assert found == (None if wanted is None else Reply(answer=wanted[0], number=wanted[1]))


def test_quiet_hours_go_over_midnight() -> None:
    night = QuietHours(from_minute=22 * 60, until_minute=6 * 60 + 30)
    noon_ms = 1_795_363_200_000 // 86_400_000 * 86_400_000 + 4 * 3_600_000  # 12:00 in Shanghai
    hours = [night.at(noon_ms + hour * 3_600_000, ZONE) for hour in range(24)]
    assert hours == [False] * 10 + [True] * 9 + [False] * 5
