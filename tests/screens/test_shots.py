"""The list of pictures knows every page of the router, and what is wrong with a page is seen."""

import re
from pathlib import Path

import pytest

from tests.screens.looks import wrong
from tests.screens.shots import SHOTS, VISITOR
from tests.screens.stage import LANGUAGES, SIZES, THEMES, catalogue, gather
from tests.screens.taking import chosen, file_name

ROOT = Path(__file__).resolve().parents[2]
ROUTER = ROOT / "dashboard" / "web" / "src" / "lib" / "router.svelte.ts"


def pages_of_the_router() -> set[str]:
    text = ROUTER.read_text(encoding="utf-8")
    union = text[text.index("page:") : text.index("id: string")]
    return set(re.findall(r'"([a-z-]+)"', union))


def test_every_page_of_the_router_has_a_picture() -> None:
    pages = pages_of_the_router()
    assert len(pages) > 30
    assert {shot.page for shot in SHOTS} == pages


def test_names_are_files_of_their_own() -> None:
    names = [shot.name for shot in SHOTS]
    assert len(set(names)) == len(names)
    files = {
        file_name(n, la, t, s) for n in names for la in LANGUAGES for t in THEMES for s in SIZES
    }
    assert len(files) == len(names) * 18


def test_what_is_read_on_a_telephone_is_seen_with_large_letters_too() -> None:
    names = {shot.name for shot in SHOTS}
    visitors = {shot.name for shot in SHOTS if shot.who == VISITOR and not shot.large}
    assert len(visitors) > 10
    assert {f"{name}.large" for name in {*visitors, "enrol", "reply", "family"}} <= names
    assert sum(SHOTS[-1].seen(theme, size) for theme in THEMES for size in SIZES) == 1


def test_some_are_chosen_by_name_or_page() -> None:
    assert {shot.page for shot in chosen("alarm*")} == {"alarm"}
    assert {shot.name for shot in chosen("board.login, sheet")} == {"board.login", "sheet"}
    assert chosen("nothing like it") == []
    assert len(chosen("")) == len(SHOTS)


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Reason: blood_pressure", "en", ["untranslated blood_pressure"]),
        ("alarm.why", "zh-CN", ["untranslated alarm.why"]),
        ("Since {time}", "en", ["'{time}'"]),
        ("undefined min", "en", ["'undefined'"]),
        ("Village 龙头村 五保", "en", ["Chinese 五保"]),
        ("五保", "zh-CN", []),
        ("中文", "en", []),
        ("list.csv", "zh-CN", []),
        ("See rules.toml, write to a.b@alarm.example", "en", []),
    ],
)
def test_what_no_text_may_have_is_found(text: str, language: str, found: list[str]) -> None:
    prefixes = {key.split(".")[0] for key in catalogue(language)}
    assert list(wrong(text, language, "龙头村三组", prefixes)) == found


def test_words_of_the_hub_are_no_data() -> None:
    found: set[str] = set()
    gather({"name": "何桂英", "kind": [{"zh": "独居", "en": "alone"}]}, found)
    assert found == {"何桂英", "alone"}
