"""Answers of a visit's record that somebody else has to act on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """`field` was answered with `answer`; somebody looks after it within `days`."""

    code: str
    field: str
    answer: str
    days: int
    zh: str
    en: str


CONCERNS: Final[tuple[Concern, ...]] = (
    Concern(
        code="serious_illness",
        field="illness",
        answer="serious",
        days=1,
        zh="病情严重",
        en="a serious illness",
    ),
    Concern(
        code="gas_unsafe",
        field="gas_safety",
        answer="unsafe",
        days=1,
        zh="燃气不安全",
        en="gas is unsafe",
    ),
    Concern(
        code="electricity_unsafe",
        field="electrical_safety",
        answer="unsafe",
        days=1,
        zh="用电不安全",
        en="electricity is unsafe",
    ),
    Concern(
        code="fire_unsafe",
        field="fire_safety",
        answer="unsafe",
        days=1,
        zh="消防不安全",
        en="fire safety is lacking",
    ),
    Concern(
        code="water_heating_unsafe",
        field="water_heating_safety",
        answer="unsafe",
        days=3,
        zh="水暖不安全",
        en="water or heating is unsafe",
    ),
)
CONCERN_BY_CODE: Final[Mapping[str, Concern]] = {concern.code: concern for concern in CONCERNS}


def concerns_of(record: Mapping[str, object]) -> list[Concern]:
    return [concern for concern in CONCERNS if record.get(concern.field) == concern.answer]
