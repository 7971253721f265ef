"""What the bridge says of its network: names, models, groups (`bridge/devices`, `bridge/groups`).

Each entry of `bridge/devices` has `friendly_name` and, when the model is known, `definition` with
`model`, `vendor`, `description` and `exposes`; the list is retained and sent whole with each
change. The descriptions of buttons for help say so ("SOS button", "Emergency button"), whatever
words their actions use.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.messages import DEVICES_MAX, clean

# Buttons without a word for help in their actions, made to call for help.
PLAIN_BUTTON_MODELS: Final = frozenset({"HS1EB", "HS1EB-E", "HS1EB-N", "SOS-EF-3.0", "CR11S8UZ"})
# A sleeping pad that reports the bed as a contact: closed is nobody on it.
BED_CONTACT_MODELS: Final = frozenset({"SPM915"})

_FOR_HELP: Final = re.compile(r"\b(sos|emergency|panic)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    calls_for_help: bool


class Network:
    """Names as the bridge last listed them."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}
        self._groups: frozenset[str] = frozenset()

    def model(self, name: str) -> str | None:
        found = self._models.get(name)
        return None if found is None else found.name

    def calls_for_help(self, name: str) -> bool:
        found = self._models.get(name)
        return found is not None and found.calls_for_help

    def is_group(self, name: str) -> bool:
        return name in self._groups and name not in self._models

    def learn_devices(self, devices: Sequence[object]) -> list[dict[str, Any]]:
        """Replaces what was known, so that a renamed device is not two."""
        self._models = {}
        for device in devices[:DEVICES_MAX]:
            if not isinstance(device, dict):
                continue
            name, definition = device.get("friendly_name"), device.get("definition")
            model = _model(definition) if isinstance(definition, dict) else None
            if isinstance(name, str) and model is not None:
                self._models[name] = model
        return [{"device": clean(n), "model": m.name} for n, m in self._models.items()]

    def learn_groups(self, groups: Sequence[object]) -> list[str]:
        tables = [group for group in groups[:DEVICES_MAX] if isinstance(group, dict)]
        found = [group.get("friendly_name") for group in tables]
        self._groups = frozenset(name for name in found if isinstance(name, str))
        return sorted(clean(name) for name in self._groups)


def _model(definition: Mapping[str, Any]) -> Model | None:
    name, description = definition.get("model"), definition.get("description")
    if not isinstance(name, str):
        return None
    named = isinstance(description, str) and _FOR_HELP.search(description) is not None
    # A siren for emergencies has no action; a button has.
    acts = any(
        isinstance(exposed, dict) and exposed.get("property") == "action"
        for exposed in definition.get("exposes") or ()
        if isinstance(definition.get("exposes"), list)
    )
    return Model(name=clean(name), calls_for_help=name in PLAIN_BUTTON_MODELS or (named and acts))
