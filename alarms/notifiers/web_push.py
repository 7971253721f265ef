"""Push messages to browsers (Web Push). An address is the browser's subscription, as JSON.

Source: RFC 8030, 5 (POST with TTL and Urgency, 201 when taken), 7.3 (404 or 410: the subscription
is over), RFC 8291 (encryption), RFC 8292 (VAPID; 403 when the subscription belongs to another
key). What the browser gets names no person. In the mainland some browsers' services can't be
reached: it is one way beside others.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec

from alarms import web_push_message as push
from alarms.channel import ChannelSpec, Settings, Tools
from alarms.limits import Limit
from alarms.message import Message, decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from alarms.own_keys import vapid_key
from alarms.providers.exchange import TIMEOUT_S, waits
from alarms.public_target import NotPublic, pin
from contract.config import ConfigError

# A call is of no use to a telephone that was off for longer.
TTL_S: Final = 4 * 3600
# Gone (404, 410), or made for another key than ours (403).
_DEAD: Final = frozenset({403, 404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """subject: where a push service reaches whoever runs this hub."""

    subject: str


class WebPush:
    def __init__(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        client: httpx2.AsyncClient,
        now_ms: Callable[[], int],
        allow_private: bool,
    ) -> None:
        self._subject = subject
        self._key = key
        self._client = client
        self._now_ms = now_ms
        self._allow_private = allow_private

    async def send(self, notification: Notification) -> Result:
        message = decode(notification.body)
        try:
            to = push.subscription(notification.target)
            pinned = await pin(to.endpoint, allow_private=self._allow_private)
        except (push.BadSubscription, NotPublic) as error:
            return Refused(detail=str(error), dead_contact=True)
        except OSError as error:
            return RetryLater(detail=type(error).__name__)
        ours = ec.generate_private_key(ec.SECP256R1())
        body = push.encrypt(to, payload(message), ours=ours, salt=os.urandom(push.SALT_BYTES))
        now_s = self._now_ms() // 1000
        headers = {
            **pinned.headers,
            "authorization": push.authorization(self._key, to.origin, self._subject, now_s),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(TTL_S),
            "urgency": "high" if message.urgent else "normal",
        }
        try:
            response = await self._client.post(
                pinned.url,
                content=body,
                headers=headers,
                extensions=pinned.extensions,
                timeout=TIMEOUT_S,
            )
        except httpx2.HTTPError as error:
            return RetryLater(detail=type(error).__name__)
        return _result(response)


def payload(message: Message) -> bytes:
    """What the service worker shows; its buttons answer with `reply`."""
    document = {
        "title": message.title,
        "body": message.words.get("code") or message.short,
        "alarm": message.alarm,
        "reply": message.reply,
        "urgent": message.urgent,
        "language": message.language,
    }
    return json.dumps(document, ensure_ascii=False).encode()[: push.TEXT_BYTES_MAX]


def _result(response: httpx2.Response) -> Result:
    if response.is_success:
        return Delivered(detail=str(response.status_code))
    if patience := waits(response):
        return patience
    status = response.status_code
    return Refused(detail=f"HTTP {status}", dead_contact=status in _DEAD)


def _read(settings: Settings) -> Config:
    settings.only("subject")
    subject = settings.get("subject", str)
    if not subject.startswith(("mailto:", "https://")):
        raise ConfigError(f"{settings.where}.subject", "expected mailto:… or https://…")
    return Config(subject=subject)


def _build(config: Config, tools: Tools) -> Notifier:
    key = vapid_key(tools.key_folder)
    return WebPush(config.subject, key, tools.http, tools.now_ms, tools.allow_private)


SPEC: Final = ChannelSpec(
    name="web_push",
    title="push message to a browser",
    form="subscription",
    read=_read,
    build=_build,
    limits=(Limit(count=30, per_s=60),),
)
