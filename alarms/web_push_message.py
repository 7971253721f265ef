"""A push message as a browser's service takes it: encrypted for the browser alone, with our name.

    salt (16) | record size (4) | length (1) | our public key (65) | ciphertext of text | 0x02

Source: RFC 8188, 2.1 (aes128gcm, one record), RFC 8291, 3 (keys from the subscription), RFC 8292, 2
(VAPID: an ES256 JWT with the service's origin). Checked with the example of RFC 8291, appendix A.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from alarms.own_keys import public_bytes

RECORD_BYTES: Final = 4096
# What services promise to carry (RFC 8030, 7.2), without header, delimiter and tag.
TEXT_BYTES_MAX: Final = 4096 - 86 - 17
SALT_BYTES: Final = 16
AUTH_BYTES: Final = 16
POINT_BYTES: Final = 65
ENDPOINT_LENGTH_MAX: Final = 2000
# At most a day (RFC 8292, 2); half of it allows for our clock.
TOKEN_VALID_S: Final = 12 * 3600


class BadSubscription(ValueError):  # noqa: N818 - the reason itself
    """What is no subscription of a browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """`PushSubscription.toJSON()` of a browser."""

    endpoint: str
    point: bytes
    auth: bytes

    @property
    def origin(self) -> str:
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"


def subscription(text: str) -> Subscription:
    """BadSubscription says what is wrong with it."""
    try:
        document = json.loads(text)
        keys = document["keys"]
        endpoint, point, auth = (
            str(document["endpoint"]),
            from_base64(keys["p256dh"]),
            from_base64(keys["auth"]),
        )
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, KeyError, TypeError, RecursionError, UnsupportedAlgorithm) as error:
        raise BadSubscription(f"not a push subscription: {type(error).__name__}") from None
    if not endpoint.startswith("https://") or len(endpoint) > ENDPOINT_LENGTH_MAX:
        raise BadSubscription("the endpoint must be https://…")
    if len(point) != POINT_BYTES or len(auth) != AUTH_BYTES:
        raise BadSubscription("keys of another length")
    return Subscription(endpoint=endpoint, point=point, auth=auth)


def canonical(text: str) -> str:
    """A subscription as it is kept: only what is needed, always the same for the same browser."""
    found = subscription(text)
    keys = {"p256dh": to_base64(found.point), "auth": to_base64(found.auth)}
    return json.dumps({"endpoint": found.endpoint, "keys": keys}, separators=(",", ":"))


def encrypt(
    to: Subscription, text: bytes, *, ours: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """`ours`: a key for this message alone; `salt`: 16 random bytes."""
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), to.point)
    our_point = public_bytes(ours)
    shared = _expand(
        _mac(to.auth, ours.exchange(ec.ECDH(), theirs)),
        b"WebPush: info\0" + to.point + our_point,
    )
    pseudo_random = _mac(salt, shared)
    key = _expand(pseudo_random, b"Content-Encoding: aes128gcm\0")[:16]
    nonce = _expand(pseudo_random, b"Content-Encoding: nonce\0")[:12]
    head = salt + RECORD_BYTES.to_bytes(4) + len(our_point).to_bytes(1) + our_point
    return head + AESGCM(key).encrypt(nonce, text + b"\x02", None)


def authorization(key: ec.EllipticCurvePrivateKey, origin: str, subject: str, now_s: int) -> str:
    """The header `Authorization` (RFC 8292, 3)."""
    head = _part({"typ": "JWT", "alg": "ES256"})
    claims = _part({"aud": origin, "exp": now_s + TOKEN_VALID_S, "sub": subject})
    signed = f"{head}.{claims}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    token = f"{signed}.{to_base64(r.to_bytes(32) + s.to_bytes(32))}"
    return f"vapid t={token}, k={to_base64(public_bytes(key))}"


def to_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _part(document: dict[str, object]) -> str:
    return to_base64(json.dumps(document, separators=(",", ":")).encode())


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _expand(key: bytes, info: bytes) -> bytes:
    """The first block of HKDF's expansion (RFC 5869, 2.3)."""
    return _mac(key, info + b"\x01")
