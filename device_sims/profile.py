"""Power of one home over one day, and the energy below it, in whole numbers. Pure.

Steps hold what is constant (mW, and µJ until their beginning) and the courses that are on in them.
Energy between two moments comes from two look-ups: no walk over seconds, and what is asked in
pieces adds up to what is asked at once, to the last microjoule. With panels on the roof the courses
are unrolled while the sun shines, because what the home takes and what it gives are told apart.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from device_sims.day import Use
from device_sims.loads import SHAPES, STEADY, Course, course

Interval = tuple[int, int]
# A course that is on: when it was switched on, and the course.
On = tuple[int, Course, float]


class Profile:
    """From `from_ms` to `to_ms`: `standing_w` and the uses, nothing while it is dark.

    `sun` has what the panels make: (moment, mW), each until the next one.
    """

    def __init__(
        self,
        from_ms: int,
        to_ms: int,
        standing_w: float,
        uses: Iterable[Use],
        dark: Iterable[Interval] = (),
        *,
        sun: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.from_ms = from_ms
        self.to_ms = to_ms
        self._times: list[int] = []
        self._mw: list[int] = []
        self._mvar: list[int] = []
        self._on: list[tuple[On, ...]] = []
        inside = [u for u in uses if u.start_ms < to_ms and from_ms < u.end_ms]
        gaps = [(max(a, from_ms), min(b, to_ms)) for a, b in dark if a < to_ms and from_ms < b]
        self._lay(standing_w, inside, gaps, [at_ms for at_ms, _mw in sun])
        if sun:
            self._unroll(sun, gaps)
        self._sum()

    def power_mw(self, at_ms: int) -> int:
        """What the home takes; below nothing when it gives."""
        step = self._step(at_ms)
        return self._mw[step] + sum(c.power_mw(at_ms - began) for began, c, _t in self._on[step])

    def reactive_mvar(self, at_ms: int) -> int:
        step = self._step(at_ms)
        on = self._on[step]
        return self._mvar[step] + round(sum(c.power_mw(at_ms - b) * tan for b, c, tan in on))

    def taken_uj(self, at_ms: int) -> int:
        """Energy taken from the grid from `from_ms` until `at_ms`."""
        inside_ms = min(max(at_ms, self.from_ms), self.to_ms)
        step = self._step(inside_ms)
        begin_ms = self._times[step]
        sum_uj = self._taken[step] + max(0, self._mw[step]) * (inside_ms - begin_ms)
        for began, on, _tan in self._on[step]:
            sum_uj += on.energy_uj(inside_ms - began) - on.energy_uj(begin_ms - began)
        return sum_uj

    def given_uj(self, at_ms: int) -> int:
        """Energy given to the grid from `from_ms` until `at_ms`."""
        if not self._given:
            return 0
        inside_ms = min(max(at_ms, self.from_ms), self.to_ms)
        step = self._step(inside_ms)
        return self._given[step] + max(0, -self._mw[step]) * (inside_ms - self._times[step])

    def _step(self, at_ms: int) -> int:
        return max(0, bisect_right(self._times, at_ms) - 1)

    def _lay(
        self, standing_w: float, uses: list[Use], gaps: list[Interval], more: Iterable[int]
    ) -> None:
        """The steps: where anything is switched, and what is on between."""
        standing_mw = round(standing_w * 1000)
        electronic = SHAPES["electronic"].tan_phi
        delta: dict[int, tuple[int, float]] = {}
        delta[self.from_ms] = (standing_mw, standing_mw * electronic)
        courses: list[tuple[int, int, On]] = []
        for use in uses:
            start_ms, end_ms = max(use.start_ms, self.from_ms), min(use.end_ms, self.to_ms)
            mw, tan = round(use.watts * 1000), SHAPES[use.shape].tan_phi
            steady = use.shape in STEADY
            if not steady:
                made = course(use.shape, mw, use.variant)
                courses.append((start_ms, end_ms, (use.start_ms, made, tan)))
            for at_ms, sign in ((start_ms, steady), (end_ms, -steady)):
                real, reactive = delta.get(at_ms, (0, 0.0))
                delta[at_ms] = (real + sign * mw, reactive + sign * mw * tan)
        edges = {ms for gap in gaps for ms in gap}
        edges.update(ms for ms in more if self.from_ms < ms < self.to_ms)
        for at_ms in edges:
            delta.setdefault(at_ms, (0, 0.0))
        self._times = sorted(delta)
        self._on = [()] * len(self._times)
        for start_ms, end_ms, on in courses:
            for step in range(bisect_left(self._times, start_ms), bisect_left(self._times, end_ms)):
                self._on[step] = (*self._on[step], on)
        real, reactive = 0, 0.0
        for step, at_ms in enumerate(self._times):
            real, reactive = real + delta[at_ms][0], reactive + delta[at_ms][1]
            lit = not _inside(gaps, at_ms)
            self._mw.append(real if lit else 0)
            self._mvar.append(round(reactive) if lit else 0)
            if not lit:
                self._on[step] = ()

    def _unroll(self, sun: Sequence[tuple[int, int]], gaps: list[Interval]) -> None:
        """Take what the panels make off every step; an inverter stops when the grid is gone."""
        moments = [at_ms for at_ms, _mw in sun]
        old = list(zip(self._times, self._mw, self._mvar, self._on, strict=True))
        self._times, self._mw, self._mvar, self._on = [], [], [], []
        for number, (at_ms, mw, mvar, on) in enumerate(old):
            last = number + 1 == len(old)
            end_ms = self.to_ms if last else old[number + 1][0]
            found = bisect_right(moments, at_ms) - 1
            made_mw = sun[found][1] if found >= 0 and not _inside(gaps, at_ms) else 0
            edges = {at_ms}
            if made_mw:
                for began, one, _tan in on:
                    edges.update(began + ms for ms in one.edges(at_ms - began, end_ms - began))
            for edge_ms in sorted(edges):
                self._times.append(edge_ms)
                more = sum(c.power_mw(edge_ms - b) for b, c, _t in on) if made_mw else 0
                bent = sum(c.power_mw(edge_ms - b) * t for b, c, t in on) if made_mw else 0
                self._mw.append(mw + more - made_mw)
                self._mvar.append(mvar + round(bent))
                self._on.append(() if made_mw else on)

    def _sum(self) -> None:
        taken = given = 0
        self._taken, givens = [0], [0]
        for number in range(1, len(self._times)):
            begin_ms, end_ms = self._times[number - 1], self._times[number]
            mw, lasted_ms = self._mw[number - 1], end_ms - begin_ms
            taken += max(0, mw) * lasted_ms
            given += max(0, -mw) * lasted_ms
            for began, on, _tan in self._on[number - 1]:
                taken += on.energy_uj(end_ms - began) - on.energy_uj(begin_ms - began)
            self._taken.append(taken)
            givens.append(given)
        # Most homes have no panels, and keep no second row of sums.
        self._given = givens if min(self._mw) < 0 else []


def _inside(intervals: list[Interval], at_ms: int) -> bool:
    return any(start_ms <= at_ms < end_ms for start_ms, end_ms in intervals)
