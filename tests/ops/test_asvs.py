"""docs/asvs.csv: every requirement of ASVS 5.0 up to level 2 once, with its state; whatever it
names exists.

States: `met` has a test that shows it; `read` is so by reading the code, its tests show only some
of it; `part` and `open` say what is missing; what does not apply says why.
"""

import csv
import hashlib
import re
from collections import Counter

import pytest

from tests.ops.named_tests import ROOT, missing

PAGE = ROOT / "docs" / "asvs.csv"
COLUMNS = ["id", "level", "requirement", "applies", "state", "where_or_why", "tests"]
# As the standard's own table of 5.0.0 counts them.
IDS_SHA256 = "fdfef32364aac864"
BY_LEVEL = {"1": 70, "2": 183}
PATH = re.compile(r"\b(?:docs|dashboard|alarms|ledger|ingest|deploy|hearthwatch)/[\w/.-]+\w")
STATES = {"met", "read", "part", "open"}


def rows() -> list[dict[str, str]]:
    with PAGE.open(newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def test_every_requirement_is_there_once() -> None:
    ids = [row["id"] for row in rows()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"V\d{1,2}\.\d{1,2}\.\d{1,2}", one) for one in ids)
    assert dict(Counter(row["level"] for row in rows())) == BY_LEVEL
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest().startswith(IDS_SHA256)
    order = [tuple(int(part) for part in one[1:].split(".")) for one in ids]
    assert order == sorted(order)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_a_row_says_what_is_true(row: dict[str, str]) -> None:
    assert row["requirement"]
    assert row["where_or_why"], "where it is, or why it is not"
    if row["applies"] == "no":
        assert (row["state"], row["tests"]) == ("", "")
        return
    assert row["applies"] == "yes"
    assert row["state"] in STATES
    if row["state"] == "met":
        assert row["tests"], "what is met has a test"
    if row["tests"]:
        assert missing(row["tests"]) == []
    for path in re.findall(
        r"\b(?:docs|dashboard|alarms|ledger|ingest|deploy|hearthwatch)/[\w/.-]+\w",
        row["where_or_why"],
    ):
        assert (ROOT / path).exists(), path


def test_the_summary_of_the_page_is_that_of_the_table() -> None:
    counted = Counter(row["state"] or "does not apply" for row in rows())
    text = (ROOT / "docs" / "security.md").read_text()
    [said] = re.findall(r"<!-- asvs -->(.+)", text)
    for state, number in counted.items():
        assert f"{number} {state}" in said
