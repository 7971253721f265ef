"""A group bot of Feishu (飞书自定义机器人), signed. An address is the name of a configured bot.

Source: open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (签名校验: base64 of HMAC-SHA256
of nothing by the key "<seconds>\\n<secret>", at most an hour off; 100 a minute and 5 a second; a
body of at most 20 KB). HTTP is 200 also for refusals: `code` tells, `StatusCode` in older
answers.
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
from alarms.providers.exchange import Json, ask, told
from contract.config import ConfigError

TEXT_BYTES_MAX: Final = 16_000
# Too many.
_LIMITED: Final = frozenset({9499, 11232})
# 19021: signature or time; 19022: our address; 19024: keyword. Mended in the bot's settings.
_SETTINGS: Final = frozenset({19021, 19022, 19024})
# No such token, or the bot was taken out.
_DEAD: Final = frozenset({19001})
_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bot:
    """`url` holds its token."""

    url: str
    secret: str


class Feishu:
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
        at_s = self._now_ms() // 1000
        text = decode(notification.body).text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
        body = {
            "timestamp": str(at_s),
            "sign": signature(bot.secret, at_s),
            "msg_type": "text",
            "content": {"text": text},
        }
        answer = await ask(self._client, "POST", bot.url, json=body)
        return answer if isinstance(answer, RetryLater | Refused) else _result(answer)


def _result(answer: Json) -> Result:
    code = answer.get("code", answer.get("StatusCode"))
    if code == 0:
        return Delivered()
    detail = told(answer, "code", "msg", "StatusMessage")
    if not isinstance(code, int):
        return RetryLater(detail="an answer without code")
    # 9499 stands for a bad request as well; the words tell which.
    if code in _LIMITED and (code != 9499 or "frequency" in detail or "many" in detail):
        return RetryLater(detail=detail, after_s=_AGAIN_S)
    if code in _SETTINGS:
        return RetryLater(detail=detail, after_s=_AGAIN_S)
    return Refused(detail=detail, dead_contact=code in _DEAD)


def signature(secret: str, at_s: int) -> str:
    key = f"{at_s}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def _read(settings: Settings) -> Mapping[str, Bot]:
    settings.only("bots")
    bots = {}
    for name, bot in settings.tables("bots").items():
        bot.only("url_file", "secret_file")
        url = bot.secret("url")
        if "/hook/" not in url:
            raise ConfigError(f"{bot.where}.url_file", "expected the bot's address …/hook/…")
        bots[name] = Bot(url=url, secret=bot.secret("secret"))
    return bots


def _build(bots: Mapping[str, Bot], tools: Tools) -> Notifier:
    return Feishu(bots, tools.http, tools.now_ms)


SPEC: Final = ChannelSpec(
    name="feishu",
    title="Feishu group bot",
    form="name",
    read=_read,
    build=_build,
    names=frozenset,
    limits=(Limit(count=100, per_s=60), Limit(count=5, per_s=1)),
)
