"""The parameters of `no_sign_of_life`."""

from dataclasses import dataclass

from rules.params import number


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSignOfLifeParams:
    """window_h: seen hours that look empty, a whole day; late_after_min: older readings raise
    nothing; blind_after_min: without readings for so long the state is `cannot_judge`; meter: the
    device to judge by, empty for that of the rule `mains`, which measures most. by_sensors: whether
    sensors make a silence or end one only; sensors_h: hours that it lasts at least by them."""

    window_h: int = number(25, 20, 48)
    late_after_min: int = number(120, 20, 1440)
    blind_after_min: int = number(120, 20, 1440)
    meter: str = ""
    by_sensors: bool = True
    sensors_h: int = number(16, 8, 48)
