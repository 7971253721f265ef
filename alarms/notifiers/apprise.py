"""Any other channel by the library apprise (extra `apprise`), never for calls for help.

It reports success when WeCom bots, DingTalk or Feishu have refused a message (measured), so what it
says is believed only where nobody's safety hangs on it. An address is the name of a target.
"""

import asyncio
import importlib.util
from collections.abc import Mapping
from typing import Any, Final

from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from contract.config import ConfigError


class Apprise:
    """`library` is the module; it blocks, so it runs in a worker thread."""

    def __init__(self, urls: Mapping[str, str], library: Any) -> None:
        self._urls = urls
        self._library = library

    async def send(self, notification: Notification) -> Result:
        if notification.urgent:
            return Refused(detail="this channel carries nothing urgent")
        url = self._urls.get(notification.target)
        if url is None:
            return Refused(detail="this target is no longer configured", dead_contact=True)
        message = decode(notification.body)
        told = await asyncio.to_thread(self._notify, url, message.title, message.text)
        return Delivered() if told else RetryLater(detail="apprise says no")

    def _notify(self, url: str, title: str, text: str) -> bool:
        sender = self._library.Apprise()
        sender.add(url)
        return bool(sender.notify(title=title, body=text))


def _read(settings: Settings) -> Mapping[str, str]:
    settings.only("targets")
    if importlib.util.find_spec("apprise") is None:
        raise ConfigError(
            settings.where, "the package is missing: pip install hearthwatch[apprise]"
        )
    urls = {}
    for name, target in settings.tables("targets").items():
        target.only("url_file")
        urls[name] = target.secret("url")
    return urls


def _build(urls: Mapping[str, str], tools: Tools) -> Notifier:  # noqa: ARG001 - as all notifiers
    return Apprise(urls, importlib.import_module("apprise"))


SPEC: Final = ChannelSpec(
    name="apprise",
    title="any other channel, for what is not urgent",
    form="name",
    read=_read,
    build=_build,
    names=frozenset,
    limits=(Limit(count=20, per_s=60),),
    urgent=False,
)
