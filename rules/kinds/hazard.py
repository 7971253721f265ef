"""Smoke, gas, carbon monoxide or water: a detector of the house went off.

Sees: items of the kinds in `listens_to`: `smoke`, `leak`, and `gas`, as which detectors of carbon
monoxide come that only say "alarm"; one configured rule for each, so that a site can join or split
them. The same words as a call button: `press`, `hold` or none raise, `test` is technical, `clear`
tells that the device sees the cause gone (and closes nothing by itself).

Can't see: what the detector doesn't; carbon monoxide in figures is the rule `carbon_monoxide`.

Defaults: smoke and gas are urgent, a leak is to be watched. Older than two minutes on arrival is
marked late.

Sources: the promise of this system (design, section 4); detectors' own standards set their limits.
"""

from dataclasses import dataclass

from rules.detecting import DetectorKind, DetectorParams


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardParams(DetectorParams):
    listens_to: tuple[str, ...] = ("gas", "leak", "smoke")


class Hazard(DetectorKind):
    """The rule kind `hazard`."""

    name = "hazard"
    formerly = frozenset({"activation"})
    params = HazardParams
