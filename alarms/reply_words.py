"""What somebody means who answers a notification by short message. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, get_args

Answer = Literal["accept", "decline"]
ANSWERS: Final = get_args(Answer)

_ACCEPT: Final = ("1", "接单", "收到", "去", "yes", "y", "ok")
_DECLINE: Final = ("2", "不能去", "不去", "拒绝", "no", "n")
# The word, then the alarm's number if it is named; longest words first.
_REPLY: Final = re.compile(
    r"(?P<word>{})(?:[\s,;:.、，。：#]*(?P<number>\d{{1,9}})\s*号?)?[\s.!。！]*\Z".format(
        "|".join(sorted(map(re.escape, (*_ACCEPT, *_DECLINE)), key=len, reverse=True))
    )
)
# A short message; what is longer is no answer to us.
TEXT_LENGTH_MAX: Final = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`number` of the alarm; None when the text names none."""

    answer: Answer
    number: int | None


def understood(text: str) -> Reply | None:
    """None when it is no answer. Full-width digits and letters are taken as their plain ones; a
    digit right behind a digit ("112") is no number of an alarm."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if len(plain) > TEXT_LENGTH_MAX:
        return None
    found = _REPLY.match(plain)
    if found is None or _run_together(found):
        return None
    number = found["number"]
    return Reply(
        answer="accept" if found["word"] in _ACCEPT else "decline",
        number=None if number is None else int(number),
    )


def _run_together(found: "re.Match[str]") -> bool:
    return (
        found["word"].isdigit()
        and found["number"] is not None
        and found.start("number") == found.end("word")
    )
