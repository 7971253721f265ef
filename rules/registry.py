"""Every rule kind, by the name that `kind = "…"` in rules.toml uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rules.kinds.activation import Activation
from rules.kinds.blood_pressure import BloodPressure
from rules.kinds.gateway_silent import GatewaySilent
from rules.kinds.mains import MainsFeed
from rules.kinds.no_sign_of_life import NoSignOfLife
from rules.kinds.sos import Sos
from rules.rule import RuleKind

RULE_KINDS: Final[Mapping[str, RuleKind]] = MappingProxyType(
    {
        "activation": Activation(),
        "blood_pressure": BloodPressure(),
        "gateway_silent": GatewaySilent(),
        "mains": MainsFeed(),
        "no_sign_of_life": NoSignOfLife(),
        "sos": Sos(),
    }
)
