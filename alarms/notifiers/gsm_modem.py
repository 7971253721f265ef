"""Short messages by a GSM modem at the hub: no provider, no approved text, works without the
internet. An address is a telephone number. The modem itself is `Tools.modem`.
"""

from dataclasses import dataclass
from typing import Final

from alarms.channel import (
    ChannelSpec,
    ModemBusy,
    ModemRefused,
    Settings,
    SmsModem,
    Tools,
)
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater

# A modem takes a few seconds for each message.
AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Config:
    port: str
    pin: str


class GsmModem:
    # The network's word can take a minute (`gateway.second_path`), behind others' messages longer;
    # giving up before would send it twice.
    attempt_timeout_s: Final = 90.0

    def __init__(self, modem: SmsModem) -> None:
        self._modem = modem

    async def send(self, notification: Notification) -> Result:
        try:
            references = await self._modem.send(
                notification.target, decode(notification.body).short
            )
        except ModemBusy as error:
            return RetryLater(detail=str(error)[:200], after_s=AGAIN_S)
        except ModemRefused as error:
            return Refused(detail=str(error)[:200])
        return Delivered(detail=references)


def _read(settings: Settings) -> Config:
    settings.only("port", "pin_file")
    pin = settings.secret("pin") if "pin_file" in settings.table else ""
    return Config(port=settings.get("port", str), pin=pin)


def _build(config: Config, tools: Tools) -> Notifier:
    return GsmModem(tools.modem(config.port, config.pin))


SPEC: Final = ChannelSpec(
    name="gsm_modem",
    title="short message by the hub's own modem",
    form="phone",
    read=_read,
    build=_build,
    # About what a modem gets out, one after the other.
    limits=(Limit(count=12, per_s=60, of="channel"),),
)
