"""docs/notice.md names files that exist and every field of the notice's forms."""

import re
from dataclasses import fields
from pathlib import Path

from ledger.forms.person_file import PersonFile
from ledger.forms.visit_form import FIELDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "notice.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`]+)`", PAGE))
PLACES = {
    name for name in NAMED if name.split("/")[0] in ("ledger", "dashboard", "gateway", "tests")
}


def test_what_it_names_is_there() -> None:
    assert len(PLACES) > 30
    assert not [name for name in sorted(PLACES) if not (ROOT / name).exists()]


def test_every_field_of_both_forms_has_its_place() -> None:
    assert not {field.name for field in fields(PersonFile)} - NAMED
    assert not FIELDS - NAMED


def test_every_clause_has_a_test_or_says_why_not() -> None:
    table = PAGE[PAGE.index("## Sections") : PAGE.index("## Annex 1")]
    rows = [line for line in table.splitlines() if line.startswith(("| 二", "| 三", "| 四"))]
    assert len(rows) > 25
    for row in rows:
        assert "`tests/" in row or "not software" in row, row
