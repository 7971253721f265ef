"""Messages and settings as notifiers get them; secrets that a log must never show."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from alarms.channel import Settings, Tools
from alarms.message import Message, encode
from alarms.notifier import Notification
from alarms.registry import NOTIFIERS
from alarms.wording import Told, alarm_message
from hearthwatch.secret_files import wanted_secret
from tests.adapters.push_service import Browser

NOW_MS = 1_795_363_200_000
SECRET = "SEC-very-secret-0123456789"
PHONE = "+8613800000001"

_TEMPLATE = {
    "template": "SMS_1",
    "params": {"no": "number", "what": "kind"},
    "code_template": "SMS_2",
    "code_params": {"code": "code"},
}
_LIST = {**_TEMPLATE, "params": ["number", "kind", "place"], "code_params": ["code"]}
# hub.toml of each channel; `secret` stands for the file of a secret.
TABLES: dict[str, dict[str, Any]] = {
    "wecom_bot": {"bots": {"duty": {"url_file": "wecom"}}},
    "wecom_app": {"corp_id": "ww1", "agent_id": 1000002, "secret_file": "secret"},
    "dingtalk": {"bots": {"duty": {"url_file": "dingtalk", "secret_file": "secret"}}},
    "feishu": {"bots": {"duty": {"url_file": "feishu", "secret_file": "secret"}}},
    "aliyun_sms": {
        "access_key_id": "id",
        "access_key_secret_file": "secret",
        "sign_name": "守望",
        **_TEMPLATE,
    },
    "aliyun_voice": {"access_key_id": "id", "access_key_secret_file": "secret", **_TEMPLATE},
    "tencent_sms": {
        "secret_id": "id",
        "secret_key_file": "secret",
        "app_id": "1400",
        "sign_name": "守望",
        **_LIST,
    },
    "tencent_voice": {"secret_id": "id", "secret_key_file": "secret", "app_id": "1400", **_LIST},
    "web_push": {"subject": "mailto:duty@county.example"},
    "smtp": {"host": "mail.example", "security": "tls", "sender": "hub@county.example"},
    "gsm_modem": {"port": "/dev/serial/by-id/modem"},
}
BROWSER = Browser("https://push.example/v1/abc")
ADDRESSES: Mapping[str, str] = {
    "wecom_bot": "duty",
    "wecom_app": "zhang",
    "dingtalk": "duty",
    "feishu": "duty",
    "web_push": BROWSER.subscription,
    "smtp": "li@county.example",
}


def message(**changes: Any) -> Message:
    fields = {
        "alarm": "alarm-1",
        "number": 12,
        "kind": "blood_pressure",
        "severity": "urgent",
        "raised_at_ms": NOW_MS,
        "place": "龙头村",
        "name": "张桂英",
        "again": False,
    }
    told = Told(**{**fields, **changes})
    zone = ZoneInfo("Asia/Shanghai")
    link = "https://hub.example/r/0123456789abcdef"
    return alarm_message(told, "zh-CN", zone, link, "0123456789abcdef", replies=True)


def notification(channel: str, **changes: Any) -> Notification:
    return Notification(
        id="3f0c0a52-6e5d-5d0b-8a5e-1d3c5b7a9e21",
        target=ADDRESSES.get(channel, PHONE),
        body=encode(message(**changes)),
        urgent=True,
    )


def secrets_in(folder: Path) -> None:
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "wecom").write_text(f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={SECRET}")
    (folder / "dingtalk").write_text(f"https://oapi.dingtalk.com/robot/send?access_token={SECRET}")
    (folder / "feishu").write_text(f"https://open.feishu.cn/open-apis/bot/v2/hook/{SECRET}")


def settings(channel: str, folder: Path, **changes: Any) -> Settings:
    return Settings(
        table={**TABLES[channel], **changes},
        where=f"hub.toml: channel.{channel}",
        secrets=partial(wanted_secret, base=folder),
        channel=channel,
    )


def tools(client: httpx2.AsyncClient, folder: Path, **changes: Any) -> Tools:
    fields = {
        "http": client,
        "now_ms": lambda: NOW_MS,
        "nonce": lambda: "nonce-1",
        "key_folder": folder,
        "modem": lambda _port, _pin: None,
        "allow_private": True,
    }
    return Tools(**{**fields, **changes})


def built(channel: str, client: httpx2.AsyncClient, folder: Path, **changes: Any) -> Any:
    """The notifier of a channel as hub.toml would have it."""
    secrets_in(folder)
    spec = NOTIFIERS[channel]
    api = changes.pop("api", None)
    table = {"api": api} if api else {}
    return spec.build(
        spec.read(settings(channel, folder, **table)), tools(client, folder, **changes)
    )


def body_of(answer: Any) -> bytes:
    return answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
