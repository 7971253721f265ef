"""[visits] of hub.toml: when somebody looks again where nobody was met."""

from pathlib import Path

import pytest

from contract.config import ConfigError
from hearthwatch.hub_config import load
from ledger.visits import NOBODY_MET_DAYS
from tests.hearthwatch.test_rota_settings import hub_toml


@pytest.mark.parametrize(
    ("visits", "days"),
    [
        ("", NOBODY_MET_DAYS),
        ("[visits]\nnobody_met_days = 0", 0),
        ("[visits]\nnobody_met_days = 7", 7),
    ],
)
def test_days_until_somebody_looks_again(tmp_path: Path, visits: str, days: int) -> None:
    assert load(hub_toml(tmp_path, visits)).nobody_met_days == days


@pytest.mark.parametrize("value", ["-1", "91", "1.5", "true", '"2"'])
def test_what_makes_no_sense_is_named(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="nobody_met_days"):
        load(hub_toml(tmp_path, f"[visits]\nnobody_met_days = {value}"))
