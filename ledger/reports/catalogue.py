"""All figures by their names, for a page, a spreadsheet and a printed sheet. Pure.

To name a new figure of `sheet.py`: a word in `visit_words.py` or `case_words.py`. Groups whose
words are those of the book at large (kinds, outcomes) take them from `ledger/documents/words.py`,
and a page from its own catalogue.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from ledger.documents.words import KINDS, OUTCOMES, TASK_KINDS, word
from ledger.reports.case_words import ALARMS, CARE, REFERRALS
from ledger.reports.naming import FigureGroup
from ledger.reports.visit_words import CONTACTS, FOUND, PEOPLE, SERVICE, VISITS

# In the order of a sheet.
SECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "people": ("服务对象", "People"),
    "visits": ("探访落实", "Visits due and made"),
    "contacts": ("探访记录", "Contacts"),
    "found": ("评价与发现", "What was said and found"),
    "services": ("服务项目（附件2）", "Services (annex 2)"),
    "alarms": ("警情", "Alarms"),
    # Its figures are shares beside their goals (`ledger/response_figures.py`).
    "response": ("应答与到场", "Answers and arrivals"),
    "referrals": ("服务转介", "Referrals"),
    "care": ("照护服务", "Care"),
}


GROUPS: Final[tuple[FigureGroup, ...]] = (
    *PEOPLE,
    *VISITS,
    *CONTACTS,
    *FOUND,
    *SERVICE,
    *ALARMS,
    *REFERRALS,
    *CARE,
)
GROUP_BY_NAME: Final[Mapping[str, FigureGroup]] = {group.group: group for group in GROUPS}
_PAGE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "task_kind": TASK_KINDS,
    "kind": KINDS,
    "outcome": OUTCOMES,
}


def zh_name(group: FigureGroup, name: str) -> str:
    """A figure in Chinese; one that a newer program wrote is called as it is."""
    listed = next((one.zh for one in group.words if one.word == name), None)
    if listed is not None:
        return listed
    if group.page == "kind/outcome":
        rule, _slash, outcome = name.partition("/")
        return f"{word(KINDS, rule)}：{word(OUTCOMES, outcome)}"
    return word(_PAGE_WORDS.get(group.page, {}), name)


def words_shown(group: FigureGroup, figures: Mapping[str, int]) -> list[str]:
    """The words of a group in order: those that are listed also where nothing was counted."""
    listed = [one.word for one in group.words]
    others = sorted(set(figures) - set(listed), key=lambda name: (-figures[name], name))
    return [*listed, *others]


def catalogue_document() -> dict[str, Any]:
    """All of it, as a page reads it."""
    return {
        "sections": [
            {"section": section, "zh": zh, "en": en} for section, (zh, en) in SECTIONS.items()
        ],
        "groups": [asdict(group) for group in GROUPS],
    }
