"""Commands to a gateway over MQTT: how the elder learns that somebody has taken the alarm."""

from typing import Final, Protocol

from alarms.channel import ChannelSpec
from alarms.notifier import Delivered, Notification, Refused, Result, RetryLater
from contract import topics
from contract.errors import ContractError

# MQTT 5 reason: the broker took it and nobody was there to get it.
_NO_MATCHING_SUBSCRIBERS = 0x10


class Publisher(Protocol):
    """QoS 1 publish; the broker's reason code. Raises when there is no answer."""

    async def publish(self, topic: str, payload: bytes) -> int: ...


class GatewayCommand:
    """`target` is the gateway, `body` the command's JSON."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def send(self, notification: Notification) -> Result:
        try:
            topic = topics.topic(notification.target, "command")
        except ContractError as error:
            return Refused(detail=error.detail)
        try:
            reason = await self._publisher.publish(topic, notification.body.encode())
        except Exception as error:  # noqa: BLE001 - whatever the client raises, it wasn't sent
            return RetryLater(detail=f"{type(error).__name__}: {error}"[:200])
        if reason == _NO_MATCHING_SUBSCRIBERS:
            return RetryLater(detail="the gateway is not connected")
        return Delivered() if reason < 0x80 else RetryLater(detail=f"broker reason {reason:#04x}")


SPEC: Final = ChannelSpec(name="gateway_command", title="command to a gateway", form=None)
