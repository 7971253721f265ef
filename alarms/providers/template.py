"""Approved templates of short messages and calls: which of our words goes into which place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alarms.channel import Settings
from alarms.message import WORDS, Message
from contract.config import ConfigError, one_of

# Providers refuse a template's word that is longer (35 at the strictest).
WORD_LENGTH_MAX: Final = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`places`: (name of the place, our word), in the template's order."""

    id: str
    places: Sequence[tuple[str, str]]

    def named(self, message: Message) -> Mapping[str, str]:
        return {name: word_of(message, word) for name, word in self.places}

    def ordered(self, message: Message) -> list[str]:
        return [word_of(message, word) for _name, word in self.places]


def word_of(message: Message, word: str) -> str:
    """Never empty, which providers refuse too."""
    return message.words.get(word, "")[:WORD_LENGTH_MAX] or "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """One for what is told, one for the code that proves a number."""

    alarm: Template
    code: Template | None

    def of(self, message: Message) -> Template | None:
        return self.code if message.kind == "code" else self.alarm


KEYS: Final = ("template", "params", "code_template", "code_params")


def read(settings: Settings) -> Templates:
    """`params`: a list of our words, or a table of the template's names to them."""
    alarm = Template(id=settings.get("template", str), places=_places(settings, "params"))
    code = None
    if settings.get("code_template", str, ""):
        places = _places(settings, "code_params")
        code = Template(id=settings.get("code_template", str), places=places)
    return Templates(alarm=alarm, code=code)


def _places(settings: Settings, key: str) -> list[tuple[str, str]]:
    found = settings.table.get(key, [])
    where = f"{settings.where}.{key}"
    if isinstance(found, list):
        found = {str(place): word for place, word in enumerate(found, 1)}
    if not isinstance(found, dict):
        raise ConfigError(where, "a list of words, or a table of names to words, is expected")
    return [
        (str(name), one_of(str(word), WORDS, f"{where}.{name}")) for name, word in found.items()
    ]
