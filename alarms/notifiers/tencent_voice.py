"""Calls by Tencent Cloud (腾讯云语音消息): a template is read out. An address is a number in
E.164.

Source: cloud.tencent.com/document/api/1128/51558 (SendTtsVoice, version 2020-09-02:
SendStatus.CallId), …/1128/51565 (错误码). A CallId says that the call was taken, not that anybody
picked up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2

from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from alarms.providers import template
from alarms.providers.tencent import Account, call, unread

VERSION: Final = "2020-09-02"
# Heard twice, by somebody who was asleep.
PLAY_TIMES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    account: Account
    app_id: str
    templates: template.Templates


class TencentVoice:
    def __init__(
        self, config: Config, client: httpx2.AsyncClient, now_ms: Callable[[], int]
    ) -> None:
        self._config = config
        self._client = client
        self._now_ms = now_ms

    async def send(self, notification: Notification) -> Result:
        message = decode(notification.body)
        chosen = self._config.templates.of(message)
        if chosen is None:
            return Refused(detail="no code_template is configured")
        payload = {
            "TemplateId": chosen.id,
            "CalledNumber": notification.target,
            "VoiceSdkAppid": self._config.app_id,
            "TemplateParamSet": chosen.ordered(message),
            "PlayTimes": PLAY_TIMES,
            "SessionContext": notification.id,
        }
        account, now_ms = self._config.account, self._now_ms()
        answer = await call(self._client, account, "vms", "SendTtsVoice", VERSION, payload, now_ms)
        if isinstance(answer, RetryLater | Refused):
            return answer
        status = answer.get("SendStatus")
        if not isinstance(status, dict) or not status.get("CallId"):
            return unread(status)
        return Delivered(detail=str(status["CallId"])[:100])


def _read(settings: Settings) -> Config:
    keys = ("secret_id", "secret_key_file", "region", "app_id", "api")
    settings.only(*keys, *template.KEYS)
    return Config(
        account=Account(
            secret_id=settings.get("secret_id", str),
            secret_key=settings.secret("secret_key"),
            region=settings.get("region", str, "ap-guangzhou"),
            api=settings.url("api", "https://vms.tencentcloudapi.com"),
        ),
        app_id=settings.get("app_id", str),
        templates=template.read(settings),
    )


def _build(config: Config, tools: Tools) -> Notifier:
    return TencentVoice(config, tools.http, tools.now_ms)


SPEC: Final = ChannelSpec(
    name="tencent_voice",
    title="call by Tencent Cloud",
    form="phone",
    read=_read,
    build=_build,
    # A telephone that rings more often than this is busy with us.
    limits=(Limit(count=4, per_s=60),),
)
