"""A first thousand of the requests of `./dev schemathesis`: no fault of the hub, no answer that
differs from the description, none with a mark of somebody else's household."""

from pathlib import Path
from typing import Final

from tests.adapters.access_askers import ASKERS
from tests.openapi.run import run
from tests.openapi.served import serving_county

# Who may little, who may much, and who knows some people alone.
ROLES: Final = frozenset({"auditor", "duty", "visitor"})
SEED: Final = 3


def test_answers_are_as_described_and_of_ones_own_region(tmp_path: Path) -> None:
    askers = [asker for asker in ASKERS if asker.role in ROLES]
    with serving_county(tmp_path) as served:
        found = run(served, askers, 1, SEED)
    # Two of three requests and more ask for something that is there.
    assert found.requests >= len(found.operations) * len(askers)
    assert found.statuses["2xx"] > found.requests // 10
    assert not found.faults, "\n".join(f"{k}: {v}" for k, v in sorted(found.faults.items()))
