"""Every fault that a gateway tells is on one list, and a person can read it in both languages."""

import json
import re
from pathlib import Path

import pytest

from gateway.device_health import FAULTS

ROOT = Path(__file__).resolve().parents[2]
# How faults are written down in the code.
TOLD = re.compile(
    r"""(?:"fault": |_tell\(|_in_trouble\(|\.fault\(\w+, |trouble="?|_fault = )"([a-z_]+)\""""
)


def test_the_list_is_whole() -> None:
    sources = (ROOT / "gateway").rglob("*.py")
    found = {name for path in sources for name in TOLD.findall(path.read_text())}
    assert {"no_data", "spool_damaged", "left_network", "modem_unavailable"} <= found
    assert found <= FAULTS


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_fault_has_a_word(language: str) -> None:
    path = ROOT / "dashboard" / "web" / "src" / "locales" / f"{language}.json"
    words = json.loads(path.read_text())
    assert {fault for fault in FAULTS if f"fault.{fault}" not in words} == set()
