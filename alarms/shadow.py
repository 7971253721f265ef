"""What rules in shadow find: kept for whoever decides about the rule, told to nobody."""

from collections.abc import Callable
from typing import Final

from alarms.rows import Objects, evidence_text, place_of
from ledger.database import insert_sql
from ledger.schema import SHADOW_FINDING
from ledger.unit_of_work import UnitOfWork
from rules.finding import Finding

_COLUMNS: Final = [c.name for c in SHADOW_FINDING.columns if c.name != "seq"]
# After a crash between the lanes the rules find the same again.
_INSERT: Final = insert_sql(
    SHADOW_FINDING, _COLUMNS, "ON CONFLICT (episode, phase, at_ms) DO NOTHING"
)
# Half a year: whoever decides about a rule looks at weeks of it, and at a summer beside a winter.
KEPT_MS: Final = 180 * 24 * 3_600_000
# Deleted at once, in a transaction that others wait for: a few milliseconds.
FORGET_ROWS: Final = 200
# How often somebody looks whether anything is old enough, once nothing is.
_LOOK_EVERY_MS: Final = 3_600_000
# The oldest stand first: no index by time is kept for this.
_FORGET: Final = (
    "DELETE FROM shadow_finding WHERE seq IN"
    " (SELECT seq FROM shadow_finding ORDER BY seq LIMIT ?) AND at_ms < ?"
)
# A call for help is never kept from anybody, whatever a table says.
_NEVER: Final = frozenset({"sos"})

# Whether the rule of this name is in shadow now.
IsShadowed = Callable[[str], bool]


def nothing_shadowed(_rule: str) -> bool:
    return False


class Shadow:
    """Part of the alarm book: looks at each finding first."""

    def __init__(self, objects: Objects, is_shadowed: IsShadowed) -> None:
        self._objects = objects
        self._is_shadowed = is_shadowed
        self._look_ms = 0

    def forget(self, unit: UnitOfWork) -> None:
        """Called every few seconds: a portion of what is older than anybody asks for."""
        if unit.now_ms < self._look_ms <= unit.now_ms + _LOOK_EVERY_MS:
            return
        gone = unit.execute(_FORGET, (FORGET_ROWS, unit.now_ms - KEPT_MS)).rowcount
        self._look_ms = unit.now_ms + (0 if gone == FORGET_ROWS else _LOOK_EVERY_MS)

    def keeps(self, unit: UnitOfWork, finding: Finding, gateway: str | None) -> bool:
        """True when the finding is kept here and goes no further."""
        if finding.kind in _NEVER or not self._is_shadowed(finding.rule):
            return False
        place = place_of(finding, gateway, self._objects)
        row = (
            finding.at_ms,
            finding.home,
            place.gateway,
            finding.device,
            place.region,
            finding.rule,
            finding.part,
            finding.kind,
            str(finding.severity),
            str(finding.phase),
            str(finding.reason),
            finding.raised_at_ms,
            finding.episode,
            evidence_text(finding.evidence),
        )
        unit.execute(_INSERT, row)
        return True
