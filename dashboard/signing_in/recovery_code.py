"""Codes on paper for whoever lost the second factor; each opens once. Pure."""

import base64
import hashlib
import re
from typing import Final

# 80 bits: nobody guesses one, so a plain digest of it is enough.
CODE_BYTES: Final = 10
# As many as fit a small card; who has used some makes new ones.
COUNT: Final = 10
_BLANK: Final = re.compile(r"[\s-]+")
# What people write for what they read.
_MISREAD: Final = str.maketrans({"0": "o", "1": "l", "8": "b"})


def written(random: bytes) -> str:
    """Four groups of four, of letters and digits that base32 has."""
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def digest_of(username: str, code: str) -> str:
    """However it was typed: large or small, with or without hyphens."""
    plain = _BLANK.sub("", code).lower().translate(_MISREAD)
    return hashlib.sha256(f"recovery\0{username}\0{plain}".encode()).hexdigest()


def looks_like_one(text: str) -> bool:
    return len(_BLANK.sub("", text)) == CODE_BYTES * 8 // 5
