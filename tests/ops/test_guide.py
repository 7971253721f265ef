"""The guide's commands, which `./dev units` runs as they are, name what is there."""

import re
from pathlib import Path

import pytest

from tests.units.guide import HEADINGS, blocks

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "deployment.md").read_text()
# Made by the commands themselves, or brought.
MADE = ("dist/", "secrets/", "deploy/secrets/")


@pytest.mark.parametrize("block", blocks(GUIDE), ids=HEADINGS)
def test_files_that_the_commands_take_are_there(block) -> None:
    folder = ROOT
    for line in f"{block.packages}\n{block.rest}".splitlines():
        words = line.split("#", 1)[0].split()
        if words[:1] == ["cd"]:
            folder = ROOT / words[1]
        elif words[:1] == ["install"]:
            given = [word for word in words[1:-1] if "/" in word and not word.startswith(MADE)]
            assert all((folder / word).exists() for word in given), line
        elif "requirements/" in line:
            assert (ROOT / re.findall(r"requirements/\S+", line)[0]).exists(), line


def test_the_network_is_wanted_by_the_first_lines_alone() -> None:
    for block in blocks(GUIDE):
        assert "pip install" in block.packages
        assert "pip install" not in block.rest
        assert "apt-get" not in block.rest
