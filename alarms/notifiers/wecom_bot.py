"""A group bot of WeCom (企业微信群机器人). An address is the name of a configured bot.

Source: developer.work.weixin.qq.com/document/path/91770 (消息推送配置说明): POST JSON to the bot's
address, text of at most 2048 bytes in UTF-8, 20 messages a minute each; path/90313 (全局错误码).
HTTP is 200 whatever happened: `errcode` tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx2

from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from alarms.providers.exchange import ask, told
from contract.config import ConfigError

TEXT_BYTES_MAX: Final = 2048
# 45009: too many; -1: busy; 45033: too many at once.
_LATER: Final = {45009: 60.0, 45033: 5.0, -1: 2.0}
# 93000: no such webhook; 93004: the robot was taken out; 93008: not in the group any more.
_DEAD: Final = frozenset({93000, 93004, 93008})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Config:
    """urls: by name; each holds its key."""

    urls: Mapping[str, str]


class WecomBot:
    def __init__(self, config: Config, client: httpx2.AsyncClient) -> None:
        self._urls = config.urls
        self._client = client

    async def send(self, notification: Notification) -> Result:
        url = self._urls.get(notification.target)
        if url is None:
            return Refused(detail="this bot is no longer configured", dead_contact=True)
        text = decode(notification.body).text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
        body = {"msgtype": "text", "text": {"content": text}}
        answer = await ask(self._client, "POST", url, json=body)
        if isinstance(answer, RetryLater | Refused):
            return answer
        code = answer.get("errcode")
        if code == 0:
            return Delivered()
        detail = told(answer, "errcode", "errmsg")
        if not isinstance(code, int):
            return RetryLater(detail="an answer without errcode")
        if code in _LATER:
            return RetryLater(detail=detail, after_s=_LATER[code])
        return Refused(detail=detail, dead_contact=code in _DEAD)


def _read(settings: Settings) -> Config:
    settings.only("bots")
    urls = {}
    for name, bot in settings.tables("bots").items():
        bot.only("url_file")
        url = bot.secret("url")
        if not urlsplit(url).query.startswith("key="):
            raise ConfigError(f"{bot.where}.url_file", "expected the bot's address with key=…")
        urls[name] = url
    return Config(urls=urls)


def _build(config: Config, tools: Tools) -> Notifier:
    return WecomBot(config, tools.http)


SPEC: Final = ChannelSpec(
    name="wecom_bot",
    title="WeCom group bot",
    form="name",
    read=_read,
    build=_build,
    names=lambda config: frozenset(config.urls),
    limits=(Limit(count=20, per_s=60),),
)
