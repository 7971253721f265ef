"""A detector of any kind went off: the rule `tamper`, and rules of a site's own.

Sees: items of the kinds in `listens_to`. The same words as a call button: `press`, `hold` or none
raise, `test` is technical, `clear` tells that the device sees the cause gone (and closes nothing by
itself). Falls, and what is dangerous in a house, are the kinds `fall` and `hazard`.

Can't see: what the detector doesn't; carbon monoxide in figures is the rule `carbon_monoxide`.

Defaults: tampering is technical. Older than two minutes on arrival is marked late.

Sources: the promise of this system (design, section 4); detectors' own standards set their limits.
"""

from dataclasses import dataclass

from rules.detecting import DetectorKind, DetectorParams


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationParams(DetectorParams):
    listens_to: tuple[str, ...] = ("fall", "gas", "leak", "smoke", "tamper")


class Activation(DetectorKind):
    """The rule kind `activation`."""

    name = "activation"
    params = ActivationParams
