"""The life cycles of alarms and tasks as diagrams, from the tables that the code runs."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from alarms.lifecycle import ALARM_MOVES, TASK_MOVES, AlarmState, TaskState

_TABLES: Final[Mapping[str, tuple[Mapping[tuple[StrEnum, StrEnum], StrEnum], StrEnum]]] = {
    "alarm-life": ({**ALARM_MOVES}, AlarmState.OPEN),
    "task-life": ({**TASK_MOVES}, TaskState.OPEN),
}


def rendered(text: str) -> str:
    """The page with its diagrams made anew; ValueError when it has no place for one."""
    for name, (moves, first) in _TABLES.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not place.search(text):
            raise ValueError(f"no <!-- {name} --> … <!-- /{name} -->")
        drawn = diagram(moves, first)
        text = place.sub(lambda match, drawn=drawn: match[1] + drawn + match[2], text)
    return text


def diagram(moves: Mapping[tuple[StrEnum, StrEnum], StrEnum], first: StrEnum) -> str:
    """Mermaid: an arrow for each pair of states, with the moves that lead along it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, move), after in moves.items():
        arrows.setdefault((state.value, after.value), []).append(move.value)
    lines = [f"    {one} --> {other}: {', '.join(by)}" for (one, other), by in arrows.items()]
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", f"    [*] --> {first.value}", *lines, "```\n"]
    )
