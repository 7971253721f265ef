"""What an authenticator has to sign, made and known again without keeping it: nobody can fill the
hub's memory by asking. Pure.

    16 bytes random | 8 bytes, when it ends (ms) | 16 bytes of HMAC-SHA-256 over both and purpose
"""

import hashlib
import hmac
from typing import Final

RANDOM_BYTES: Final = 16
KEY_BYTES: Final = 32
# Long enough to find the telephone.
LIFE_MS: Final = 5 * 60_000
_END_BYTES: Final = 8
_MAC_BYTES: Final = 16
_LENGTH: Final = RANDOM_BYTES + _END_BYTES + _MAC_BYTES


def made(key: bytes, purpose: str, random: bytes, now_ms: int) -> bytes:
    body = random + (now_ms + LIFE_MS).to_bytes(_END_BYTES, "big")
    return body + _mac(key, purpose, body)


def ends_at_ms(key: bytes, purpose: str, challenge: bytes) -> int | None:
    """None when it was not made here for this."""
    if len(challenge) != _LENGTH:
        return None
    body, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
    if not hmac.compare_digest(_mac(key, purpose, body), mac):
        return None
    return int.from_bytes(body[RANDOM_BYTES:], "big")


def _mac(key: bytes, purpose: str, body: bytes) -> bytes:
    told = purpose.encode() + b"\0" + body
    return hmac.new(key, told, hashlib.sha256).digest()[:_MAC_BYTES]
