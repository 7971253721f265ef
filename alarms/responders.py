"""Who can be told of an alarm, and by which way. Pure: what they are, not where they are kept.

A policy's step names targets; `Responders` says who they are for this alarm now. A responder is an
account of the staff or a contact of the register; the points are in the order in which they want
to be reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Target(StrEnum):
    """Whom a step of a policy tells."""

    RESPONSIBLE = "responsible"  # the visitor that the register names for the persons of the home
    TEAM = "team"  # visitors and managers of the village
    DUTY = "duty"  # who is on duty for the region now
    SUPERVISOR_TOWN = "supervisor_town"
    SUPERVISOR_COUNTY = "supervisor_county"
    FAMILY = "family"  # the contacts of the register who are family, in their order
    CONTACTS = "contacts"  # all contacts of the register, in their order


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPoint:
    """One way to reach somebody. `channel` is a name of `alarms.registry`; `urgent`: whether it may
    carry calls for help."""

    channel: str
    address: str
    verified: bool
    urgent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """`id`: the username of an account, or `contact:<person>/<n>` of the register's n-th contact.
    `role`: of the account, or `contact`."""

    id: str
    name: str
    role: str
    points: tuple[ContactPoint, ...]


class Responders(Protocol):
    """Asked in the writer's thread, inside the transaction of the step."""

    def of(self, target: Target, alarm: Mapping[str, Any], now_ms: int) -> Sequence[Responder]:
        """In the order in which they are told; nobody is an answer too."""
        ...

    def named(self, username: str) -> Responder | None:
        """An enabled account: of a holder, or of whom an alarm is handed over to."""
        ...
