"""In which homes two rule sets differ, and when: what somebody wants to look at. Pure."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from contract.moment import to_iso
from hearthwatch.backtest.burden import pairs, times_by_rule
from hearthwatch.backtest.play import Found

# Homes that are named; who has more of them looks at the counts.
HOMES_MAX: Final = 500
# Moments of one home and rule that are told, the newest.
MOMENTS_MAX: Final = 3


class HomeDifferences:
    """Filled home by home. `rules`: those that are not the same in both sets."""

    def __init__(self, rules: Collection[str]) -> None:
        self._rules = frozenset(rules)
        self._lines: list[dict[str, Any]] = []

    def add(self, home: str, found: Sequence[Sequence[Found]]) -> None:
        now, then = (times_by_rule(rows) for rows in found)
        for rule in sorted(self._rules & (now.keys() | then.keys())):
            a, b = now.get(rule, []), then.get(rule, [])
            only_now = [a[i] for i, j in pairs(a, b) if j is None and i is not None]
            only_then = [b[j] for i, j in pairs(a, b) if i is None and j is not None]
            if only_now or only_then:
                self._lines.append(
                    {
                        "home": home,
                        "rule": rule,
                        "now": len(a),
                        "then": len(b),
                        "only_now": len(only_now),
                        "only_then": len(only_then),
                        "only_now_at": [to_iso(at_ms) for at_ms in only_now[-MOMENTS_MAX:]],
                        "only_then_at": [to_iso(at_ms) for at_ms in only_then[-MOMENTS_MAX:]],
                    }
                )

    @property
    def homes(self) -> int:
        """How many homes differ."""
        return len({line["home"] for line in self._lines})

    def lines(self) -> list[dict[str, Any]]:
        """Those that differ most first."""
        ordered = sorted(
            self._lines,
            key=lambda line: (-(line["only_now"] + line["only_then"]), line["home"], line["rule"]),
        )
        return ordered[:HOMES_MAX]
