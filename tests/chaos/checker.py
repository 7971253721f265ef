"""What was accepted against what is in the book. Pure: sets in, a verdict out.

Nobody works at the desk during a run, so that every alarm must be open at the end, and each button
must have one alarm with one task, whatever was killed while it was pressed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# Named in the report, of each kind.
SHOWN: Final = 5


class Accepted(NamedTuple):
    """An item that a gateway committed: the moment at which the elder hears the tone."""

    gateway: str
    device: str
    kind: str


class Event(NamedTuple):
    id: str
    gateway: str
    device: str
    kind: str
    alarm: str | None


class Alarm(NamedTuple):
    id: str
    gateway: str
    device: str
    event_count: int
    state: str


class Task(NamedTuple):
    id: str
    alarm: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """Each list holds what is wrong, in words; `found`: accepted items that are in the book."""

    accepted: int = 0
    presses: int = 0
    found: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.closed or self.unknown)


def check(
    accepted: Mapping[str, Accepted],
    pressed: Mapping[tuple[str, str], int],
    events: Sequence[Event],
    alarms: Iterable[Alarm],
    tasks: Iterable[Task],
) -> Verdict:
    """pressed: how often each button (gateway, device) sent its frame, heard or not."""
    verdict = Verdict(accepted=len(accepted))
    verdict.presses = sum(item.kind == "sos" for item in accepted.values())
    times = Counter(event.id for event in events)
    verdict.found = sum(i in times for i in accepted)
    verdict.lost = [f"{i}: {item}" for i, item in accepted.items() if i not in times]
    verdict.unknown = [
        f"{e.id}: in the book, never accepted" for e in events if e.id not in accepted
    ]
    verdict.doubled = [f"{i}: {n} events" for i, n in times.items() if n > 1]
    _check_gateways(verdict, accepted, pressed)
    _check_alarms(verdict, events, list(alarms), list(tasks))
    return verdict


def _check_gateways(
    verdict: Verdict,
    accepted: Mapping[str, Accepted],
    pressed: Mapping[tuple[str, str], int],
) -> None:
    """No button may have been heard more often than it was pressed."""
    heard = Counter((a.gateway, a.device) for a in accepted.values() if a.kind == "sos")
    for button, times in heard.items():
        if times > pressed.get(button, 0):
            verdict.doubled.append(f"{button}: pressed {pressed.get(button, 0)}, heard {times}")


def _check_alarms(
    verdict: Verdict, events: Sequence[Event], alarms: list[Alarm], tasks: list[Task]
) -> None:
    by_button: dict[tuple[str, str], list[Alarm]] = {}
    for alarm in alarms:
        by_button.setdefault((alarm.gateway, alarm.device), []).append(alarm)
    sos = [event for event in events if event.kind == "sos"]
    counted = Counter((event.gateway, event.device) for event in sos)
    verdict.lost += [f"{event.id}: no alarm" for event in sos if event.alarm is None]
    for button, times in counted.items():
        of_it = by_button.get(button, [])
        if not of_it:
            verdict.lost.append(f"{button}: {times} events, no alarm")
            continue
        if len(of_it) > 1:
            verdict.doubled.append(f"{button}: {len(of_it)} alarms")
        told = sum(alarm.event_count for alarm in of_it)
        if told != times:
            wrong = verdict.doubled if told > times else verdict.lost
            wrong.append(f"{button}: {times} events, its alarm counts {told}")
    verdict.closed = [f"{a.id}: {a.state}" for a in alarms if a.state != "open"]
    of_alarm = Counter(task.alarm for task in tasks)
    for alarm in alarms:
        if of_alarm[alarm.id] == 0:
            verdict.lost.append(f"{alarm.id}: no task")
        elif of_alarm[alarm.id] > 1:
            verdict.doubled.append(f"{alarm.id}: {of_alarm[alarm.id]} tasks")


def shown(wrong: Sequence[str]) -> str:
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return "; ".join(wrong[:SHOWN]) + more
