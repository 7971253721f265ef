"""That a driver is one file, one line and its cases: shown on the example of CONTRIBUTING.md; and a
rule kind as well."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = "ld2410"
# The file, the line, the cases; and words for people.
ITS_OWN = {
    f"gateway/drivers/{NAME}.py",
    "gateway/registry.py",
    f"tests/vectors/{NAME}.json",
    f"tests/gateway/drivers/test_{NAME}.py",
}
DOCUMENTS = {"README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/devices.md"}
DOCUMENTS |= {"docs/fuzzing.md"}
# Tests about documents and about this rule.
ABOUT = {"tests/ops/test_one_file_one_line.py", "tests/gateway/drivers/test_devices_document.py"}


def test_nothing_else_knows_the_driver() -> None:
    done = subprocess.run(
        ["git", "grep", "-il", NAME], cwd=ROOT, capture_output=True, text=True, check=True
    )
    knowing = set(done.stdout.split())
    assert knowing >= ITS_OWN
    assert knowing - DOCUMENTS - ABOUT == ITS_OWN


def test_the_registry_has_it_in_one_line_and_an_import() -> None:
    text = (ROOT / "gateway" / "registry.py").read_text()
    assert re.findall(rf".*{NAME}.*", text) == [f"    {NAME},", f'        "{NAME}": {NAME}.SPEC,']


def test_a_rule_kind_is_a_file_a_line_and_a_folder_of_stories() -> None:
    """And words: its defaults in default.toml, the catalogues, the pages written from it."""
    kind = "meter_dead"
    done = subprocess.run(
        ["git", "grep", "-il", kind], cwd=ROOT, capture_output=True, text=True, check=True
    )
    stories = {p for p in done.stdout.split() if p.startswith(f"tests/rules/kinds/{kind}/")}
    words = {"rules/default.toml", "docs/rule-kinds.md", "README.md", "README.zh-CN.md"}
    words |= {
        f"dashboard/web/src/locales/{name}.json"
        for name in ("zh-CN", "en", "rules.zh-CN", "rules.en")
    }
    words |= {"ledger/documents/words.py"}
    own = {f"rules/kinds/{kind}.py", "rules/registry.py"}
    # A replay shows every reading to kinds that it doesn't know, and is quicker for some it does.
    quicker = {"hearthwatch/backtest/played_power.py", "tests/hearthwatch/test_play.py"}
    quicker |= {"tests/rules/test_asleep.py"}
    told = {"tests/ops/test_one_file_one_line.py", "CHANGELOG.md", "docs/rules.md"}
    told |= {"docs/performance.md"}
    # Where the home's meter is chosen, the dead one is left to it.
    told |= {"rules/mains.py", "rules/kinds/mains.py"}
    # A state that an earlier program wrote of a whole home names every rule it had.
    told |= {
        f"tests/rules/former_states/mains_{version}.json"
        for version in ("2", "3", "3_40_days", "3_of_8")
    }
    assert stories
    assert set(done.stdout.split()) - stories - words - told - quicker == own
    line = (ROOT / "rules" / "registry.py").read_text().count(kind)
    assert line == len(["import", "entry"])


def test_contributing_shows_the_spec_as_it_is() -> None:
    source = (ROOT / "gateway" / "drivers" / f"{NAME}.py").read_text()
    spec = source[source.index("SPEC: Final") :].rstrip()
    shown = "\n".join(f"   {line}" if line else "" for line in spec.splitlines())
    assert shown in (ROOT / "CONTRIBUTING.md").read_text()
