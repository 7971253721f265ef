"""What figures and the plan count by of a visit's record and of a person's file: chosen answers as
words like `satisfaction=satisfied`, from a list that is known beforehand. Pure.

They stand beside what is sealed, so that a county is counted without opening anybody's papers, and
so that figures of years ago stay what they were when somebody was erased.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger.forms.services import SERVICE_BY_NUMBER
from ledger.forms.visit_form import QUESTIONS, SATISFACTION

_ANSWERS: Final = tuple(
    (question.field, word)
    for question in QUESTIONS
    for word in sorted(question.words & {"worse", "unsafe", "serious"})
) + tuple(("satisfaction", word) for word in sorted(SATISFACTION.words))
_NEEDS: Final = "needs=yes"
_SERVICE: Final = "services="
# Of a file what decides how often somebody is visited (ledger/visiting/tiers.py).
_YES_NO: Final = ("seriously_ill", "lives_alone")
_GRADE: Final = "disability_grade="
_GRADES: Final = range(5)

VISIT_WORDS: Final[tuple[str, ...]] = (
    *(f"{field}={word}" for field, word in _ANSWERS),
    *(f"{_SERVICE}{number}" for number in SERVICE_BY_NUMBER),
    _NEEDS,
)
FILE_WORDS: Final[tuple[str, ...]] = (
    *(f"{field}={word}" for field in _YES_NO for word in ("yes", "no")),
    *(f"{_GRADE}{grade}" for grade in _GRADES),
)


def of_visit(record: Mapping[str, Any]) -> list[str]:
    """The words of a record that figures count by."""
    found = [f"{field}={word}" for field, word in _ANSWERS if record.get(field) == word]
    services = record.get("services")
    numbers = services if isinstance(services, list) else ()
    found += [f"{_SERVICE}{n}" for n in numbers if isinstance(n, int) and n in SERVICE_BY_NUMBER]
    if record.get("needs"):
        found.append(_NEEDS)
    return found


def visit_of(words: Iterable[str]) -> dict[str, Any]:
    """A record that says what figures count by, and nothing else."""
    record: dict[str, Any] = {}
    for word in words:
        field, _, value = word.partition("=")
        if word.startswith(_SERVICE):
            record.setdefault("services", []).append(int(value))
        else:
            record[field] = value
    return record


def of_file(document: Mapping[str, Any]) -> list[str]:
    """The words of a file that the plan is made by."""
    found = [f"{field}={document[field]}" for field in _YES_NO if document.get(field)]
    grade = document.get("disability_grade")
    return [*found, f"{_GRADE}{grade}"] if grade is not None and grade in _GRADES else found


def file_of(words: Iterable[str]) -> dict[str, Any]:
    """A file that says what the plan is made by, and nothing else."""
    document: dict[str, Any] = {}
    for word in words:
        field, _, value = word.partition("=")
        document[field] = int(value) if word.startswith(_GRADE) else value
    return document
