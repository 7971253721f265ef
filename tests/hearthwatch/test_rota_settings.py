"""[rota] of hub.toml: when a gap is told."""

from pathlib import Path

import pytest

from contract.config import ConfigError
from hearthwatch.hub_config import load


def hub_toml(folder: Path, rota: str) -> Path:
    path = folder / "hub.toml"
    path.write_text(f'data_dir = "hub"\n{rota}\n')
    return path


@pytest.mark.parametrize(
    ("rota", "hours"),
    [
        ("", (12.0, 2.0)),
        ("[rota]\nwarn_hours = [24, 1.5]", (24.0, 1.5)),
        ("[rota]\nwarn_hours = [6]", (6.0,)),
    ],
)
def test_hours_before_a_gap(tmp_path: Path, rota: str, hours: tuple[float, ...]) -> None:
    assert load(hub_toml(tmp_path, rota)).rota_warn_hours == hours


@pytest.mark.parametrize(
    "rota",
    [
        "[rota]\nwarn_hours = []",
        "[rota]\nwarn_hours = [0]",
        "[rota]\nwarn_hours = [12, 2, 1]",
        "[rota]\nwarn_hours = [true]",
        "[rota]\nwarn_hours = [999]",
        "[rota]\nwarn_hours = 12",
        "[rota]\nwarnhours = [12]",
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, rota: str) -> None:
    with pytest.raises(ConfigError, match="rota"):
        load(hub_toml(tmp_path, rota))
