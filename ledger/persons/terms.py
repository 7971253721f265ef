"""What a person is found by: name, readings of the name, telephones, address. Pure.

Terms are made when a person is written and looked up by what they begin with; what lies inside a
text is a term of its own from there to the end. A name has every reading of each character, for
surnames are read otherwise than the dictionary's first (单 shàn, 仇 qiú, 解 xiè).
"""

import itertools
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

from ledger.forms import id_number

# Written into the book's `meta`: when terms are made otherwise, all are made anew.
VERSION: Final = "2"
# The column's width.
TERM_MAX: Final = 96
# Readings of one name: four characters of three readings have 81, of which the rarest are left out.
READINGS_MAX: Final = 64
# Of the characters of names a few thousand are in use.
CHARACTERS_KEPT: Final = 8_192
# Villages and house numbers lie within the first characters of an address.
ADDRESS_PLACES_MAX: Final = 32
# Telephones are asked for whole, or by their last digits.
PHONE_TAILS: Final = (8, 7, 6, 5, 4)
PHONE_MIN: Final = 3
# The last code point of a range of terms that begin with a text.
LAST: Final = "\U0010ffff"


class Kind(IntEnum):
    """In the order in which who is found comes: the smaller first."""

    NAME = 0
    NAME_INSIDE = 1
    PINYIN = 2
    INITIALS = 3
    PINYIN_INSIDE = 4
    ID = 5
    PHONE = 6
    CONTACT = 7
    ADDRESS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody typed: an identity number, which is exact, or the beginning of terms."""

    id_number: str = ""
    term: str = ""
    kinds: frozenset[Kind] = frozenset()

    @property
    def last(self) -> str:
        return self.term + LAST


# Kinds whose terms stand in a sealed book as blind ones, and what they are blinded as.
PHONES: Final = frozenset({Kind.PHONE, Kind.CONTACT})
PHONE: Final = "phone"

Terms = frozenset[tuple[str, Kind]]

_NAMES: Final = frozenset({Kind.NAME, Kind.NAME_INSIDE})
_LETTERS: Final = frozenset({Kind.PINYIN, Kind.INITIALS, Kind.PINYIN_INSIDE})


def ask(text: str) -> Question | None:
    """None: nothing that anybody could be found by."""
    term = plain(text)
    if not term:
        return None
    if isinstance(read := id_number.read(term), id_number.IdNumber):
        return Question(id_number=read.text)
    digits = term.removeprefix("+86")
    if digits.isascii() and digits.replace("-", "").isdigit():
        digits = digits.replace("-", "")
        kinds = {Kind.ADDRESS, Kind.ID}
        if len(digits) >= PHONE_MIN:
            kinds |= {Kind.PHONE, Kind.CONTACT}
        return Question(term=digits[:TERM_MAX], kinds=frozenset(kinds))
    if term.isascii():
        # One letter begins the readings of a tenth of everybody: initials will do.
        letters = _LETTERS if len(term) > 1 else frozenset({Kind.INITIALS})
        return Question(term=term[:TERM_MAX], kinds=letters | _NAMES | {Kind.ID, Kind.ADDRESS})
    return Question(term=term[:TERM_MAX], kinds=_NAMES | {Kind.ADDRESS})


_POINTS: Final = str.maketrans("", "", "·•.'’")


def plain(text: str) -> str:
    """As it is compared: narrow forms, small letters, no spaces, points or apostrophes."""
    narrowed = unicodedata.normalize("NFKC", text).lower()
    return "".join(narrowed.split()).translate(_POINTS)


def terms_of(person: Mapping[str, Any], address: str, phones: Iterable[str]) -> Terms:
    """The terms of a row of the register; `phones` are those of the contacts."""
    found: set[tuple[str, Kind]] = set()
    found |= _of_name(plain(person["name"]))
    found |= _of_phone(person["phone"], Kind.PHONE, PHONE_TAILS)
    for phone in phones:
        found |= _of_phone(phone, Kind.CONTACT, PHONE_TAILS[-1:])
    found.add((plain(person["id"]), Kind.ID))
    place = plain(address)
    for start in range(min(len(place), ADDRESS_PLACES_MAX)):
        found.add((place[start:], Kind.ADDRESS))
    return frozenset((term[:TERM_MAX], kind) for term, kind in found if term)


def _of_name(name: str) -> set[tuple[str, Kind]]:
    found = {(name, Kind.NAME)}
    found |= {(name[start:], Kind.NAME_INSIDE) for start in range(1, len(name))}
    for reading in _readings(name):
        initials = "".join(syllable[0] for syllable in reading)
        found.add(("".join(reading), Kind.PINYIN))
        # Typed as input methods take it: the surname whole, then initials.
        found.add((reading[0] + initials[1:], Kind.PINYIN))
        found.add((initials, Kind.INITIALS))
        for start in range(1, len(reading)):
            found.add(("".join(reading[start:]), Kind.PINYIN_INSIDE))
    return found


def _readings(name: str) -> list[tuple[str, ...]]:
    """Every way to read a name, the usual first; none of a name without Chinese characters."""
    syllables = [_syllables(character) for character in name]
    if not any(len(c) == 1 and not c.isascii() for c in name) or not syllables:
        return []
    return list(itertools.islice(itertools.product(*syllables), READINGS_MAX))


@lru_cache(maxsize=CHARACTERS_KEPT)
def _syllables(character: str) -> tuple[str, ...]:
    # Its dictionary takes a moment to load: a process that searches for nobody never does.
    from pypinyin import Style, pinyin

    if character.isascii():
        return (character,)
    [readings] = pinyin(character, style=Style.NORMAL, heteronym=True)
    found: list[str] = []
    for reading in readings:
        # 吕 is typed lv, and lu by who has no ü.
        forms = (reading.replace("ü", "v"), reading.replace("ü", "u"))
        found += [form for form in forms if form.isascii() and form not in found]
    return tuple(found) or (character,)


def _of_phone(text: str, kind: Kind, tails: Iterable[int]) -> set[tuple[str, Kind]]:
    digits = "".join(c for c in plain(text).removeprefix("+86") if c.isdigit())
    if len(digits) < PHONE_MIN:
        return set()
    return {(digits, kind)} | {(digits[-tail:], kind) for tail in tails if tail < len(digits)}
