"""The languages of the page: the same keys, nothing said outside them, a word for all."""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import pytest

from alarms.lifecycle import HUMAN_OUTCOMES, AlarmState, Outcome, TaskState
from alarms.registry import NOTIFIERS
from alarms.wording import kind_word
from contract.kinds import KINDS
from dashboard.audit_words import ACTIONS
from dashboard.export_registry import SUBJECTS
from dashboard.permissions import ROLES
from dashboard.signing_in.api_tokens import offered
from ledger.assessment.criteria import MEASURES
from ledger.documents import words as document_words
from rules.kind_facts import PARTS, parameters
from rules.registry import RULE_KINDS
from tests.web.asked_by_data import BY_DATA, KEY_NAMES

SRC: Final = Path(__file__).resolve().parents[2] / "dashboard" / "web" / "src"
RULES: Final = Path(__file__).resolve().parents[2] / "rules"
CHINESE: Final = re.compile(r"[\u3400-\u9fff]")


def catalogue(name: str) -> dict[str, str]:
    return json.loads((SRC / "locales" / f"{name}.json").read_text(encoding="utf-8"))


# The words of the pages about rules, about signing in and of an office are files of their own,
# loaded with them.
ABOUT: Final = "about."
PARTS_APART: Final = ("office", "rules", "security")


def whole(language: str) -> dict[str, str]:
    parts = (catalogue(f"{part}.{language}") for part in PARTS_APART)
    return {key: text for words in (catalogue(language), *parts) for key, text in words.items()}


ZH: Final = whole("zh-CN")
EN: Final = whole("en")


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(SRC.rglob("*")):
        if path.suffix in (".ts", ".svelte"):
            yield path.relative_to(SRC).as_posix(), path.read_text(encoding="utf-8")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("part", ["", *(f"{part}." for part in PARTS_APART)])
def test_no_key_stands_twice(part: str, language: str) -> None:
    """JSON would take the last and say nothing."""
    text = (SRC / "locales" / f"{part}{language}.json").read_text(encoding="utf-8")
    keys = json.loads(text, object_pairs_hook=lambda pairs: [key for key, _text in pairs])
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("part", PARTS_APART)
def test_the_words_apart_hide_none_of_the_page(language: str, part: str) -> None:
    assert not catalogue(language).keys() & catalogue(f"{part}.{language}").keys()


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_every_rule_kind_is_described_for_people(name: str) -> None:
    """In a line and in four parts; its docstring is for who reads the code."""
    for part in PARTS.values():
        assert CHINESE.search(ZH[f"{ABOUT}{name}.{part}"])
        assert EN[f"{ABOUT}{name}.{part}"]
    assert f"finds.{name}" in EN


def test_no_kind_is_described_that_is_gone() -> None:
    known = {f"{ABOUT}{name}.{part}" for name in RULE_KINDS for part in PARTS.values()}
    assert not {key for key in ZH if key.startswith(ABOUT)} - known


def test_no_text_has_words_of_code() -> None:
    """Names of fields, settings and modules: `limit_w`, attrs.user, rules.mains."""
    code = re.compile(r"`|\w_\w|\b(?:attrs|rules|values)[.]\w|\w\(\)")
    said = {(k, re.sub(r"[{]\w+[}]", "", text)) for of in (ZH, EN) for k, text in of.items()}
    # One names a file that an administrator copies.
    assert {key for key, text in said if code.search(text)} <= {"try.whole_set"}


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_every_parameter_has_a_name(name: str) -> None:
    names = {p["name"] for p in parameters(RULE_KINDS[name])}
    assert not {n for n in names if not {f"param.{name}.{n}", f"param.{n}"} & ZH.keys()}


def test_both_languages_have_the_same_keys() -> None:
    assert set(ZH) == set(EN)
    assert all(ZH.values())
    assert all(EN.values())


@pytest.mark.parametrize("key", sorted(ZH))
def test_both_texts_ask_for_the_same_values(key: str) -> None:
    english = EN[key].split("|")
    assert len(english) <= 2
    for form in english:
        assert placeholders(form) == placeholders(ZH[key])


def test_chinese_is_chinese_and_english_is_not() -> None:
    chinese = {k for k, text in EN.items() if CHINESE.search(text)}
    assert chinese == {"language.other"}
    latin = {k for k, text in ZH.items() if not CHINESE.search(text)}
    # Values with marks between them.
    marks = {
        "chart.unit",
        "list.part",
        "list.separator",
        "span.pair",
        "try.param",
        "params.range",
        "preview.line",
        "try.change",
        "visit.change",
        "audit.thing",
        "exports.decided",
        "looks.what",
        "audit.account_of",
        "departments.between",
        "rota_history.shift",
        "tokens.scope",
    }
    assert latin <= {"language.other", *marks}


def test_every_key_asked_for_exists() -> None:
    missing = {
        (name, key)
        for name, text in sources()
        for key in re.findall(r'\bt\(\s*"([^"]+)"', text)
        if key not in ZH
    }
    assert not missing


def test_every_key_is_used() -> None:
    text = "\n".join(text for _, text in sources())
    made = ("action.", "round.", "done.task_", "handing.", "task.move", "visit.text.")
    unused = {key for key in ZH if f'"{key}"' not in text and not key.startswith((*BY_DATA, *made))}
    assert not unused


def test_nothing_is_said_outside_the_catalogues() -> None:
    found = []
    for name, text in sources():
        if CHINESE.search(text):
            found.append((name, "Chinese"))
        if not name.endswith(".svelte"):
            continue
        markup = re.sub(r"<(script|style)[^>]*>.*?</\1>|<!--.*?-->", "", text, flags=re.S)
        while (shorter := re.sub(r"\{[^{}]*\}", "", markup)) != markup:
            markup = shorter
        words = set(re.findall(r"[A-Za-z]{2,}", " ".join(re.findall(r">([^<>]*)<", markup))))
        found += [(name, word) for word in words - KEY_NAMES]
        found += [(name, said) for said in re.findall(r'(?:title|placeholder|alt)="(\w+)"', markup)]
    assert not found


def test_everything_the_hub_says_has_a_word() -> None:
    wanted = {f"state.{s}" for s in AlarmState} | {f"task_state.{s}" for s in TaskState}
    wanted |= {f"outcome.{o}" for o in Outcome} | {f"role.{r}" for r in ROLES}
    wanted |= {f"kind.{kind}" for kind in KINDS}
    wanted |= {f"field.{value}" for spec in KINDS.values() for value in spec.values}
    assert not wanted - set(ZH)


def test_no_category_is_called_like_a_grade() -> None:
    """A person may have both: side by side they would be one word twice."""
    for words in (ZH, EN):
        tags = [
            text for key, text in words.items() if key.startswith(("category_tag.", "grade_tag."))
        ]
        assert len(set(tags)) == len(tags)


def test_a_measure_is_called_as_its_criterion() -> None:
    said = {name: (ZH[f"measure.{name}"], EN[f"measure.{name}"]) for name in MEASURES}
    assert said == dict(MEASURES)
    assert {key for key in ZH if key.startswith("lost.")} == {f"lost.{name}" for name in MEASURES}


def test_whatever_a_program_may_be_allowed_has_words() -> None:
    split = [scope.split(".") for role in ROLES for scope in offered(role)]
    needed = {f"scope_subject.{subject}" for subject, _ in split}
    needed |= {f"scope_verb.{verb}" for _, verb in split}
    assert needed <= set(ZH)


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh-CN", "en"])
def test_no_two_tags_of_a_person_are_called_alike(words: Mapping[str, str]) -> None:
    tags = [text for key, text in words.items() if key.startswith(("category_tag.", "grade_tag."))]
    assert len(set(tags)) == len(tags)


def test_everything_that_can_be_exported_has_a_word() -> None:
    named = {key for key in ZH if key.startswith("export_subject.")}
    assert named == {f"export_subject.{name}" for name in SUBJECTS}


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("kind", document_words.KINDS),
        ("severity", document_words.SEVERITIES),
        ("state", document_words.ALARM_STATES),
        ("outcome", document_words.OUTCOMES),
        ("task_kind", document_words.TASK_KINDS),
        ("task_state", document_words.TASK_STATES),
        ("stay_kind", document_words.STAYS),
        ("proof", document_words.PROOFS),
    ],
)
def test_paper_says_what_the_page_says(prefix: str, words: Mapping[str, str]) -> None:
    page = {k.split(".", 1)[1]: v for k, v in ZH.items() if k.startswith(f"{prefix}.")}
    assert dict(words) == page


def test_the_trail_is_called_alike_on_the_page_and_in_its_table() -> None:
    page = {k.split(".", 1)[1]: v for k, v in ZH.items() if k.startswith("audit_action.")}
    assert page == dict(ACTIONS)


def test_every_channel_and_word_of_a_notification_has_a_word() -> None:
    people = [name for name, spec in NOTIFIERS.items() if spec.form is not None]
    assert not {f"channel.{name}" for name in people} - set(ZH)
    words = {kind_word(kind, "urgent") for kind in RULE_KINDS}
    words |= {kind_word("", severity) for severity in ("urgent", "watch", "technical")}
    assert not {f"reply_word.{word}" for word in words} - set(ZH)


def reasons() -> Iterator[type[StrEnum]]:
    """Every enum of reasons in the rules' room."""
    for path in sorted(RULES.rglob("*.py")):
        name = ".".join(path.relative_to(RULES.parent).with_suffix("").parts)
        things = vars(importlib.import_module(name)).values()
        enums = [t for t in things if isinstance(t, type) and issubclass(t, StrEnum)]
        yield from (enum for enum in enums if enum.__module__ == name)


@pytest.mark.parametrize("enum", list(reasons()), ids=lambda enum: enum.__name__)
def test_every_reason_of_a_rule_has_a_word(enum: type[StrEnum]) -> None:
    groups = ("reason", "opinion", "found_out")
    silent = [r for r in enum if not any(f"{group}.{r}" in ZH for group in groups)]
    assert not silent


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_every_rule_kind_has_its_words(name: str) -> None:
    assert f"finds.{name}" in ZH
    assert f"kind.{name}" in ZH


def test_outcomes_offered_are_those_a_human_may_choose() -> None:
    text = (SRC / "lib" / "alarm_types.ts").read_text(encoding="utf-8")
    listed = re.search(r"OUTCOMES = \[(.*?)\]", text, flags=re.S)
    assert listed is not None
    offered = set(re.findall(r'"(\w+)"', listed[1]))
    assert offered == {str(o) for o in HUMAN_OUTCOMES}
