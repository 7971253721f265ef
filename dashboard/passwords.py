"""Passwords: what is acceptable, and argon2id in worker threads."""

import asyncio
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.signing_in.guessing import GUESSES_LOG10_MIN, guesses_log10

# OWASP ASVS 5.0, 6.2.1 asks for 8 and advises 15; the longest bounds the work of a login.
LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 128
# A password of three different characters is guessed first.
DISTINCT_MIN: Final = 5
# Each verification holds 64 MiB; more at once would starve a small hub, so logins queue.
PARALLEL_MAX: Final = 2


class WeakPassword(ValueError):  # noqa: N818 - an answer to a user, not a fault
    """Why this password is refused, in words for the user."""


def check_password(password: str, username: str, about: Iterable[str] = ()) -> str:
    """The password if it may be used, else WeakPassword. `about`: its owner's name, telephone
    number, region. Takes up to 0.2 s of computing; no rule asks for kinds of characters."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise WeakPassword(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if len(set(password)) < DISTINCT_MIN:
        raise WeakPassword(f"a password has at least {DISTINCT_MIN} different characters")
    if username and username.casefold() in password.casefold():
        raise WeakPassword("a password must not contain the username")
    if guesses_log10(password, (username, *about)) < GUESSES_LOG10_MIN:
        raise WeakPassword("many people have such a password, or it is soon guessed of you")
    return password


class Passwords:
    """Hashes and verifies; the hasher's defaults are RFC 9106's second recommendation."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._limit = asyncio.Semaphore(PARALLEL_MAX)

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """True if right. Without a stored hash it takes as long and says no."""
        try:
            right = self._hasher.verify(self._decoy if stored is None else stored, password)
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """True when a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def hash_async(self, password: str) -> str:
        async with self._limit:
            return await asyncio.to_thread(self.hash, password)

    async def verify_async(self, stored: str | None, password: str) -> bool:
        async with self._limit:
            return await asyncio.to_thread(self.verify, stored, password)

    @cached_property
    def _decoy(self) -> str:
        """What unknown usernames are verified against, so that they answer no faster."""
        return self._hasher.hash("nobody has this password")
