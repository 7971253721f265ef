"""Power of one home over one day as a step function, and the energy below it. Pure.

Energy between two moments comes from two look-ups in the summed steps: no walk over seconds, and
what is asked in pieces adds up to what is asked at once.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from device_sims.day import Use

Interval = tuple[int, int]


class Profile:
    """Watts from `from_ms` to `to_ms`: `standing_w` and the uses, nothing while it is dark."""

    def __init__(
        self,
        from_ms: int,
        to_ms: int,
        standing_w: float,
        uses: Iterable[Use],
        dark: Iterable[Interval],
    ) -> None:
        steps: dict[int, float] = {from_ms: standing_w}
        for use in uses:
            start_ms, end_ms = max(use.start_ms, from_ms), min(use.end_ms, to_ms)
            if start_ms < end_ms:
                steps[start_ms] = steps.get(start_ms, 0.0) + use.watts
                steps[end_ms] = steps.get(end_ms, 0.0) - use.watts
        gaps = [(max(a, from_ms), min(b, to_ms)) for a, b in dark if a < to_ms and from_ms < b]
        for gap in gaps:
            for edge_ms in gap:
                steps.setdefault(edge_ms, 0.0)
        self.from_ms = from_ms
        self.to_ms = to_ms
        self._times = sorted(steps)
        # Sums of many differences leave dust behind, and a meter must not run backwards on it.
        self._watts = [
            0.0
            if any(start_ms <= at_ms < end_ms for start_ms, end_ms in gaps)
            else max(0.0, round(watts, 6))
            for at_ms, watts in zip(
                self._times, accumulate(steps[t] for t in self._times), strict=True
            )
        ]
        self._joules = [0.0]
        for number in range(1, len(self._times)):
            lasted_ms = self._times[number] - self._times[number - 1]
            self._joules.append(self._joules[-1] + self._watts[number - 1] * lasted_ms / 1000)

    def watts(self, at_ms: int) -> float:
        return self._watts[max(0, bisect_right(self._times, at_ms) - 1)]

    def joules(self, at_ms: int) -> float:
        """Energy from `from_ms` until `at_ms`."""
        inside_ms = min(max(at_ms, self.from_ms), self.to_ms)
        step = bisect_right(self._times, inside_ms) - 1
        return self._joules[step] + self._watts[step] * (inside_ms - self._times[step]) / 1000
