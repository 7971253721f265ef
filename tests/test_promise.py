"""`docs/promise.md` names tests and commands that exist, and results that can be read."""

import re
from pathlib import Path

import pytest

from docs.promises import PROMISES, RESULTS, Fault
from tests.results import read_result

ROOT = Path(__file__).resolve().parents[1]
FAULTS = [(number, f) for number, p in enumerate(PROMISES, start=1) for f in p.faults]


@pytest.mark.parametrize(("number", "fault"), FAULTS, ids=[f"{n} {f.name}" for n, f in FAULTS])
def test_what_a_promise_is_shown_by_is_there(number: int, fault: Fault) -> None:
    assert fault.tests
    assert fault.bound
    for test in fault.tests:
        path, _, function = test.partition("::")
        text = (ROOT / path).read_text()
        pattern = rf"^(async )?def {function or 'test_.*'}\("
        assert re.search(pattern, text, re.MULTILINE), test
    if fault.command:
        program, target, *_ = fault.command.split()
        assert program == "./dev"
        assert re.search(rf"^  ./dev {target} ", (ROOT / "dev").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.name)
def test_a_kept_result_has_every_field(path: Path) -> None:
    found = read_result(path)
    assert found["command"].startswith("./dev ")
    assert "/tmp" not in path.read_text()


def test_a_result_without_a_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"command": "./dev sim", "commit": "c", "date": "d", "machine": "m"}')
    with pytest.raises(ValueError, match="no versions, seed, counts"):
        read_result(path)
