"""The [[output]] tables of gateway.toml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from contract.config import ConfigError, check_keys, get, name_of, one_of
from contract.ids import is_name
from gateway.output import OCCASIONS, BoundOutput, OccasionName
from gateway.output_registry import OUTPUTS

# A gateway serves some homes with a siren each; every one may answer at the same time.
OUTPUTS_MAX: Final = 32
_KEYS: Final = ("name", "kind", "on", "devices", "config")


def outputs(document: Mapping[str, Any], where: str, base: Path) -> tuple[BoundOutput, ...]:
    """ConfigError names the wrong key; names are each used once."""
    tables = get(document, "output", list, where, [])
    if len(tables) > OUTPUTS_MAX:
        raise ConfigError(f"{where}: output", f"{len(tables)} outputs, at most {OUTPUTS_MAX}")
    found = tuple(
        _output(table, f"{where}: output {number}", base) for number, table in enumerate(tables, 1)
    )
    names = [bound.name for bound in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{where}: output {twice}", "two outputs have this name")
    return found


def _output(table: object, where: str, base: Path) -> BoundOutput:
    if not isinstance(table, dict):
        raise ConfigError(where, "expected a table")
    check_keys(table, _KEYS, where)
    spec = OUTPUTS[one_of(get(table, "kind", str, where), OUTPUTS, f"{where}.kind")]
    name = name_of(table, "name", where, spec.name)
    on = get(table, "on", list, where, list(spec.usual))
    for word in on:
        one_of(str(word), OCCASIONS, f"{where}.on")
    devices = get(table, "devices", list, where, [])
    if not all(isinstance(device, str) and is_name(device) for device in devices):
        raise ConfigError(f"{where}.devices", "expected names of devices")
    output = spec.build(get(table, "config", dict, where, {}), f"{where}.config", base)
    return BoundOutput(
        name=name,
        on=cast("list[OccasionName]", on),
        devices=frozenset(devices),
        output=output,
    )
