"""Signed webhooks after Standard Webhooks 1.0: the way into any duty-desk or messaging system.

Headers `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64 HMAC-SHA256>` over
`id.timestamp.body`, with the secret's bytes behind the prefix `whsec_`. Redirects are not followed.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Set
from typing import Final

import httpx2

from alarms.channel import ChannelSpec
from alarms.notifier import Delivered, Notification, Refused, Result, RetryLater
from alarms.providers.exchange import TIMEOUT_S, waits
from alarms.public_target import NotPublic, pin

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the public prefix of every secret


class Webhook:
    """`target` is the URL. The body names no person: the receiver looks the alarm up.

    secrets: by URL, base64 behind `whsec_`; ValueError when one is not. private: the URLs that may
    lie in a private network.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        secrets: Mapping[str, str],
        now_s: Callable[[], int],
        private: Set[str] = frozenset(),
    ) -> None:
        self._client = client
        self._keys = {
            url: base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
            for url, secret in secrets.items()
        }
        self._now_s = now_s
        self._private = private

    async def send(self, notification: Notification) -> Result:
        key = self._keys.get(notification.target)
        if key is None:
            return Refused(detail="this address is no longer configured")
        now_s = self._now_s()
        headers = {
            "content-type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": signature(key, notification.id, now_s, notification.body),
        }
        try:
            pinned = await pin(
                notification.target, allow_private=notification.target in self._private
            )
            response = await self._client.post(
                pinned.url,
                content=notification.body.encode(),
                headers={**headers, **pinned.headers},
                extensions=pinned.extensions,
                timeout=TIMEOUT_S,
            )
        except NotPublic as error:
            return Refused(detail=str(error))
        except (httpx2.HTTPError, OSError) as error:
            return RetryLater(detail=type(error).__name__)
        if response.is_success:
            return Delivered(detail=str(response.status_code))
        if patience := waits(response):
            return patience
        return Refused(detail=f"HTTP {response.status_code}")


def signature(key: bytes, webhook_id: str, timestamp_s: int, body: str) -> str:
    """The `webhook-signature` of a body (Standard Webhooks 1.0, symmetric scheme)."""
    signed = f"{webhook_id}.{timestamp_s}.{body}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


SPEC: Final = ChannelSpec(name="webhook", title="signed webhook to another system", form=None)
