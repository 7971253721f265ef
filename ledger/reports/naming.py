"""What names a figure: its words, and how it counts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ledger.forms.visit_form import Option
from ledger.reports.sheet import Subject

# `tally`: visits owed and made, counted person by person; its rows are people.
Counted = Subject | Literal["tally"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureWord:
    """One figure. `goal`: what it should be, where the notice or the service says so. `of_today`:
    by the register of today, whatever the period, so it is not compared."""

    word: str
    zh: str
    en: str
    zh_about: str = ""
    en_about: str = ""
    goal: int | None = None
    of_today: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureGroup:
    """Figures of one kind under one heading. `page`: where a page finds the words that are not
    listed here; `open`: they are as many as the book has, and those that are listed stand first."""

    group: str
    section: str
    subject: Counted
    zh: str
    en: str
    zh_about: str
    en_about: str
    words: tuple[FigureWord, ...]
    page: str = ""
    open: bool = False


def figure(name: str, zh: str, en: str, zh_about: str = "", en_about: str = "") -> FigureWord:
    return FigureWord(word=name, zh=zh, en=en, zh_about=zh_about, en_about=en_about)


def nobody(name: str, zh: str, en: str, zh_about: str = "", en_about: str = "") -> FigureWord:
    """One that should be nobody."""
    return FigureWord(word=name, zh=zh, en=en, zh_about=zh_about, en_about=en_about, goal=0)


def options_of(options: Iterable[Option]) -> tuple[FigureWord, ...]:
    return tuple(figure(option.word, option.zh, option.en) for option in options)
