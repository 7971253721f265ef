"""Every rule kind, by the name that `kind = "…"` in rules.toml uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rules.kinds.activation import Activation
from rules.kinds.blood_pressure import BloodPressure
from rules.kinds.device_fault import DeviceFault
from rules.kinds.device_silent import DeviceSilent
from rules.kinds.gateway_silent import GatewaySilent
from rules.kinds.glucose import Glucose
from rules.kinds.low_battery import LowBattery
from rules.kinds.no_sign_of_life import NoSignOfLife
from rules.kinds.oximetry import Oximetry
from rules.kinds.pulse import PulseKind
from rules.kinds.sos import Sos
from rules.kinds.temperature import Temperature
from rules.kinds.test_due import DueTest
from rules.kinds.weight import Weight
from rules.rule import RuleKind

RULE_KINDS: Final[Mapping[str, RuleKind]] = MappingProxyType(
    {
        "activation": Activation(),
        "blood_pressure": BloodPressure(),
        "device_fault": DeviceFault(),
        "device_silent": DeviceSilent(),
        "gateway_silent": GatewaySilent(),
        "glucose": Glucose(),
        "low_battery": LowBattery(),
        "no_sign_of_life": NoSignOfLife(),
        "oximetry": Oximetry(),
        "pulse": PulseKind(),
        "sos": Sos(),
        "temperature": Temperature(),
        "weight": Weight(),
        "test_due": DueTest(),
    }
)
