"""Calls by Alibaba Cloud (阿里云语音服务): a template is read out. An address is a telephone
number.

Source: help.aliyun.com/zh/vms/developer-reference/api-dyvmsapi-2017-05-25-singlecallbytts
(parameters, Code OK and CallId). OK says that the call was taken, not that anybody picked up:
only a human's answer ends an escalation.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2

from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Notification, Notifier, Refused, Result
from alarms.providers import template
from alarms.providers.aliyun import Account, call, number

VERSION: Final = "2017-05-25"
# Heard twice, by somebody who was asleep.
PLAY_TIMES: Final = "2"
# The interface takes at most 15 bytes of OutId.
OUT_ID_LENGTH: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    account: Account
    show_number: str
    templates: template.Templates


class AliyunVoice:
    def __init__(
        self,
        config: Config,
        client: httpx2.AsyncClient,
        now_ms: Callable[[], int],
        nonce: Callable[[], str],
    ) -> None:
        self._config = config
        self._client = client
        self._now_ms = now_ms
        self._nonce = nonce

    async def send(self, notification: Notification) -> Result:
        message = decode(notification.body)
        chosen = self._config.templates.of(message)
        if chosen is None:
            return Refused(detail="no code_template is configured")
        parameters = {
            "CalledNumber": number(notification.target),
            "TtsCode": chosen.id,
            "TtsParam": json.dumps(chosen.named(message), ensure_ascii=False),
            "PlayTimes": PLAY_TIMES,
            "OutId": notification.id.replace("-", "")[:OUT_ID_LENGTH],
        }
        if self._config.show_number:
            parameters["CalledShowNumber"] = self._config.show_number
        account, now_ms = self._config.account, self._now_ms()
        return await call(
            self._client, account, "SingleCallByTts", VERSION, parameters, now_ms, self._nonce()
        )


def _read(settings: Settings) -> Config:
    keys = ("access_key_id", "access_key_secret_file", "show_number", "api")
    settings.only(*keys, *template.KEYS)
    return Config(
        account=Account(
            key_id=settings.get("access_key_id", str),
            key_secret=settings.secret("access_key_secret"),
            api=settings.url("api", "https://dyvmsapi.aliyuncs.com"),
        ),
        show_number=settings.get("show_number", str, ""),
        templates=template.read(settings),
    )


def _build(config: Config, tools: Tools) -> Notifier:
    return AliyunVoice(config, tools.http, tools.now_ms, tools.nonce)


SPEC: Final = ChannelSpec(
    name="aliyun_voice",
    title="call by Alibaba Cloud",
    form="phone",
    read=_read,
    build=_build,
    # A telephone that rings more often than this is busy with us.
    limits=(Limit(count=4, per_s=60),),
)
