"""The parameters of `no_sign_of_life`."""

from dataclasses import dataclass

from rules.params import number
from rules.quiet_limit import SURE_H


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSignOfLifeParams:
    """window_h: seen hours that look empty, a whole day; late_after_min: older readings raise
    nothing; blind_after_min: without readings for so long the state is `cannot_judge`; meter: the
    device to judge by, empty for that of the rule `mains`, which measures most. by_sensors: whether
    sensors make a silence or end one only; sensors_h: hours that it lasts at least by them.
    spent_h: in place of window_h, where that is less, once three alarms of a year were for
    nothing."""

    window_h: int = number(25, 20, 48)
    late_after_min: int = number(120, 20, 1440)
    blind_after_min: int = number(120, 20, 1440)
    meter: str = ""
    by_sensors: bool = True
    sensors_h: int = number(16, 8, 48)
    # Two days: of four tuning homes that had more than three such alarms in a year 48 hours leave
    # two, 40 all four (docs/trials). Whoever lies there is found later, and found.
    spent_h: int = number(48, 20, 72)

    @property
    def hours(self) -> tuple[int, int]:
        """Of one window, and of all that must look empty once the budget is spent."""
        return self.window_h - SURE_H, self.spent_h
