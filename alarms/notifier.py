"""What a notifier is: one channel, told to send one body to one target, answering how it went."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One attempt. `id` stays the same over retries, so that a receiver can drop doubles.
    `body`: what the channel's own writer put there, for people an `alarms.message.Message`."""

    id: str
    target: str
    body: str
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The provider's own word was yes. `detail`: its number of the message, where it gives one."""

    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """The channel or the receiver is in trouble; the same attempt may work later.
    `after_s`: what the provider asked for, or what its limit means; None: our own back-off."""

    detail: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The receiver understood and said no; trying again can't help. `dead_contact`: because there
    is nobody at this address (any more), so nothing should be sent there."""

    detail: str
    dead_contact: bool = False


Result = Delivered | RetryLater | Refused


class Notifier(Protocol):
    async def send(self, notification: Notification) -> Result: ...
