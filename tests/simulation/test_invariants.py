"""The list of what must hold names only what there is, and names something for each."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = re.compile(r"`(tests/[\w/.]+)(?:::([\w.]+))?`")


def listed() -> dict[int, list[tuple[str, str]]]:
    text = (ROOT / "docs/simulation.md").read_text(encoding="utf-8")
    section = text.split("## The list that it is held to", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (\d+) [^|]+\|([^|]+)\|$", section, re.MULTILINE)
    return {int(number): PLACE.findall(places) for number, places in rows}


def names_of(path: Path) -> set[str]:
    """Functions, and methods as Class.method."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = [f for f in node.body if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {f"{node.name}.{f.name}" for f in inner}
    return names


def test_each_of_the_22_is_looked_at() -> None:
    found = listed()
    assert sorted(found) == list(range(1, 23))
    assert all(found.values())


def test_what_looks_at_them_exists() -> None:
    for number, places in listed().items():
        for path, name in places:
            assert (ROOT / path).exists(), (number, path)
            assert not name or name in names_of(ROOT / path), (number, path, name)
