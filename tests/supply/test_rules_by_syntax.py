"""What semgrep would find is found by every run of the tests."""

from pathlib import Path

import pytest

from tests.supply import semgrep
from tests.supply.locks import ROOT
from tests.supply.rules_by_syntax import Looked, Rule, compiled

RULES = {rule["id"]: Rule(rule) for rule in semgrep.rules()}


@pytest.mark.parametrize(("file", "line", "rule", "bad"), [*semgrep.examples()])
def test_a_rule_finds_what_it_must_and_spares_what_is_good(
    file: str, line: str, rule: str, bad: bool
) -> None:
    assert bool(RULES[rule].findings(Looked(file, line))) == bad


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("certificates-are-checked", "import ssl as s\ncontext.verify_mode = s.CERT_NONE"),
        ("nothing-is-run-that-was-read", "from pickle import loads as read\nread(payload)"),
        ("nothing-is-run-that-was-read", "import os\nasync def f():\n    os.system(text)"),
        ("no-parser-of-xml", "from xml.etree import ElementTree as ET\nET.fromstring(text)"),
        ("statements-are-no-texts-of-others", 'unit.execute("a {}".format(name))'),
    ],
)
def test_by_whatever_name_it_was_imported(rule: str, text: str) -> None:
    assert RULES[rule].findings(Looked("a.py", text))


def test_a_pattern_that_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="not known here"):
        compiled("$X + 1")


def looked_at() -> list[Path]:
    places = [ROOT / name for name in semgrep.LOOKED_AT]
    files = [one for place in places for one in ([place] if place.is_file() else place.rglob("*"))]
    return [
        one
        for one in files
        if (one.suffix in (".py", ".svelte", ".ts") or one.name == "dev")
        and not {"node_modules", "static", "__pycache__"} & set(one.parts)
    ]


def test_nothing_of_the_programs_breaks_a_rule() -> None:
    files = looked_at()
    assert len(files) > 500
    found = []
    for path in files:
        file = Looked(str(path.relative_to(ROOT)), path.read_text())
        lines = file.text.splitlines()
        for rule in RULES.values():
            found += [
                f"{file.path}:{number}: {rule.id}: {rule.message}"
                for number in rule.findings(file)
                if f"nosemgrep: {rule.id}" not in lines[number - 1]
            ]
    assert found == []
