"""Messages of an application of WeCom (企业微信应用消息). An address is a member's userid.

Source: developer.work.weixin.qq.com/document/path/91039 (gettoken: at most each 2 hours, kept by
the caller), path/90236 (message/send: `invaliduser` names members who got nothing although
errcode is 0), path/90312 (30 a minute to one member, what is more is dropped without an error),
path/90313 (错误码). `enable_duplicate_check` drops the second copy of a message within half an
hour.
"""

from dataclasses import dataclass
from typing import Final

import httpx2

from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from alarms.providers.exchange import Json, ask, told

TEXT_BYTES_MAX: Final = 2048
DUPLICATE_WINDOW_S: Final = 1800
# 40014 and 42001: the token is wrong or over; 41001: none was sent.
_TOKEN: Final = frozenset({40014, 41001, 42001})
_LATER: Final = {45009: 60.0, 45033: 5.0, -1: 2.0}
# 81013: nobody of those named is there; 60111: no such userid; 40031: a userid list that is none.
_DEAD: Final = frozenset({40031, 60111, 81013})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Config:
    corp_id: str
    agent_id: int
    secret: str
    api: str


class WecomApp:
    def __init__(self, config: Config, client: httpx2.AsyncClient) -> None:
        self._config = config
        self._client = client
        self._token: str | None = None

    async def send(self, notification: Notification) -> Result:
        answer = await self._post(notification)
        if isinstance(answer, dict) and answer.get("errcode") in _TOKEN:
            # Tokens end early when somebody else asked for one; a fresh one is tried once.
            self._token = None
            answer = await self._post(notification)
        if isinstance(answer, RetryLater | Refused):
            return answer
        code = answer.get("errcode")
        if code == 0:
            # The one member we wrote to is in this list: nothing was delivered.
            if answer.get("invaliduser"):
                return Refused(detail="invaliduser", dead_contact=True)
            return Delivered(detail=str(answer.get("msgid", ""))[:100])
        detail = told(answer, "errcode", "errmsg")
        if not isinstance(code, int) or code in _TOKEN:
            return RetryLater(detail=detail or "an answer without errcode")
        if code in _LATER:
            return RetryLater(detail=detail, after_s=_LATER[code])
        return Refused(detail=detail, dead_contact=code in _DEAD)

    async def _post(self, notification: Notification) -> Json | RetryLater | Refused:
        token = await self._access_token()
        if isinstance(token, RetryLater | Refused):
            return token
        text = decode(notification.body).text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
        body = {
            "touser": notification.target,
            "msgtype": "text",
            "agentid": self._config.agent_id,
            "text": {"content": text},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": DUPLICATE_WINDOW_S,
        }
        url = f"{self._config.api}/cgi-bin/message/send"
        return await ask(self._client, "POST", url, params={"access_token": token}, json=body)

    async def _access_token(self) -> str | RetryLater | Refused:
        if self._token is not None:
            return self._token
        asked = {"corpid": self._config.corp_id, "corpsecret": self._config.secret}
        url = f"{self._config.api}/cgi-bin/gettoken"
        answer = await ask(self._client, "GET", url, params=asked)
        if isinstance(answer, RetryLater | Refused):
            return answer
        token = answer.get("access_token")
        if answer.get("errcode") != 0 or not isinstance(token, str):
            # A wrong secret is mended by a person; messages wait for that and are not lost.
            return RetryLater(detail=f"gettoken: {told(answer, 'errcode', 'errmsg')}")
        self._token = token
        return token


def _read(settings: Settings) -> Config:
    settings.only("corp_id", "agent_id", "secret_file", "api")
    return Config(
        corp_id=settings.get("corp_id", str),
        agent_id=settings.get("agent_id", int),
        secret=settings.secret("secret"),
        api=settings.url("api", "https://qyapi.weixin.qq.com"),
    )


def _build(config: Config, tools: Tools) -> Notifier:
    return WecomApp(config, tools.http)


SPEC: Final = ChannelSpec(
    name="wecom_app",
    title="WeCom application",
    form="name",
    read=_read,
    build=_build,
    limits=(Limit(count=30, per_s=60),),
)
