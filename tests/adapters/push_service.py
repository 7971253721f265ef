"""A browser with a push subscription: it decrypts by itself what was made for it alone.

It looks at who sent it. Written from RFC 8188, 8291 and 8292, with none of the product's code.
"""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def tobase64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hkdf(salt: bytes, key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


class Browser:
    def __init__(
        self, endpoint: str, private: ec.EllipticCurvePrivateKey | None = None, auth: bytes = b""
    ) -> None:
        self.endpoint = endpoint
        self._private = private or ec.generate_private_key(ec.SECP256R1())
        self._auth = auth or b"sixteen bytes ok"
        self.point = self._private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def subscription(self) -> str:
        keys = {"p256dh": tobase64(self.point), "auth": tobase64(self._auth)}
        document = {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}
        return json.dumps(document)

    def read(self, body: bytes) -> bytes:
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender = body[21 : 21 + length]
        text = body[21 + length :]
        assert len(text) <= size
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        secret = self._private.exchange(ec.ECDH(), public)
        info = b"WebPush: info\x00" + self.point + sender
        key = hkdf(self._auth, secret, info, 32)
        content = hkdf(salt, key, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = hkdf(salt, key, b"Content-Encoding: nonce\x00", 12)
        padded = AESGCM(content).decrypt(nonce, text, None)
        plain, mark, padding = padded.rpartition(b"\x02")
        assert mark, "no delimiter of a last record"
        assert not padding.strip(b"\x00"), "padding that is not zeros"
        return plain


def claims_of(authorization: str) -> tuple[dict[str, Any], bytes]:
    """The claims of a VAPID header and the key that signed them; raises when the signature is not
    of that key."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    point = unbase64(parts["k"])
    head, claims, signature = parts["t"].split(".")
    assert json.loads(unbase64(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = unbase64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    return json.loads(unbase64(claims)), point
