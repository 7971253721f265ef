"""What a browser keeps while it is at the identity provider: signed, for ten minutes. Pure."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Final

KEY_BYTES: Final = 32
LIFE_MS: Final = 10 * 60_000
_MAC_LENGTH: Final = 64


def written(key: bytes, values: Mapping[str, str], now_ms: int) -> str:
    body = base64.urlsafe_b64encode(
        json.dumps({**values, "until_ms": now_ms + LIFE_MS}).encode()
    ).decode()
    return f"{_mac(key, body)}.{body}"


def read(key: bytes, text: str, now_ms: int) -> dict[str, str] | None:
    """None when it was not written here, or is too old."""
    mac, _, body = text.partition(".")
    if len(mac) != _MAC_LENGTH or not hmac.compare_digest(mac.encode(), _mac(key, body).encode()):
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(body))
        if int(values.pop("until_ms")) <= now_ms:
            return None
    except (binascii.Error, KeyError, ValueError):
        return None
    return {str(name): str(value) for name, value in values.items()}


def _mac(key: bytes, body: str) -> str:
    return hmac.new(key, b"sign-on\0" + body.encode(), hashlib.sha256).hexdigest()
