"""Tests as documents name them: `tests/…/test_x.py` or `tests/…/test_x.py::test_y`."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = re.compile(r"tests/[\w/.-]+(?:::\w+)?")


def missing(names: str) -> list[str]:
    """Those of a text that don't exist; also where it names none."""
    found = NAME.findall(names)
    return [name for name in found if not exists(name)] or ([] if found else ["none is named"])


def exists(name: str) -> bool:
    path, _, function = name.partition("::")
    file = ROOT / path
    if not function:
        return file.exists()
    if not file.is_file():
        return False
    return re.search(rf"^(async )?def {function}\(", file.read_text(), re.MULTILINE) is not None
