"""docs/journeys.md names tests that exist, and calls "all" what looks at all three sizes."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BROWSER = ROOT / "tests" / "browser"
TEXT = (ROOT / "docs" / "journeys.md").read_text()
# What a test says that brings a page to all three sizes, or runs at each.
ALL_SIZES = re.compile(r"\b(at_every_size|every_size|open_faults|SIZES|VIEWPORTS|TABLET)\b")
SIZES = {"all", "desk", "phone"}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("|") and "`" in line
]


@cache
def sources_in(file: Path) -> dict[str, str]:
    """The source of each test, its marks included."""
    text = file.read_text()
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found[node.name] = "\n".join(map(ast.unparse, (*node.decorator_list, *node.body)))
    return found


def named(cell: str) -> list[tuple[Path, str]]:
    found = re.findall(r"`([\w./]+)::(\w+)`", cell)
    return [((ROOT if "/" in file else BROWSER) / file, test) for file, test in found]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_journey_is_shown(row: list[str]) -> None:
    _journey, shown_by, sizes = row
    assert named(shown_by), "by which test?"
    assert sizes in SIZES
    sources = []
    for file, test in named(shown_by):
        assert file.is_file(), f"there is no {file.name}"
        assert test in sources_in(file), f"{file.name} has no {test}"
        sources.append(sources_in(file)[test])
    if sizes == "all":
        assert any(ALL_SIZES.search(source) for source in sources), "no test of it has all sizes"
