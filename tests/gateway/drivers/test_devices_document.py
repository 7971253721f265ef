"""docs/devices.md: every example is a gateway.toml that loads."""

import re
import tomllib
from pathlib import Path

import pytest

from gateway.config import load

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "devices.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
HEAD = """gateway = "gw-0001"
data_dir = "data"
[uplink]
host = "hub.example"
"""


def tables(example: str) -> list[dict]:
    """The sources of an example, whatever they are read through."""
    return [table for found in tomllib.loads(example).values() for table in found]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: tables(e)[0]["name"])
def test_an_example_loads(tmp_path, example) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(HEAD + example)
    [source] = load(path).sources
    assert f"`{source.spec.name}`" in TEXT


def test_the_serial_drivers_of_the_document_have_an_example() -> None:
    serial = [table for e in EXAMPLES for table in tomllib.loads(e).get("serial", [])]
    named = {table["driver"] for table in serial}
    assert named == {
        "dlt645",
        "modbus",
        "dsmr",
        "pulse-counter",
        "cms50",
        "ld2410",
        "ev1527",
    }
