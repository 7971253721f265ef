"""A fall detector went off: worn, on the wall or under the floor.

Sees: items of kind `fall` (`listens_to` may join other detectors to it). The same words as a call
button: `press`, `hold` or none raise, `test` is technical, `clear` tells that the device sees the
cause gone (and closes nothing by itself).

Can't see: a fall that the detector doesn't. One beside the bed at night is for `bed_absence` as
well, one that nobody gets up from for `no_sign_of_life`.

Defaults: urgent, at once and always; older than two minutes on arrival is marked late.

Sources: the promise of this system (design, section 4); detectors' own standards set their limits.
"""

from dataclasses import dataclass

from rules.detecting import DetectorKind, DetectorParams


@dataclass(frozen=True, slots=True, kw_only=True)
class FallParams(DetectorParams):
    listens_to: tuple[str, ...] = ("fall",)


class Fall(DetectorKind):
    """The rule kind `fall`."""

    name = "fall"
    formerly = frozenset({"activation"})
    params = FallParams
