"""docs/attacks.md names tests that exist, and every kind of attack that is to be met."""

import re

import pytest

from tests.ops.named_tests import ROOT, exists, missing

PAGE = ROOT / "docs" / "attacks.md"
KINDS = {
    "lock-out",
    "replay",
    "forged frames",
    "malicious uploads",
    "formulas",
    "oversized",
    "a page of another site",
    "a webhook into our own network",
    "a package that was exchanged",
}


def rows() -> list[tuple[str, str, str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return [(cell[0], cell[1], cell[2]) for cell in cells]


@pytest.mark.parametrize("row", rows(), ids=lambda row: re.sub(r"\W+", "-", row[0])[:40])
def test_each_attack_has_its_guard_and_its_test(row: tuple[str, str, str]) -> None:
    attack, guard, tests = row
    assert attack
    assert guard
    assert missing(tests) == []


def test_every_kind_of_attack_is_on_the_page() -> None:
    named = set(re.findall(r"\*\*([^*]+)\*\*", PAGE.read_text()))
    assert named >= KINDS
    assert len(rows()) > 30


def test_a_test_that_is_not_there_is_seen() -> None:
    assert missing("`tests/ops/test_attacks.py::test_nothing_of_the_kind`")
    assert missing("`tests/ops/test_nothing.py`")
    assert missing("somewhere")
    assert exists("tests/ops/test_attacks.py::test_a_test_that_is_not_there_is_seen")
