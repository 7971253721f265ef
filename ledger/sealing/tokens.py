"""A sealed text: AES-256-GCM under the key of its owner, with the owner's name in clear. Pure: the
caller brings keys and nonces.

    sealed:1:<form>:<owner>:<base64 of nonce, cipher text and tag>

The form says what stands in its place once the key is destroyed, so that whoever reads a column
of JSON still reads JSON.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# text, a JSON object, a JSON list
Form = Literal["t", "j", "l"]

MARK: Final = "sealed:1:"
MARK_BYTES: Final = MARK.encode()
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
# Hex of 128 bits: shorter than the telephone numbers' column of terms, and no two collide.
BLIND_LENGTH: Final = 32

# Where the key is gone, and where the seal is broken: what nobody has to know how to read.
_NOTHING: Final[dict[str, str]] = {"t": "", "j": "{}", "l": "[]"}


class SealedText(str):
    """A text that was sealed here, and not one that somebody typed to look like it."""

    __slots__ = ()


class BrokenSeal(Exception):  # noqa: N818
    """Not what was sealed: damaged, or moved to another owner."""


def sealed(cipher: AESGCM, owner: str, form: Form, text: str, nonce: bytes) -> SealedText:
    hidden = nonce + cipher.encrypt(nonce, text.encode(), _bound(owner, form))
    return SealedText(f"{MARK}{form}:{owner}:{base64.b64encode(hidden).decode()}")


def parts(token: str) -> tuple[str, str, str]:
    """Form, owner and what is hidden; BrokenSeal. An owner may have a colon of its own."""
    form, _, rest = token[len(MARK) :].partition(":")
    owner, _, hidden = rest.rpartition(":")
    if form not in _NOTHING or not owner:
        raise BrokenSeal
    return form, owner, hidden


def opened(cipher: AESGCM, form: str, owner: str, hidden: str) -> str:
    """BrokenSeal."""
    try:
        raw = base64.b64decode(hidden, validate=True)
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(owner, form)).decode()
    except (binascii.Error, InvalidTag, ValueError) as error:
        raise BrokenSeal from error


def sealed_bytes(cipher: AESGCM, owner: str, content: bytes, nonce: bytes) -> bytes:
    hidden = nonce + cipher.encrypt(nonce, content, _bound(owner, "b"))
    return MARK_BYTES + owner.encode() + b"\0" + hidden


def parts_of_bytes(token: bytes) -> tuple[str, bytes]:
    """Owner and what is hidden; BrokenSeal."""
    owner, zero, hidden = token[len(MARK_BYTES) :].partition(b"\0")
    if not zero:
        raise BrokenSeal
    return owner.decode(errors="replace"), hidden


def opened_bytes(cipher: AESGCM, owner: str, hidden: bytes) -> bytes:
    """BrokenSeal."""
    try:
        return cipher.decrypt(hidden[:NONCE_BYTES], hidden[NONCE_BYTES:], _bound(owner, "b"))
    except (InvalidTag, ValueError) as error:
        raise BrokenSeal from error


def nothing(form: str) -> str:
    """What stands where it can't be opened."""
    return _NOTHING[form]


def wrapped(kek: AESGCM, kek_id: str, owner: str, key: bytes, nonce: bytes) -> bytes:
    """An owner's key, as it lies in the book."""
    return nonce + kek.encrypt(nonce, key, _holder(owner, kek_id))


def unwrapped(kek: AESGCM, kek_id: str, owner: str, hidden: bytes) -> bytes:
    """BrokenSeal."""
    try:
        return kek.decrypt(hidden[:NONCE_BYTES], hidden[NONCE_BYTES:], _holder(owner, kek_id))
    except (InvalidTag, ValueError) as error:
        raise BrokenSeal from error


def blind(index_key: bytes, what: str, text: str) -> str:
    """Finds equals without saying what they are; `what` keeps a number that is somebody's
    telephone from being somebody else's identity number."""
    told = f"{what}\0{text}".encode()
    return hmac.new(index_key, told, hashlib.sha256).hexdigest()[:BLIND_LENGTH]


def _bound(owner: str, form: str) -> bytes:
    return f"hearthwatch sealed 1\0{form}\0{owner}".encode()


def _holder(owner: str, kek_id: str) -> bytes:
    return f"hearthwatch key 1\0{kek_id}\0{owner}".encode()
