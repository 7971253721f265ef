"""The keys in use: sealing, opening, and blind indexes of one book.

Connections carry the ring (`ledger/sealing/at_connection.py`), so that what is read is open without
anybody's doing; what is to be sealed says so where it is written. Keys of owners are unwrapped when
they are first wanted. Threads share a ring.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.sealing import key_file, tokens
from ledger.sealing.key_file import Keys
from ledger.sealing.tokens import MARK_BYTES, BrokenSeal, Form

# A row of `person_key`: owner, kek, wrapped.
OwnersKey = tuple[str, str, bytes | None]
# Rows as they are committed: of one owner, or of all.
Fetch = Callable[[str | None], Sequence[OwnersKey]]
OWNERS_KEYS: Final = "SELECT owner, kek, wrapped FROM person_key"

# What words of a list are blinded as.
WORD: Final = "word"
# What is empty says nothing that is worth a key, and must stay empty for whoever asks for it.
_EMPTY: Final = frozenset({"", "[]", "{}"})


class Erased(Exception):  # noqa: N818
    """The owner's key is destroyed: nothing can be written about her any more."""


class Ring:
    """`path`: the key file, which is read when it is first needed. `opened` counts what was opened,
    `unreadable` what could not be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = 0
        self.unreadable = 0
        self._fetch: Fetch = lambda _owner: ()
        self._keys: Keys | None = None
        self._stored: dict[str, tuple[str, bytes | None]] = {}
        self._all_read = False
        # None: destroyed.
        self._ciphers: dict[str, AESGCM | None] = {}
        self._words: dict[str, str] = {}
        self._lock = threading.RLock()

    def __reduce__(self) -> "tuple[type[Ring], tuple[Path]]":
        """Another process reads the file for itself."""
        return Ring, (self.path,)

    def use(self, fetch: Fetch) -> None:
        """Where the owners' keys are."""
        self._fetch = fetch

    @property
    def keys(self) -> Keys:
        """KeyFileError."""
        if self._keys is None:
            self._keys = key_file.read(self.path)
        return self._keys

    def read_again(self) -> Keys:
        self._keys = None
        return self.keys

    # Reading.

    def text(self, raw: bytes) -> str:
        """A text of the database, opened where it is sealed; called for every one that is read."""
        if not raw.startswith(MARK_BYTES):
            return raw.decode()
        try:
            form, owner, hidden = tokens.parts(raw.decode())
        except BrokenSeal:
            # Somebody typed it before there were seals.
            return raw.decode()
        self.opened += 1
        try:
            return self._opened(form, owner, hidden)
        except (BrokenSeal, KeyError):
            # One damaged row must not keep the hub from starting; `doctor` tells of it.
            self.unreadable += 1
            return tokens.nothing(form)

    def token(self, stored: str) -> str:
        """A text that was read as it is stored."""
        return self.text(stored.encode())

    def _opened(self, form: str, owner: str, hidden: str) -> str:
        for last in (False, True):
            cipher = self._cipher(owner)
            if cipher is None:
                return tokens.nothing(form)
            try:
                return tokens.opened(cipher, form, owner, hidden)
            except BrokenSeal:
                if last or owner in self._stored:
                    raise
                # The key in use was taken back, and another program has made one since.
                self._ciphers.pop(owner, None)
        raise AssertionError

    def content(self, stored: bytes) -> bytes:
        """Bytes, opened where they are sealed; none where they can't be."""
        if not stored.startswith(MARK_BYTES):
            return stored
        self.opened += 1
        try:
            owner, hidden = tokens.parts_of_bytes(stored)
            cipher = self._cipher(owner)
            return b"" if cipher is None else tokens.opened_bytes(cipher, owner, hidden)
        except (BrokenSeal, KeyError):
            self.unreadable += 1
            return b""

    def _cipher(self, owner: str) -> AESGCM | None:
        """KeyError: there is no such key. BrokenSeal: it can't be unwrapped."""
        if owner in self._ciphers:
            return self._ciphers[owner]
        with self._lock:
            self._read_all()
            if owner not in self._stored:
                self._take(self._fetch(owner))
            kek_id, wrapped = self._stored[owner]
            self._ciphers[owner] = self._unwrapped(owner, kek_id, wrapped)
            return self._ciphers[owner]

    def _read_all(self) -> None:
        """Once. What is made later is found by its owner."""
        with self._lock:
            if not self._all_read:
                self._take(self._fetch(None))
                self._all_read = True

    def _take(self, rows: Sequence[OwnersKey]) -> None:
        for owner, kek_id, wrapped in rows:
            self._stored[owner] = (kek_id, None if wrapped is None else bytes(wrapped))

    def _unwrapped(self, owner: str, kek_id: str, wrapped: bytes | None) -> AESGCM | None:
        if wrapped is None:
            return None
        # A key that was made since by `hearthwatch keys rotate`.
        kek = self.keys.kek(kek_id) or self.read_again().kek(kek_id)
        if kek is None:
            raise KeyError(kek_id)
        return AESGCM(tokens.unwrapped(kek.cipher, kek_id, owner, wrapped))

    # Writing.

    # Whoever writes asks for the keys of people who are new by the thousand: what is not in memory
    # is not looked for, the transaction itself finds out.

    def known(self, owner: str) -> bool:
        """Whether its key was committed as far as this ring has read; Erased when it is
        destroyed."""
        if self.erased(owner):
            raise Erased(owner)
        return owner in self._stored

    def erased(self, owner: str) -> bool:
        """Whether its key was destroyed, by this hub or before it began."""
        self._read_all()
        if owner in self._ciphers:
            return self._ciphers[owner] is None
        return owner in self._stored and self._stored[owner][1] is None

    def draw(self, owner: str) -> tuple[str, bytes]:
        """A new key for it as it is stored: the name of what wraps it, and the rest. It is in use
        when it is adopted."""
        kek = self.keys.newest
        key = os.urandom(tokens.KEY_BYTES)
        nonce = os.urandom(tokens.NONCE_BYTES)
        return kek.id, tokens.wrapped(kek.cipher, kek.id, owner, key, nonce)

    def adopt(self, owner: str, kek_id: str, wrapped: bytes | None) -> None:
        """Use the key that a transaction has for it, which may yet be taken back: so it isn't taken
        for stored."""
        with self._lock:
            self._ciphers[owner] = self._unwrapped(owner, kek_id, wrapped)

    def sealed(self, owner: str, form: Form, text: str) -> str:
        """KeyError: it has no key yet. Erased."""
        if text in _EMPTY:
            return text
        return tokens.sealed(
            self._writing(owner), owner, form, text, os.urandom(tokens.NONCE_BYTES)
        )

    def sealed_content(self, owner: str, content: bytes) -> bytes:
        """As `sealed`."""
        cipher = self._writing(owner)
        return tokens.sealed_bytes(cipher, owner, content, os.urandom(tokens.NONCE_BYTES))

    def _writing(self, owner: str) -> AESGCM:
        cipher = self._cipher(owner)
        if cipher is None:
            raise Erased(owner)
        return cipher

    def forget(self, owner: str) -> None:
        """Its key was destroyed in the book."""
        with self._lock:
            self._ciphers[owner] = None
            self._stored[owner] = ("", None)

    def word(self, word: str) -> str:
        """The code of a word of a known list (`ledger/sealing/codes.py`), which are few."""
        found = self._words.get(word)
        if found is None:
            found = self._words[word] = self.blind(WORD, word)
        return found

    def blind(self, what: str, text: str) -> str:
        return tokens.blind(self.keys.index, what, text) if text else ""
