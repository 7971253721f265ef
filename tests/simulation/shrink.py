"""A failing run made small: kinds of faults are left out while it still fails."""

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.faults import Options
from tests.simulation.world import Report, run

# Fewer gateways and a shorter time are tried after the kinds of faults.
_SHARES = (0.25, 0.5, 0.75)


def shrunk(report: Report, play: Callable[[Options], Report] = run) -> Report:
    """The smallest failing run found; deterministic, as the runs are."""
    best = report
    for kind in report.options.rates:
        best = _better(best, best.options.without(kind), play)
    if best.options.gateways > 1:
        best = _better(best, replace(best.options, gateways=1), play)
    for share in _SHARES:
        shorter = replace(best.options, faulty_s=round(report.options.faulty_s * share))
        if shorter.faulty_s < best.options.faulty_s:
            best = _better(best, shorter, play)
    return best


def _better(best: Report, options: Options, play: Callable[[Options], Report]) -> Report:
    tried = play(options)
    return best if tried.failure is None else tried


def described(report: Report, lines: int = 60) -> str:
    """What a failing seed prints: its options, what was violated, how it came to that."""
    return "\n".join(
        (
            f"VIOLATED: {report.failure}",
            f"options: {report.options}",
            f"trace, the last {lines} of {len(report.trace)} lines:",
            *report.trace[-lines:],
        )
    )
