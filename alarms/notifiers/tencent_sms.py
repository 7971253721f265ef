"""Short messages by Tencent Cloud (腾讯云短信). An address is a telephone number in E.164.

Source: cloud.tencent.com/document/api/382/55981 (SendSms, version 2021-01-11: SendStatusSet has a
Code for each number, Ok or why not), …/382/59177 (错误码), 频率限制 (one number: 1 in 30 s with
the same content). The whole call succeeds while its only number was refused: that is no success.
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
from alarms.providers.tencent import Account, call, refusal, unread

VERSION: Final = "2021-01-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    account: Account
    app_id: str
    sign_name: str
    templates: template.Templates


class TencentSms:
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
            "PhoneNumberSet": [notification.target],
            "SmsSdkAppId": self._config.app_id,
            "SignName": self._config.sign_name,
            "TemplateId": chosen.id,
            "TemplateParamSet": chosen.ordered(message),
            "SessionContext": notification.id,
        }
        account, now_ms = self._config.account, self._now_ms()
        answer = await call(self._client, account, "sms", "SendSms", VERSION, payload, now_ms)
        if isinstance(answer, RetryLater | Refused):
            return answer
        statuses = answer.get("SendStatusSet")
        if not isinstance(statuses, list) or not statuses or not isinstance(statuses[0], dict):
            return unread(statuses)
        status = statuses[0]
        if status.get("Code") == "Ok":
            return Delivered(detail=str(status.get("SerialNo", ""))[:100])
        return refusal(str(status.get("Code", "")), str(status.get("Message", "")))


def _read(settings: Settings) -> Config:
    keys = ("secret_id", "secret_key_file", "region", "app_id", "sign_name", "api")
    settings.only(*keys, *template.KEYS)
    return Config(
        account=Account(
            secret_id=settings.get("secret_id", str),
            secret_key=settings.secret("secret_key"),
            region=settings.get("region", str, "ap-guangzhou"),
            api=settings.url("api", "https://sms.tencentcloudapi.com"),
        ),
        app_id=settings.get("app_id", str),
        sign_name=settings.get("sign_name", str),
        templates=template.read(settings),
    )


def _build(config: Config, tools: Tools) -> Notifier:
    return TencentSms(config, tools.http, tools.now_ms)


SPEC: Final = ChannelSpec(
    name="tencent_sms",
    title="short message by Tencent Cloud",
    form="phone",
    read=_read,
    build=_build,
    limits=(Limit(count=50, per_s=86_400),),
)
