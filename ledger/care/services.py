"""What a provider does, in the notice's own words (section 9). Pure.

Finer than that is annex 2 (`ledger/forms/services.py`), whose numbers a log line may have as well.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class CareService:
    word: str
    zh: str
    en: str


CARE_SERVICES: Final[tuple[CareService, ...]] = (
    CareService(word="bathing", zh="助洁", en="washing, cleaning"),
    CareService(word="medical", zh="助医", en="medical help"),
    CareService(word="meals", zh="助餐", en="meals"),
    CareService(word="mobility", zh="助行", en="help getting about"),
    CareService(word="urgent_help", zh="助急", en="urgent help"),
    CareService(word="long_term_care", zh="长期照护", en="long-term care"),
    CareService(word="day_care", zh="短期托顾", en="short stay, day care"),
    CareService(word="respite_care", zh="临时照护", en="temporary care"),
    CareService(word="rehabilitation", zh="康复护理", en="rehabilitation, nursing"),
    CareService(word="home_adaptation", zh="适老化改造", en="adapting the home"),
    CareService(word="other", zh="其他", en="other"),
)
CARE_WORDS: Final = frozenset(service.word for service in CARE_SERVICES)
