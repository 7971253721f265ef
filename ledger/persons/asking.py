"""Whether somebody said no to what is about to be done.

In the writer's thread, so that a no of a moment before counts. An act is refused where
the last word was a no: refused, withdrawn, or run out. Where nobody was asked it goes on, and pages
say so. In an emergency nobody is asked: what protects life and health in one needs no consent
(Personal Information Protection Law of the PRC, article 13, number 4).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger.forms import consents
from ledger.forms.consents import State
from ledger.forms.refusal import Refusal
from ledger.persons.files import Refused
from ledger.unit_of_work import UnitOfWork

_OF_PERSON: Final = (
    "SELECT c.person, c.purpose, c.answer, c.until_on, c.given_on, c.recorded_at_ms,"
    " w.withdrawn_on, w.recorded_at_ms FROM consent c"
    " LEFT JOIN consent_withdrawal w ON w.consent = c.id"
    " WHERE c.person = ? AND c.purpose = ? ORDER BY c.seq"
)
_NAMES: Final = (
    *("person", "purpose", "answer", "until_on", "given_on", "recorded_at_ms"),
    *("withdrawn_on", "withdrawal_recorded_at_ms"),
)
_AT_HOME: Final = "SELECT id FROM service_user WHERE home = ? AND left_on = '' ORDER BY id"
_WHY: Final[Mapping[State, tuple[str, str]]] = {
    "unasked": ("尚未表示同意，请先在“知情同意”中登记", "was not asked: record the consent first"),
    "refused": ("已表示不同意", "said no"),
    "withdrawn": ("已撤回同意", "took the consent back"),
    "expired": ("同意已到期，请重新征求", "agreed for a time that is over: ask again"),
}


def people_of(unit: UnitOfWork, person: str | None, home: str) -> list[str]:
    """Whom an act is about: the person, or everybody of the home where none is named."""
    if person is not None:
        return [person]
    return [str(one) for (one,) in unit.execute(_AT_HOME, (home,)).fetchall()]


def must_not_be_refused(
    unit: UnitOfWork, persons: Iterable[str], purpose: str, day: str, field: str
) -> None:
    """Refused, with the reason in both languages."""
    for person in persons:
        state = state_of(unit, person, purpose, day)
        if state not in ("given", "unasked"):
            raise Refused([refusal(purpose, state, field)])


def must_be_given(unit: UnitOfWork, person: str, purpose: str, day: str, field: str) -> None:
    """Refused where no consent holds: silence is none for what is kept of somebody."""
    state = state_of(unit, person, purpose, day)
    if state != "given":
        raise Refused([refusal(purpose, state, field)])


def state_of(unit: UnitOfWork, person: str, purpose: str, day: str) -> State:
    return consents.state_of(_rows(unit, person, purpose), day)


def said_no_at_ms(unit: UnitOfWork, person: str, purpose: str, day: str) -> int | None:
    """When the no was written that holds today; None: there is none."""
    rows = _rows(unit, person, purpose)
    if consents.state_of(rows, day) not in ("refused", "withdrawn"):
        return None
    times = (row[name] for row in rows for name in ("recorded_at_ms", _NAMES[-1]))
    return max(int(at) for at in times if at is not None)


def refusal(purpose: str, state: State, field: str) -> Refusal:
    zh, en = _WHY[state]
    option = next(one for one in consents.PURPOSES if one.word == purpose)
    return Refusal(
        field=field,
        code=f"consent_{state}",
        zh=f"“{option.zh}”：老人{zh}",
        en=f"{option.en}: the person {en}",
    )


def _rows(unit: UnitOfWork, person: str, purpose: str) -> list[dict[str, Any]]:
    found = unit.execute(_OF_PERSON, (person, purpose)).fetchall()
    return [dict(zip(_NAMES, row, strict=True)) for row in found]
