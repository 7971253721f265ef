"""Short messages by Alibaba Cloud (阿里云短信服务). An address is a telephone number.

Source: help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms (parameters,
Code OK and BizId), …/api-error-codes (isv.BUSINESS_LIMIT_CONTROL and others), 短信发送频率限制
(notices: 50 a day to one number with one signature). `OutId` carries our id, so that receipts can
be matched.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    account: Account
    sign_name: str
    templates: template.Templates


class AliyunSms:
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
            "PhoneNumbers": number(notification.target),
            "SignName": self._config.sign_name,
            "TemplateCode": chosen.id,
            "TemplateParam": json.dumps(chosen.named(message), ensure_ascii=False),
            "OutId": notification.id,
        }
        account, now_ms = self._config.account, self._now_ms()
        return await call(
            self._client, account, "SendSms", VERSION, parameters, now_ms, self._nonce()
        )


def _read(settings: Settings) -> Config:
    keys = ("access_key_id", "access_key_secret_file", "sign_name", "api")
    settings.only(*keys, *template.KEYS)
    return Config(
        account=Account(
            key_id=settings.get("access_key_id", str),
            key_secret=settings.secret("access_key_secret"),
            api=settings.url("api", "https://dysmsapi.aliyuncs.com"),
        ),
        sign_name=settings.get("sign_name", str),
        templates=template.read(settings),
    )


def _build(config: Config, tools: Tools) -> Notifier:
    return AliyunSms(config, tools.http, tools.now_ms, tools.nonce)


SPEC: Final = ChannelSpec(
    name="aliyun_sms",
    title="short message by Alibaba Cloud",
    form="phone",
    read=_read,
    build=_build,
    limits=(Limit(count=50, per_s=86_400),),
)
