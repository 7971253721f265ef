"""What crosses the wire when a machine becomes a gateway, and when its certificate is renewed.

The code that an installer reads off a screen or a sheet of paper is an address of the hub; what is
secret in it stands behind the `#`, which browsers keep to themselves:

    https://hub.example/enrol#gw-0001.<token>.<fingerprint>

token: 256 bits, once. fingerprint: SHA-256 of the authority's certificate, which the gateway pins:
a hub that can't show that certificate is not the one that made the code. Both as base64url.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

from contract.errors import ContractError
from contract.ids import is_name

PAGE: Final = "/enrol"
TOKEN_BYTES: Final = 32
_FINGERPRINT_BYTES: Final = 32
# An address of 200 characters, the gateway's name and both secrets.
CODE_LENGTH_MAX: Final = 400
_RENEWAL: Final = "hearthwatch renewal 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentCode:
    """`url`: the hub's web address without a path."""

    url: str
    gateway: str
    token: str = field(repr=False)
    fingerprint: bytes

    def text(self) -> str:
        return f"{self.url}{PAGE}#{self.gateway}.{self.token}.{text_of(self.fingerprint)}"


def parse_code(text: str) -> EnrolmentCode:
    """ContractError says what is missing of a code that was not copied whole."""
    text = text.strip()
    if len(text) > CODE_LENGTH_MAX:
        raise ContractError("bad_code", f"a code has at most {CODE_LENGTH_MAX} characters")
    url, hash_, secret = text.partition(f"{PAGE}#")
    if not hash_ or not url.startswith(("https://", "http://")):
        raise ContractError("bad_code", f"a code looks like https://hub.example{PAGE}#gw-0001.…")
    parts = secret.rsplit(".", 2)
    if len(parts) != 3 or not is_name(parts[0]):
        raise ContractError("bad_code", "the code was not copied whole: three parts with dots")
    gateway, token, pinned = parts
    if len(_bytes(token)) != TOKEN_BYTES or len(_bytes(pinned)) != _FINGERPRINT_BYTES:
        raise ContractError("bad_code", "the code was not copied whole: a part is cut")
    return EnrolmentCode(url=url, gateway=gateway, token=token, fingerprint=_bytes(pinned))


def renewal_message(serial: str, request: str) -> bytes:
    """What the key of the certificate `serial` signs (ECDSA, SHA-256) to get another."""
    return f"{_RENEWAL}\n{serial}\n{request}".encode()


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
