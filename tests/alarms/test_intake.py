"""What a finding does to an open alarm, as a table."""

import pytest

from alarms.intake import OpenAlarm, decide
from rules.finding import Finding


def finding(severity: str = "urgent", at_ms: int = 1000, **changes) -> Finding:
    fields = {
        "episode": "e",
        "home": "home-1",
        "rule": "blood_pressure",
        "kind": "blood_pressure",
        "severity": severity,
        "phase": "raised",
        "reason": "high_confirmed",
        "raised_at_ms": at_ms,
        "at_ms": at_ms,
    }
    return Finding(**{**fields, **changes})


def opened(severity: str, last_event_ms: int) -> OpenAlarm:
    return OpenAlarm(id="a", severity=severity, last_event_ms=last_event_ms)


@pytest.mark.parametrize(
    ("one", "current", "replayable", "action"),
    [
        (finding(), None, True, "raise"),
        (finding(phase="cleared"), None, True, "ignore"),
        (finding(phase="cleared"), opened("urgent", 5), True, "clear"),
        (finding(reason="test_press"), None, False, "note"),
        (finding(reason="test_press"), opened("urgent", 5), False, "note"),
        (finding(at_ms=1000), opened("urgent", 999), True, "join"),
        # The same again, after a crash.
        (finding(at_ms=1000), opened("urgent", 1000), True, "ignore"),
        # A press cannot come twice: its event is stored once.
        (finding(at_ms=1000), opened("urgent", 1000), False, "join"),
        (finding(at_ms=1001), opened("watch", 1000), True, "worsen"),
        # Measured before the last event, and worse than all that is known: heard.
        (finding(at_ms=500), opened("watch", 1000), True, "worsen"),
        (finding("watch", at_ms=500), opened("technical", 1000), True, "worsen"),
        (finding("watch", at_ms=500), opened("urgent", 1000), True, "ignore"),
        (finding("watch", at_ms=1500), opened("urgent", 1000), True, "join"),
    ],
)
def test_decide(one: Finding, current: OpenAlarm | None, replayable: bool, action: str) -> None:
    assert decide(one, current, replayable=replayable) == action
