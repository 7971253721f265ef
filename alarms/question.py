"""Asking the elder before anybody is sent: whether a question stands, and what ends it. Pure.

  raised -> asking --the elder's "I'm well" in time------> well   closes by itself where it may
              |----a call for help from the same home----> help   a task, and it is heard
              |----ask_until has come, or it worsened----> none   a task, and it is heard
              `----a human takes, assigns or closes it     (no answer) goes on as without a question

The time is durable in the alarm's row. `due` is the only place that compares it with a clock, so a
later engine of steps adds its own times there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from alarms.lifecycle import AlarmState
from contract.kinds import ACTIVATION_KINDS
from rules.finding import Finding

Row = Mapping[str, Any]
Answer = Literal["well", "none", "help"]

# Clocks of gateways and hub may differ so much, and who said well a minute before being asked is
# well. Beyond it an "I'm well" is a sign of life of its own time and answers nothing.
ANSWER_SLACK_MS: Final = 60_000
# Questions ended in one transaction: presses come between two of them.
DUE_MAX: Final = 50
# From the same home these say that all is not well, whoever is being asked meanwhile.
HELP_KINDS: Final = frozenset({"sos", "fall", "smoke", "gas"})


def asking(row: Row) -> bool:
    """Whether the elder is being asked now and nobody has taken the alarm."""
    asked = row["ask_until_ms"] is not None and row["answer"] is None
    return asked and row["state"] == AlarmState.OPEN


def may_ask(finding: Finding, seconds: int) -> bool:
    """Whether a finding that opens an alarm waits for an answer at all; a detector's never does."""
    home = ":" not in finding.home
    return home and seconds > 0 and finding.kind not in ACTIVATION_KINDS


def due(rows: Iterable[Row], now_ms: int) -> list[str]:
    """Ids of the alarms whose question is over, the longest overdue first, at most DUE_MAX.

    A time before the question was put is a clock that was set back, perhaps by days: then it is
    over at once, for early is allowed and late is not.
    """
    over = [
        (row["ask_until_ms"], row["id"])
        for row in rows
        if asking(row) and (row["ask_until_ms"] <= now_ms or now_ms < row["asked_at_ms"])
    ]
    return [alarm for _until_ms, alarm in sorted(over)[:DUE_MAX]]


def answers(row: Row, at_ms: int, now_ms: int) -> bool:
    """Whether an "I'm well" of `at_ms` answers this question. A wrong clock at the gateway makes it
    none, and somebody is sent."""
    in_time = row["asked_at_ms"] - ANSWER_SLACK_MS <= at_ms <= now_ms + ANSWER_SLACK_MS
    return asking(row) and in_time


def calls_for_help(finding: Finding) -> bool:
    return (
        finding.phase != "cleared" and finding.kind in HELP_KINDS and finding.reason != "test_press"
    )
