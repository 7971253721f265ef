"""The factory of rule kinds that need nothing special: parameters, what is heard, a monitor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rules.finding import Severity
from rules.params import parse_params
from rules.rule import Lane, Monitor, Subject, SubjectKind


class Loadable(Monitor, Protocol):
    """A monitor that takes back what its `dump` gave."""

    def load(self, document: Mapping[str, Any]) -> Monitor: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainKind:
    """A `rules.rule.RuleKind`. monitor: makes one for (subject, parameters); it starts idle and
    asks to be woken only after it has seen something."""

    name: str
    params: type[Any]
    hears: frozenset[str]
    monitor: Callable[[Subject, Any], Loadable]
    lane: Lane = "readings"
    severity: Severity = "watch"
    subject: SubjectKind = "home"
    state_version: int = 1
    starts_idle: bool = True
    # None: a rule of this kind never asks the elder first; else it does by default for so long.
    ask_first_s: int | None = None
    # Whether its monitors are `rules.waiting.Patient`.
    patient: bool = False
    hears_no_register: bool = False

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> Any:
        return parse_params(self.params, table, where, base)

    def listens(self, params: Any) -> frozenset[str]:  # noqa: ARG002 - always the same
        return self.hears

    def start(self, subject: Subject, params: Any, now_ms: int) -> Monitor:  # noqa: ARG002
        return self.monitor(subject, params)

    def load(self, subject: Subject, params: Any, document: Mapping[str, Any]) -> Monitor:
        return self.monitor(subject, params).load(document)
