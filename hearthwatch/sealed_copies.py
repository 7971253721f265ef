"""A copy as it leaves the hub: AES-256-GCM over chunks, by a key that lies outside book and copy.

    HWCOPY1 | length of the header | header (JSON: key, salt) | chunk | chunk | …

A chunk is 64 KiB of cipher text and its tag. Each file has a key of its own, drawn from the key
file and the header's salt (HKDF-SHA256), so that numbers of chunks may be nonces. The last chunk
says so in its nonce: a copy that was cut off, or whose chunks were moved, is not opened.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contract.config import ConfigError
from ledger.archive import ArchiveError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC: Final = b"HWCOPY1\n"
KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
# What is held in memory at once; 28 bytes a chunk more is nothing.
CHUNK: Final = 64 * 1024
TAG: Final = 16
# The header has two short fields; more is no header of ours.
HEADER_MAX: Final = 1024
# Enough to tell keys apart, and nothing of the key.
ID_LENGTH: Final = 16
_PURPOSE: Final = b"hearthwatch copy 1"
_LENGTH_BYTES: Final = 4
_LAST: Final = b"\x01"
_MORE: Final = b"\x00"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CopyKey:
    """What seals copies. `id` stands in each of them."""

    raw: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(_PURPOSE + self.raw).hexdigest()[:ID_LENGTH]


def read_key(path: Path) -> CopyKey:
    """64 hexadecimal digits, as `make_key` has them. ConfigError: not there, or none."""
    try:
        raw = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ConfigError("backup.key_file", f"cannot read {path}: {error.strerror}") from error
    except ValueError:
        raise ConfigError("backup.key_file", f"{path}: not a key of copies") from None
    if len(raw) != KEY_BYTES:
        raise ConfigError("backup.key_file", f"{path}: expected {KEY_BYTES * 2} hex digits")
    return CopyKey(raw=raw)


def make_key(path: Path) -> CopyKey:
    """A new one, for its owner alone; FileExistsError: it never takes the place of another."""
    key = CopyKey(raw=os.urandom(KEY_BYTES))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"{key.raw.hex()}\n")
        out.flush()
        os.fsync(out.fileno())
    return key


class Sealing(io.RawIOBase):
    """What is written comes out sealed; `close` writes the last chunk and leaves `out` open."""

    def __init__(self, out: BinaryIO, key: CopyKey) -> None:
        self._out = out
        salt = os.urandom(SALT_BYTES)
        header = json.dumps({"key": key.id, "salt": salt.hex()}).encode()
        self._head = MAGIC + len(header).to_bytes(_LENGTH_BYTES, "big") + header
        self._cipher = _cipher(key, salt)
        self._waiting = bytearray()
        self._number = 0
        out.write(self._head)

    def writable(self) -> bool:
        return True

    def write(self, data: "Buffer", /) -> int:
        self._waiting += data
        # One more than a chunk must wait: the last is written otherwise.
        while len(self._waiting) > CHUNK:
            self._chunk(bytes(self._waiting[:CHUNK]), _MORE)
            del self._waiting[:CHUNK]
        return memoryview(data).nbytes

    def close(self) -> None:
        if not self.closed:
            self._chunk(bytes(self._waiting), _LAST)
            self._waiting.clear()
        super().close()

    def _chunk(self, plain: bytes, last: bytes) -> None:
        nonce = _nonce(self._number, last)
        self._out.write(self._cipher.encrypt(nonce, plain, self._head))
        self._number += 1


class Opening(io.RawIOBase):
    """A sealed copy to be read from any place. ArchiveError: not sealed with this key, or not as it
    was written; nothing of a chunk is given out before its tag was checked."""

    def __init__(self, source: BinaryIO, key: CopyKey | None, name: str) -> None:
        self._source, self._name = source, name
        self._head, id_, salt = _header(source, name)
        if key is None:
            raise ArchiveError(
                f"{name} is sealed with key {id_}: name its file ([backup] key_file)"
            )
        if id_ != key.id:
            raise ArchiveError(f"{name} is sealed with key {id_}, and this one is {key.id}")
        self._cipher = _cipher(key, salt)
        source.seek(0, os.SEEK_END)
        sealed = source.tell() - len(self._head)
        self._chunks = max(1, -(-sealed // (CHUNK + TAG)))
        self._size = sealed - self._chunks * TAG
        self._at = 0
        self._held: tuple[int, bytes] = (-1, b"")
        # That the end is there is known before anything is taken from it.
        self._plain(self._chunks - 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "Buffer", /) -> int:
        into = memoryview(buffer).cast("B")
        # As much as there is: who reads a directory of a zip takes what is short for its end.
        filled = 0
        while filled < len(into) and self._at < self._size:
            number, within = divmod(self._at, CHUNK)
            part = self._plain(number)[within : within + len(into) - filled]
            into[filled : filled + len(part)] = part
            filled += len(part)
            self._at += len(part)
        return filled

    def _plain(self, number: int) -> bytes:
        if self._held[0] == number:
            return self._held[1]
        self._source.seek(len(self._head) + number * (CHUNK + TAG))
        sealed = self._source.read(CHUNK + TAG)
        nonce = _nonce(number, _LAST if number == self._chunks - 1 else _MORE)
        try:
            plain = self._cipher.decrypt(nonce, sealed, self._head)
        except (InvalidTag, ValueError) as error:
            raise ArchiveError(f"{self._name} is damaged, or not whole") from error
        self._held = (number, plain)
        return plain


@contextmanager
def sealed_into(out: BinaryIO, key: CopyKey | None) -> Iterator[BinaryIO]:
    """Where a copy is written to: sealed, where there is a key for it."""
    if key is None:
        yield out
        return
    with Sealing(out, key) as sink:
        yield cast("BinaryIO", sink)


@contextmanager
def opened_copy(path: Path, key: CopyKey | None) -> Iterator[zipfile.ZipFile]:
    """A copy as it was written, sealed or not. ArchiveError, OSError."""
    with path.open("rb") as raw:
        source = Opening(raw, key, str(path)) if is_sealed(raw) else raw
        try:
            with zipfile.ZipFile(cast("BinaryIO", source)) as file:
                yield file
        except zipfile.BadZipFile as error:
            raise ArchiveError(f"{path} is no whole copy: {error}") from error


def is_sealed(source: BinaryIO) -> bool:
    """Whether it begins as a sealed copy; it is read from its beginning afterwards."""
    begun = source.read(len(MAGIC))
    source.seek(0)
    return begun == MAGIC


def _header(source: BinaryIO, name: str) -> tuple[bytes, str, bytes]:
    begun = source.read(len(MAGIC) + _LENGTH_BYTES)
    length = int.from_bytes(begun[len(MAGIC) :], "big")
    raw = source.read(length) if length <= HEADER_MAX else b""
    try:
        header = json.loads(raw)
        return begun + raw, str(header["key"]), bytes.fromhex(header["salt"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{name} is no whole copy") from error


def _cipher(key: CopyKey, salt: bytes) -> AESGCM:
    drawn = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=_PURPOSE)
    return AESGCM(drawn.derive(key.raw))


def _nonce(number: int, last: bytes) -> bytes:
    return number.to_bytes(11, "big") + last
