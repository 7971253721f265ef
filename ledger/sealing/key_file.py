"""The file of keys that is not in the database: keys that wrap the persons' keys, and the one that
blind indexes are made with.

The newest wraps, all of them open. Whoever has this file and the book can read everything; whoever
has only one of them can read nothing of what is sealed.
"""

import base64
import json
import os
import secrets
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.moment import to_iso
from ledger.sealing.tokens import KEY_BYTES, blind

FORMAT: Final = 1
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
# Of a key's name: enough that no two of a hub are alike.
_ID_BYTES: Final = 4


class KeyFileError(Exception):
    """The key file is missing, damaged or of another book; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kek:
    """A key-encryption key."""

    id: str
    made_at: str
    key: bytes = field(repr=False)

    @property
    def cipher(self) -> AESGCM:
        return AESGCM(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a key file holds; `keks` from the oldest to the newest, never empty."""

    keks: tuple[Kek, ...]
    index: bytes = field(repr=False)

    @property
    def newest(self) -> Kek:
        return self.keks[-1]

    def kek(self, kek_id: str) -> Kek | None:
        return next((kek for kek in self.keks if kek.id == kek_id), None)

    @property
    def mark(self) -> str:
        """What a book remembers of the file that it was sealed with; says nothing of the keys."""
        return blind(self.index, "mark", "book")


def made(now_ms: int) -> Keys:
    return Keys(keks=(_new_kek(now_ms),), index=secrets.token_bytes(KEY_BYTES))


def with_another(keys: Keys, now_ms: int) -> Keys:
    return replace(keys, keks=(*keys.keks, _new_kek(now_ms)))


def without(keys: Keys, kek_ids: frozenset[str]) -> Keys:
    """The newest stays."""
    kept = tuple(kek for kek in keys.keks[:-1] if kek.id not in kek_ids)
    return replace(keys, keks=(*kept, keys.newest))


def _new_kek(now_ms: int) -> Kek:
    return Kek(
        id=secrets.token_hex(_ID_BYTES),
        made_at=to_iso(now_ms),
        key=secrets.token_bytes(KEY_BYTES),
    )


def read(path: Path) -> Keys:
    """KeyFileError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(f"{path}: there is no such key file; bring back its copy") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(f"{path}: others may read it (mode {mode:04o}); chmod 600 {path}")
    try:
        return _keys(json.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise KeyFileError(f"{path}: damaged, or no key file; bring back its copy") from error


def _keys(document: Any) -> Keys:
    """ValueError, KeyError or TypeError."""
    if document["format"] != FORMAT:
        raise ValueError("another form")
    keks = tuple(
        Kek(id=str(one["id"]), made_at=str(one["made_at"]), key=_key(one["key"]))
        for one in document["keys"]
    )
    if not keks or len({kek.id for kek in keks}) != len(keks):
        raise ValueError("no keys, or two of one name")
    return Keys(keks=keks, index=_key(document["index"]))


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("a key of another length")
    return key


def write(path: Path, keys: Keys) -> None:
    """Whole and durable, or as it was before; nobody else's to read at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    document = {
        "format": FORMAT,
        "keys": [
            {"id": k.id, "made_at": k.made_at, "key": base64.b64encode(k.key).decode()}
            for k in keys.keks
        ],
        "index": base64.b64encode(keys.index).decode(),
    }
    replace_file(path, json.dumps(document, indent=1).encode() + b"\n")


def replace_file(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
