"""Every rule kind, by the name that `kind = "…"` in rules.toml uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rules.kinds.activation import Activation
from rules.kinds.back_early import BACK_EARLY
from rules.kinds.bed_absence import BED_ABSENCE
from rules.kinds.blood_pressure import BloodPressure
from rules.kinds.carbon_monoxide import CARBON_MONOXIDE
from rules.kinds.device_fault import DeviceFault
from rules.kinds.device_silent import DeviceSilent
from rules.kinds.fall import Fall
from rules.kinds.gateway_silent import GatewaySilent
from rules.kinds.glucose import Glucose
from rules.kinds.hazard import Hazard
from rules.kinds.jammed_button import JAMMED_BUTTON
from rules.kinds.load_left_on import LOAD_LEFT_ON
from rules.kinds.low_battery import LowBattery
from rules.kinds.mains import MainsFeed
from rules.kinds.meter_dead import METER_DEAD
from rules.kinds.movements import MovementsFeed
from rules.kinds.night_activity import NIGHT_ACTIVITY
from rules.kinds.no_sign_of_life import NoSignOfLife
from rules.kinds.not_up_yet import NOT_UP_YET
from rules.kinds.overload import OVERLOAD
from rules.kinds.oximetry import Oximetry
from rules.kinds.profile_change import PROFILE_CHANGE
from rules.kinds.pulse import PulseKind
from rules.kinds.sos import Sos
from rules.kinds.temperature import Temperature
from rules.kinds.test_due import DueTest
from rules.kinds.village_dark import VILLAGE_DARK
from rules.kinds.weight import Weight
from rules.rule import RuleKind

RULE_KINDS: Final[Mapping[str, RuleKind]] = MappingProxyType(
    {
        "activation": Activation(),
        "back_early": BACK_EARLY,
        "bed_absence": BED_ABSENCE,
        "blood_pressure": BloodPressure(),
        "carbon_monoxide": CARBON_MONOXIDE,
        "device_fault": DeviceFault(),
        "device_silent": DeviceSilent(),
        "fall": Fall(),
        "gateway_silent": GatewaySilent(),
        "glucose": Glucose(),
        "hazard": Hazard(),
        "jammed_button": JAMMED_BUTTON,
        "load_left_on": LOAD_LEFT_ON,
        "low_battery": LowBattery(),
        "mains": MainsFeed(),
        "meter_dead": METER_DEAD,
        "movements": MovementsFeed(),
        "night_activity": NIGHT_ACTIVITY,
        "no_sign_of_life": NoSignOfLife(),
        "not_up_yet": NOT_UP_YET,
        "overload": OVERLOAD,
        "oximetry": Oximetry(),
        "profile_change": PROFILE_CHANGE,
        "pulse": PulseKind(),
        "sos": Sos(),
        "temperature": Temperature(),
        "test_due": DueTest(),
        "village_dark": VILLAGE_DARK,
        "weight": Weight(),
    }
)
