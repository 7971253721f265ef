"""A group bot of DingTalk (钉钉自定义机器人), signed. An address is the name of a configured bot.

Source: open.dingtalk.com/document/robots/custom-robot-access and
…/customize-robot-security-settings (加签: base64 of HMAC-SHA256 over "<milliseconds>\\n<secret>"
by the secret, beside the milliseconds, at most an hour off); 20 messages a minute each, then
nothing for ten minutes. HTTP is 200 whatever happened: `errcode` tells.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from alarms.providers.exchange import ask, told
from contract.config import ConfigError

TEXT_BYTES_MAX: Final = 20_000
# 130101 and 90030: too fast; 410100: too fast in the last ten minutes; -1: busy.
_LATER: Final = {130101: 60.0, 90030: 60.0, 410100: 600.0, -1: 2.0}
# 300001 and 400101: no such token; 400102: the bot was stopped.
_DEAD: Final = frozenset({300001, 400101, 400102})
# Wrong signature, keyword or address of ours: mended in the bot's settings, the message can wait.
_SETTINGS: Final = 310000
_SETTINGS_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bot:
    """`url` holds its token."""

    url: str
    secret: str


class Dingtalk:
    def __init__(
        self, bots: Mapping[str, Bot], client: httpx2.AsyncClient, now_ms: Callable[[], int]
    ) -> None:
        self._bots = bots
        self._client = client
        self._now_ms = now_ms

    async def send(self, notification: Notification) -> Result:
        bot = self._bots.get(notification.target)
        if bot is None:
            return Refused(detail="this bot is no longer configured", dead_contact=True)
        at_ms = self._now_ms()
        query = {"timestamp": str(at_ms), "sign": signature(bot.secret, at_ms)}
        text = decode(notification.body).text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
        body = {"msgtype": "text", "text": {"content": text}}
        url = httpx2.URL(bot.url).copy_merge_params(query)
        answer = await ask(self._client, "POST", str(url), json=body)
        if isinstance(answer, RetryLater | Refused):
            return answer
        code = answer.get("errcode")
        if code == 0:
            return Delivered()
        detail = told(answer, "errcode", "errmsg")
        if not isinstance(code, int):
            return RetryLater(detail="an answer without errcode")
        if code == _SETTINGS:
            return RetryLater(detail=detail, after_s=_SETTINGS_AGAIN_S)
        if code in _LATER:
            return RetryLater(detail=detail, after_s=_LATER[code])
        return Refused(detail=detail, dead_contact=code in _DEAD)


def signature(secret: str, at_ms: int) -> str:
    signed = f"{at_ms}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def _read(settings: Settings) -> Mapping[str, Bot]:
    settings.only("bots")
    bots = {}
    for name, bot in settings.tables("bots").items():
        bot.only("url_file", "secret_file")
        url = bot.secret("url")
        if "access_token=" not in url:
            raise ConfigError(f"{bot.where}.url_file", "expected an address with access_token=…")
        bots[name] = Bot(url=url, secret=bot.secret("secret"))
    return bots


def _build(bots: Mapping[str, Bot], tools: Tools) -> Notifier:
    return Dingtalk(bots, tools.http, tools.now_ms)


SPEC: Final = ChannelSpec(
    name="dingtalk",
    title="DingTalk group bot",
    form="name",
    read=_read,
    build=_build,
    names=frozenset,
    # Two below the provider's 20: one too many silences the bot for ten minutes.
    limits=(Limit(count=18, per_s=60),),
)
