"""Codes of an authenticator app (RFC 6238 over RFC 4226), as every app makes them. Pure.

    step = seconds since the epoch // 30
    code = six digits of HMAC-SHA-1(secret, step as 8 bytes)

SHA-1, six digits and 30 s are what apps understand whatever their QR code says; HMAC does not
lean on what is broken in SHA-1.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final
from urllib.parse import quote, urlencode

STEP_MS: Final = 30_000
DIGITS: Final = 6
# 160 bits, the length that RFC 4226 recommends.
SECRET_BYTES: Final = 20
# A telephone's clock may be a step off, and people type slowly (RFC 6238, 5.2).
DRIFT_STEPS: Final = 1
ISSUER: Final = "hearthwatch"


def written(secret: bytes) -> str:
    """The secret as apps take it."""
    return base64.b32encode(secret).decode().rstrip("=")


def code_at(secret: str, step: int) -> str:
    """ValueError when the secret is no base32."""
    try:
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    except binascii.Error as error:
        raise ValueError("not base32") from error
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """The step whose code this is, None if of none that counts now. A step counts once: neither
    the one that was taken last nor any before it."""
    if not secret or len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    now = now_ms // STEP_MS
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        # All are compared, so that the time tells nothing of which it was.
        right = hmac.compare_digest(code_at(secret, max(step, 0)), code)
        if right and step > last_step:
            found = step
    return found


def address(secret: str, account: str) -> str:
    """What the QR code says."""
    label = f"{ISSUER}:{quote(account)}"
    asked = {"secret": secret, "issuer": ISSUER, "digits": DIGITS, "period": STEP_MS // 1000}
    return f"otpauth://totp/{label}?{urlencode(asked)}"
