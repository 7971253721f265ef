"""Every notification channel: one line each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from alarms.channel import ChannelSpec
from alarms.notifiers import (
    aliyun_sms,
    aliyun_voice,
    apprise,
    dingtalk,
    feishu,
    gateway_command,
    gsm_modem,
    smtp,
    tencent_sms,
    tencent_voice,
    web_push,
    webhook,
    wecom_app,
    wecom_bot,
)

NOTIFIERS: Final[Mapping[str, ChannelSpec]] = MappingProxyType(
    {
        "aliyun_sms": aliyun_sms.SPEC,
        "aliyun_voice": aliyun_voice.SPEC,
        "apprise": apprise.SPEC,
        "dingtalk": dingtalk.SPEC,
        "feishu": feishu.SPEC,
        "gateway_command": gateway_command.SPEC,
        "gsm_modem": gsm_modem.SPEC,
        "smtp": smtp.SPEC,
        "tencent_sms": tencent_sms.SPEC,
        "tencent_voice": tencent_voice.SPEC,
        "web_push": web_push.SPEC,
        "webhook": webhook.SPEC,
        "wecom_app": wecom_app.SPEC,
        "wecom_bot": wecom_bot.SPEC,
    }
)
