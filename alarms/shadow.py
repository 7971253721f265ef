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
