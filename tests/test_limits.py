"""`docs/limits.md` names caps and tests that exist."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "limits.md"
NO_CONSTANT = {"the hub's disk"}


def table_rows() -> list[tuple[str, str, str, str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in cells if len(row) == 4 and row[0] != "queue"]


@pytest.mark.parametrize("row", table_rows(), ids=lambda row: row[0])
def test_a_row_of_the_limits_is_true(row: tuple[str, str, str, str]) -> None:
    queue, caps, policy, test = row
    named = re.findall(r"`([a-z_.]+)\.([A-Z_]+)`", caps)
    assert named or queue in NO_CONSTANT
    for module, name in named:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
    assert policy
    path, _, function = test.strip("`").partition("::")
    text = (ROOT / path).read_text()
    assert not function or re.search(rf"^(async )?def {function}\(", text, re.MULTILINE), test


def test_every_cap_of_a_queue_is_on_the_page() -> None:
    """A new `QUEUE_MAX` or `INBOX_MAX` needs its row."""
    rooms = ("gateway", "ingest", "ledger", "alarms", "hearthwatch", "dashboard")
    found = set()
    for path in (path for room in rooms for path in (ROOT / room).rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        for name in re.findall(r"^(\w*(?:QUEUE|INBOX)_MAX)\b", path.read_text(), re.MULTILINE):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found.add(f"{module}.{name}")
    text = PAGE.read_text()
    assert {name for name in found if f"`{name}`" not in text} == set()
    assert len(found) > 5
