"""What a person is found by: name, readings of the name, telephones, address. Pure.

Of each term all its beginnings are kept, so that what somebody types is looked up as it stands: in
a sealed book they are blind codes (ADR 0020), of which nothing but equality can be asked. A name
has every reading of each character, for surnames are read otherwise than the dictionary's first
(单 shàn, 仇 qiú, 解 xiè). Of an address its grams are kept, beside the home.
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
VERSION: Final = "3"
# The column's width.
TERM_MAX: Final = 96
# Readings of one name: four characters of three readings have 81, of which the rarest are left out.
READINGS_MAX: Final = 64
# Of the characters of names a few thousand are in use.
CHARACTERS_KEPT: Final = 8_192
# Beginnings of a name that are kept; what is typed beyond them is not looked at. The longest names
# in use have some twenty characters, and their readings are told apart long before that.
NAME_MAX: Final = 24
LETTERS_MAX: Final = 24
# One letter begins the readings of a tenth of everybody: initials will do.
LETTERS_MIN: Final = 2
# Parts of an address by which it is found; longer texts are found by all of their parts.
GRAM_MAX: Final = 3
# Villages and house numbers lie within the first characters of an address.
ADDRESS_MAX: Final = 48
# Telephones are asked for whole, or by their last digits.
PHONE_TAILS: Final = (8, 7, 6, 5, 4)
PHONE_MIN: Final = 3
# The last code point of a range of ids that begin with a text.
LAST: Final = "\U0010ffff"
# A whole term comes before the beginning of one: kinds are counted in twos.
STEP: Final = 2


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
    """What somebody typed: an identity number, which is exact, or terms by their kind."""

    id_number: str = ""
    term: str = ""
    kinds: frozenset[Kind] = frozenset()

    @property
    def last(self) -> str:
        return self.term + LAST

    def key(self, kind: Kind) -> str:
        """What a term of this kind begins with where this question finds it."""
        return self.term[: _LENGTHS.get(kind, TERM_MAX)]

    @property
    def grams(self) -> tuple[str, ...]:
        """Parts of an address, of which it must have all."""
        term = self.term[:ADDRESS_MAX]
        if len(term) <= GRAM_MAX:
            return (term,)
        places = [*range(0, len(term) - GRAM_MAX, GRAM_MAX), len(term) - GRAM_MAX]
        return tuple(dict.fromkeys(term[place : place + GRAM_MAX] for place in places))


PHONES: Final = frozenset({Kind.PHONE, Kind.CONTACT})

# A term, and its kind in twos: `Kind * STEP` where it is whole, one more where it begins one.
Terms = frozenset[tuple[str, int]]

_NAMES: Final = frozenset({Kind.NAME, Kind.NAME_INSIDE})
_LETTERS: Final = frozenset({Kind.PINYIN, Kind.INITIALS, Kind.PINYIN_INSIDE})
_LENGTHS: Final = dict.fromkeys(_NAMES, NAME_MAX) | dict.fromkeys(_LETTERS, LETTERS_MAX)
# Asked for by their readings only from so many letters on.
_LONG: Final = frozenset({Kind.PINYIN, Kind.PINYIN_INSIDE})


def what_of(kind: Kind) -> str:
    """What a term is blinded as: the same text of another kind has another code."""
    return "phone" if kind in PHONES else f"term {kind.name.lower()}"


GRAM: Final = "term address"


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
        letters = _LETTERS if len(term) >= LETTERS_MIN else frozenset({Kind.INITIALS})
        return Question(term=term[:TERM_MAX], kinds=letters | _NAMES | {Kind.ID, Kind.ADDRESS})
    return Question(term=term[:TERM_MAX], kinds=_NAMES | {Kind.ADDRESS})


_POINTS: Final = str.maketrans("", "", "·•.'’")


def plain(text: str) -> str:
    """As it is compared: narrow forms, small letters, no spaces, points or apostrophes."""
    narrowed = unicodedata.normalize("NFKC", text).lower()
    return "".join(narrowed.split()).translate(_POINTS)


def terms_of(person: Mapping[str, Any], phones: Iterable[str]) -> Terms:
    """The terms of a row of the register; `phones` are those of the contacts."""
    whole = _of_name(plain(person["name"]))
    found = {(term, kind * STEP + 1) for text, kind in whole for term in _beginnings(text, kind)}
    exact = {(text, kind) for text, kind in whole if len(text) <= _LENGTHS[kind]}
    exact |= _of_phone(person["phone"], Kind.PHONE, PHONE_TAILS)
    for phone in phones:
        exact |= _of_phone(phone, Kind.CONTACT, PHONE_TAILS[-1:])
    exact.add((plain(person["id"]), Kind.ID))
    # Of what is whole and the beginning of another the better is kept.
    better = {(term, kind * STEP) for term, kind in exact}
    found -= {(term, place + 1) for term, place in better}
    return frozenset((term[:TERM_MAX], place) for term, place in found | better if term)


def grams_of(address: str) -> frozenset[str]:
    """The parts of an address that are kept."""
    text = plain(address)[:ADDRESS_MAX]
    return frozenset(
        text[start : start + length]
        for length in range(1, GRAM_MAX + 1)
        for start in range(len(text) - length + 1)
    )


def _beginnings(text: str, kind: Kind) -> Iterable[str]:
    least = LETTERS_MIN if kind in _LONG else 1
    return (text[:length] for length in range(least, min(len(text), _LENGTHS[kind]) + 1))


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
