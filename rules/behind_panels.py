"""A home whose panels have a meter of their own: judged by what it uses. Pure.

    main meter      energy_kwh: taken, reverse_energy_kwh: given  \\
                                                                    > used -> quarter-hours
    panels' meter   energy_kwh: made                              /

Until all three registers have been heard together the home is judged by what it takes, as any
other; stored readings, which don't say what was given, are told again so. From then on it is what
it uses or nothing: what was learned of the one says nothing of the other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rules.mains import Mains
from rules.metering import Gap, Meter, Slot
from rules.rule import Observation
from rules.used_energy import UsedEnergy

GIVEN: Final = "reverse_energy_kwh"


class BehindPanels(Mains):
    """panels: the device that counts what they make; it never speaks for the home. used: whether
    the home is judged by what it uses."""

    __slots__ = ("_energy", "panels", "used")

    def __init__(
        self, chosen: str, panels: str, make_meter: Callable[[str], Meter] = lambda _device: Meter()
    ) -> None:
        super().__init__(chosen, make_meter)
        self.panels = panels
        self.used = False
        self._energy = UsedEnergy()

    @property
    def meter(self) -> Meter | None:
        return self._energy.meter if self.used else super().meter

    def read(self, observation: Observation, at_ms: int) -> Sequence[Slot | Gap] | None:
        shown_kwh, device = observation.values.get("energy_kwh"), observation.device
        taken: Sequence[Slot | Gap] | None = None
        done: Sequence[Slot | Gap] = ()
        if device == self.panels:
            if shown_kwh is not None:
                done = self._energy.panels(at_ms, shown_kwh)
        else:
            taken = super().read(observation, at_ms)
            given_kwh = _given(observation)
            if device == self.primary and shown_kwh is not None and given_kwh is not None:
                done = self._energy.main(at_ms, shown_kwh, given_kwh)
        if not self.used and any(isinstance(part, Slot) for part in done):
            # Of what it takes by day nothing is to be learned any more.
            self.used = self.larger = True
        return (done or None) if self.used else taken

    def dump(self) -> dict[str, Any]:
        used = {"names": [self.primary, self.panels], "known": self.used}
        return {**super().dump(), "used": {**used, "energy": self._energy.dump()}}

    def restore(self, document: Mapping[str, Any]) -> None:
        super().restore(document)
        self.larger = False
        former = document.get("used")
        if former is None:
            return
        self.used = bool(former["known"])
        if "energy" not in former:
            return
        self._energy = UsedEnergy.load(former["energy"])
        if former["names"] != [self.primary, self.panels]:
            # Another meter goes on where this one was: what the home uses stays what it uses.
            self._energy = self._energy.with_others()


def mains_of(chosen: str, panels: str) -> Mains:
    return BehindPanels(chosen, panels) if panels else Mains(chosen)


def _given(observation: Observation) -> float | None:
    said = observation.attrs.get(GIVEN)
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said)
