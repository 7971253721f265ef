"""Keys that the hub makes for itself at its first start and keeps in its data folder (0600). The
book has them too (`hearthwatch/shared_keys.py`): of several processes each signs with the same."""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

REPLY_KEY_FILE: Final = "reply.key"
VAPID_KEY_FILE: Final = "vapid.pem"
FILES: Final = (REPLY_KEY_FILE, VAPID_KEY_FILE)
REPLY_KEY_BYTES: Final = 32


def reply_key(folder: Path) -> bytes:
    """What reply links are derived from; a new one makes all links invalid that are under way."""
    return _kept(folder / REPLY_KEY_FILE, fresh(REPLY_KEY_FILE))


def vapid_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Who we are to push services (RFC 8292); browsers must register again when it is lost."""
    path = folder / VAPID_KEY_FILE
    key = serialization.load_pem_private_key(_kept(path, fresh(VAPID_KEY_FILE)), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}: expected a P-256 key")
    return key


def fresh(name: str) -> bytes:
    """What a new file of this name holds."""
    if name == REPLY_KEY_FILE:
        return secrets.token_bytes(REPLY_KEY_BYTES)
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def fingerprint(content: bytes) -> str:
    """By which people compare two of them; it tells nothing of the key."""
    return hashlib.sha256(b"own key:" + content).hexdigest()[:16]


def put(path: Path, content: bytes) -> None:
    """In the place of another one, which stays beside it."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_suffix(f"{path.suffix}.before"))
    _kept(path, content)


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The 65 bytes that browsers call applicationServerKey."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _kept(path: Path, new: bytes) -> bytes:
    """What the file holds, made whole at once from `new` when there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f"{path.suffix}.{os.getpid()}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, new)
        os.fsync(handle)
    finally:
        os.close(handle)
    # Two processes that start together: the first one's stays.
    with contextlib.suppress(FileExistsError):
        os.link(half, path)
    half.unlink()
    return path.read_bytes()
