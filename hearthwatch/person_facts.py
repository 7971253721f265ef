"""What the register says of persons, as the rules take it: whose limits aren't everybody's. Pure.

Limits of COPD let a low oxygen pass that would be urgent in anybody else, so they are never given
on a guess: only to the one person of a home, and only by a text that says COPD and nothing that
this program doesn't know. What it can't read it calls unclear, and a screen says so.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

from rules.rule import Copd

# What a register calls it, the longest first.
_COPD: Final = (
    "慢性阻塞性肺部疾病",
    "慢性阻塞性肺疾病",
    "慢性阻塞性肺病",
    "慢性阻塞性肺气肿",
    "慢阻肺病",
    "慢阻肺",
    "chronic obstructive pulmonary disease",
    "chronic obstructive lung disease",
    "copd",
)
# What may stand beside it: how bad, since when, and by which classification. Anything else ("疑似",
# "排除", "father's", "?") is a text for people.
_BESIDE: Final = (
    "急性加重期",
    "稳定期",
    "极重度",
    "重度",
    "中度",
    "轻度",
    "病史",
    "史",
    "确诊",
    "gold",
    "stage",
    "grade",
    "group",
    "severe",
    "moderate",
    "mild",
    "stable",
    "very",
    "级",
    "期",
    "组",
    "年",
    "iv",
    "iii",
    "ii",
    "i",
    *"abcde",
)
_BESIDE_RE: Final = re.compile(
    r"(?:[\s\d.:：()（）\-~～]|" + "|".join(re.escape(word) for word in _BESIDE) + ")*"
)
# Anywhere in a person's conditions: whoever denies or doubts one thing may mean the next as well
# ("无高血压、慢阻肺"), and a relative's illness is not hers.
_DOUBT_RE: Final = re.compile(
    "[无非否不未疑父母兄姐弟妹?？]|排除|待查|待排|待诊|家族|家人|遗传|筛查|风险"
    r"|\b(?:no|not|non|without|denie[sd]|excluded?|ruled?|suspect\w*|possibl[ey]|probabl[ey]"
    r"|query|risk|family|father|mother|brother|sister|screening|never)\b"
)
# Several conditions written into one field.
_SEPARATORS: Final = re.compile(r"[,，;；、/+]")


def conditions_of(column: str) -> list[str]:
    """The texts of a person's `conditions`, a JSON list; none where it can't be read."""
    if column == "[]":  # most of a register
        return []
    try:
        value = json.loads(column)
    except ValueError:
        return []
    return [str(one) for one in value] if isinstance(value, list) else []


def copd_of(persons: Sequence[Sequence[str]]) -> Copd:
    """What the conditions of all persons of a home say of COPD."""
    said = [_of_person(texts) for texts in persons]
    if all(word is None for word in said):
        return ""
    return "only_person" if said == [True] else "unclear"


def _of_person(texts: Sequence[str]) -> bool | None:
    """True: has COPD; False: it is spoken of, and not so that a program could be sure; None: it
    isn't spoken of."""
    said = [_said(part) for text in texts for part in _SEPARATORS.split(text)]
    if all(word is None for word in said):
        return None
    return False not in said and _DOUBT_RE.search(" ".join(texts).lower()) is None


def _said(text: str) -> bool | None:
    """True: COPD and nothing unknown; False: COPD with words beside it; None: no COPD."""
    lower = text.strip().lower()
    for name in _COPD:
        before, found, after = lower.partition(name)
        if found:
            plain = _BESIDE_RE.fullmatch(before) and _BESIDE_RE.fullmatch(after)
            return plain is not None
    return None
