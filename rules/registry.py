"""Every rule kind, by the name that `kind = "…"` in rules.toml uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rules.kinds.activation import Activation
from rules.kinds.blood_pressure import BloodPressure
from rules.kinds.gateway_silent import GatewaySilent
from rules.kinds.glucose import Glucose
from rules.kinds.no_sign_of_life import NoSignOfLife
from rules.kinds.oximetry import Oximetry
from rules.kinds.pulse import PulseKind
from rules.kinds.sos import Sos
from rules.kinds.temperature import Temperature
from rules.kinds.weight import Weight
from rules.rule import RuleKind

RULE_KINDS: Final[Mapping[str, RuleKind]] = MappingProxyType(
    {
        "activation": Activation(),
        "blood_pressure": BloodPressure(),
        "gateway_silent": GatewaySilent(),
        "glucose": Glucose(),
        "no_sign_of_life": NoSignOfLife(),
        "oximetry": Oximetry(),
        "pulse": PulseKind(),
        "sos": Sos(),
        "temperature": Temperature(),
        "weight": Weight(),
    }
)
