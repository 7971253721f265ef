"""The daily press that tests the whole way, as the book sees it: made, judged, receipted, ended.

In the writer's thread. A test press raises nothing and disturbs nobody; what comes of it is one
command to the gateway that pressed (through outbox and broker, as a `reassure` would go) and, where
one is named, a line marked [TEST] to the channel of receipts. One that does not come through is a
technical alarm, which the next good one ends.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from contract.codec import encode_command
from contract.envelope import Command
from contract.ids import name_uuid
from ledger.database import insert_sql
from ledger.schema import DEVICE, HOME, TEST_PRESS
from ledger.unit_of_work import UnitOfWork, compact
from rules.finding import Finding, Phase, Severity, episode_id

SUBJECT: Final = "hub:watchdog"
KIND: Final = "watchdog"
DEVICE_NAME: Final = "test-button"
ADDRESS: Final = "[TEST]"
_NAMESPACE: Final = uuid.UUID("a3d5f7c2-2f0c-5c8e-9c1b-5d8e0f6a7b31")
_INSERT: Final = insert_sql(TEST_PRESS, ("id", "home", "pressed_at_ms", "missing"))
_HOME: Final = insert_sql(
    HOME, ("id", "region", "address", "access_note"), "ON CONFLICT (id) DO NOTHING"
)
_DEVICE: Final = insert_sql(
    DEVICE,
    ("gateway", "device", "home", "kind", "model", "label"),
    "ON CONFLICT (gateway, device) DO NOTHING",
)

Step = Literal["acknowledged", "stored", "judged", "command", "receipt"]
TakeFinding = Callable[[UnitOfWork, Finding], object]


class Outbox(Protocol):
    def send(self, unit: UnitOfWork, key: str, channel: str, target: str, body: str) -> None: ...
    def row_id(self, key: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`missing`: the first step that did not happen in time; None: all did."""

    missing: Step | None
    took_ms: int


class TrialPresses:
    """What the book does for them; the other half is hearthwatch/watchdog/press.py."""

    def __init__(self, outbox: Outbox, gateway: str, home: str, receipt_url: str | None) -> None:
        self._outbox = outbox
        self._gateway = gateway
        self._home = home
        self._receipt_url = receipt_url

    def furnish(self, unit: UnitOfWork) -> bool:
        """The home marked [TEST] with its button, if it is not there; False: no region yet."""
        found = unit.execute(
            "SELECT code FROM region WHERE parent IS NULL ORDER BY code LIMIT 1"
        ).fetchone()
        if found is None:
            return False
        unit.execute(_HOME, (self._home, found[0], ADDRESS, ""))
        unit.execute(_DEVICE, (self._gateway, DEVICE_NAME, self._home, "sos", "", ADDRESS))
        # One that a restart has cut off says nothing of the way.
        unit.execute(
            "UPDATE test_press SET result = 'failed', missing = 'restart', ended_at_ms = ?"
            " WHERE result IS NULL",
            (unit.now_ms,),
        )
        return True

    def begin(self, unit: UnitOfWork, press: str) -> None:
        unit.execute(_INSERT, (press, self._home, unit.now_ms, ""))

    def noted(self, unit: UnitOfWork, finding: Finding) -> None:
        """The rules have said that an item is a test; those of other homes are none of ours."""
        if finding.home != self._home or finding.source_id is None:
            return
        press = finding.source_id
        unit.execute(
            "UPDATE test_press SET judged_at_ms = ? WHERE id = ? AND judged_at_ms IS NULL",
            (unit.now_ms, press),
        )
        if unit.cursor.rowcount != 1:
            return
        command = Command(
            id=name_uuid(_NAMESPACE, f"{press}|command"),
            command="identify",
            device=DEVICE_NAME,
            args={"test_press": press},
        )
        body = encode_command(command).decode()
        self._outbox.send(unit, f"{press}|test|command", "gateway_command", self._gateway, body)
        self._tell(unit, press, f"{press}|test|receipt", "[TEST] test press", "under_way")

    def settle(self, unit: UnitOfWork, press: str, seen: frozenset[Step]) -> Step | None:
        """The first step that is missing by now; `seen`: those that were seen outside the book."""
        row = unit.execute(
            "SELECT judged_at_ms, (SELECT 1 FROM event WHERE event.id = test_press.id)"
            " FROM test_press WHERE id = ?",
            (press,),
        ).fetchone()
        if row is None or row[1] is None:
            return "stored"
        if "acknowledged" not in seen:
            return "acknowledged"
        if row[0] is None:
            return "judged"
        if "command" not in seen:
            return "command"
        return None if self._receipted(unit, press) else "receipt"

    def end(self, unit: UnitOfWork, press: str, outcome: Outcome, take: TakeFinding) -> None:
        unit.execute(
            "UPDATE test_press SET ended_at_ms = ?, result = ?, missing = ?, took_ms = ?"
            " WHERE id = ?",
            (
                unit.now_ms,
                "ok" if outcome.missing is None else "failed",
                outcome.missing or "",
                outcome.took_ms,
                press,
            ),
        )
        failed = outcome.missing is not None
        evidence = {"missing_step": outcome.missing or "", "took_ms": outcome.took_ms}
        take(unit, finding("watchdog_test", failed=failed, now_ms=unit.now_ms, evidence=evidence))
        if failed:
            key = f"{press}|test|failed"
            self._tell(unit, press, key, "[TEST] test press failed", str(outcome.missing))

    def _receipted(self, unit: UnitOfWork, press: str) -> bool:
        if self._receipt_url is None:
            return True
        found = unit.execute(
            "SELECT 1 FROM outbox WHERE id = ? AND state = 'delivered'",
            (self._outbox.row_id(f"{press}|test|receipt"),),
        ).fetchone()
        if found is not None:
            unit.execute(
                "UPDATE test_press SET receipt_at_ms = coalesce(receipt_at_ms, ?) WHERE id = ?",
                (unit.now_ms, press),
            )
        return found is not None

    def _tell(self, unit: UnitOfWork, press: str, key: str, text: str, state: str) -> None:
        if self._receipt_url is None:
            return
        body = {"type": "test", "text": text, "press": press, "state": state}
        self._outbox.send(unit, key, "webhook", self._receipt_url, compact(body))


def finding(
    rule: str,
    *,
    failed: bool,
    now_ms: int,
    evidence: Mapping[str, Any] | None = None,
    severity: Severity = "technical",
) -> Finding:
    """About the hub itself: `watchdog_test`, `watchdog_heartbeat` and their like."""
    phase: Phase = "raised" if failed else "cleared"
    return Finding(
        episode=episode_id(SUBJECT, rule, str(now_ms)),
        home=SUBJECT,
        rule=rule,
        kind=KIND,
        severity=severity,
        phase=phase,
        reason=f"{rule.removeprefix('watchdog_')}_{'failed' if failed else 'ok'}",
        raised_at_ms=now_ms,
        at_ms=now_ms,
        evidence=evidence or {},
    )
