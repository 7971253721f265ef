"""Annexes 2 and 4 as one document: what a page or a program needs to ask them. Pure."""

from dataclasses import asdict
from typing import Any, Final

from ledger.forms.concerns import CONCERNS
from ledger.forms.services import SERVICES
from ledger.forms.visit_form import CHOICES, QUESTIONS, TEXT_MAX, TEXTS, WAY, Question

FORM: Final = "annex4"


def catalogue() -> dict[str, Any]:
    """`calm`: the answers of a visit that found nothing changed and all safe."""
    return {
        "form": FORM,
        "way": _question(WAY),
        "questions": [_question(question) for question in QUESTIONS],
        "choices": [_question(choice) for choice in CHOICES if choice not in QUESTIONS],
        "calm": {question.field: question.options[0].word for question in QUESTIONS},
        "texts": [{"field": field, "zh": zh, "en": en} for field, (zh, en) in TEXTS.items()],
        "text_max": TEXT_MAX,
        "services": [asdict(service) for service in SERVICES],
        "concerns": [asdict(concern) for concern in CONCERNS],
    }


def _question(question: Question) -> dict[str, Any]:
    names = {"zh": question.zh, "en": question.en, "group": question.group}
    return {
        "field": question.field,
        **names,
        "options": [asdict(option) for option in question.options],
    }
