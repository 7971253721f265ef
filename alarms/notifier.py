"""What a notifier is: one channel, told to send one body to one target, answering how it went."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One attempt. `id` stays the same over retries, so that a receiver can drop doubles."""

    id: str
    target: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """The channel or the receiver is in trouble; the same attempt may work later."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The receiver understood and said no; trying again can't help."""

    detail: str


Result = Delivered | RetryLater | Refused


class Notifier(Protocol):
    async def send(self, notification: Notification) -> Result: ...
