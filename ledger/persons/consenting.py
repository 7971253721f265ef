"""Writing consents: rows that are appended, each with its entry. In the writer's thread."""

import datetime
from dataclasses import asdict, dataclass
from typing import Final

from ledger.database import insert_sql
from ledger.forms import consents
from ledger.forms.consents import NewConsent
from ledger.forms.person_file import NAME_MAX
from ledger.forms.refusal import Refusal
from ledger.persons import family, photo
from ledger.persons.files import Refused
from ledger.persons.telling import told
from ledger.schema import CONSENT, CONSENT_WITHDRAWAL
from ledger.unit_of_work import UnitOfWork

_COLUMNS: Final = tuple(str(column.name) for column in CONSENT.columns if column.name != "seq")
_GIVE: Final = insert_sql(CONSENT, _COLUMNS)
_END: Final = insert_sql(CONSENT_WITHDRAWAL)
_FIND: Final = (
    "SELECT c.purpose, c.given_on, w.consent FROM consent c"
    " LEFT JOIN consent_withdrawal w ON w.consent = c.id WHERE c.id = ? AND c.person = ?"
)
_HELD: Final = (
    "SELECT 1 FROM consent c LEFT JOIN consent_withdrawal w ON w.consent = c.id"
    " WHERE c.person = ? AND c.purpose = ? AND c.answer = 'yes' AND w.consent IS NULL"
    " AND (c.until_on = '' OR c.until_on >= ?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    consent: str
    withdrawn_by: str
    withdrawn_on: str
    reason: str


class AlreadyWithdrawn(Exception):  # noqa: N818
    """It has ended; nothing was written."""


def give(  # noqa: PLR0917 - who, for whom, where, what and when
    unit: UnitOfWork,
    consent: str,
    person: str,
    region: str,
    new: NewConsent,
    actor: str,
    day: datetime.date,
) -> None:
    """Refused."""
    refusals = consents.check(new, day) or _against(unit, person, new, day.isoformat())
    if refusals:
        raise Refused(refusals)
    row = {
        **asdict(new),
        "id": consent,
        "person": person,
        "recorded_at_ms": unit.now_ms,
        "recorded_by": actor,
    }
    stored = unit.seal.row(CONSENT, person, row)
    unit.execute(_GIVE, tuple(stored[name] for name in _COLUMNS))
    fact = "consent_given" if new.answer == "yes" else "consent_refused"
    unit.entry(
        told(person, fact, region=region, actor=actor, data={"consent": consent, **asdict(new)})
    )
    _follow(unit, person, region, new.purpose, actor, day.isoformat())


def _against(unit: UnitOfWork, person: str, new: NewConsent, day: str) -> list[Refusal]:
    """A no beside a yes that holds says two things at once: that one is withdrawn."""
    if new.answer != "no" or not unit.execute(_HELD, (person, new.purpose, day)).fetchall():
        return []
    zh, en = "已有一项同意仍有效，请先撤回", "a consent holds: withdraw it instead"
    return [Refusal(field="answer", code="holds", zh=zh, en=en)]


def withdraw(  # noqa: PLR0917 - as above
    unit: UnitOfWork, person: str, region: str, end: Withdrawal, actor: str, day: datetime.date
) -> None:
    """KeyError: this person gave no such consent. AlreadyWithdrawn, Refused."""
    found = unit.execute(_FIND, (end.consent, person)).fetchall()
    if not found:
        raise KeyError(end.consent)
    purpose, given_on, ended = found[0]
    if ended is not None:
        raise AlreadyWithdrawn
    refusals = _check(end, str(given_on), day)
    if refusals:
        raise Refused(refusals)
    by, why = (unit.seal.text(person, said) for said in (end.withdrawn_by, end.reason))
    unit.execute(_END, (end.consent, by, end.withdrawn_on, why, unit.now_ms, actor))
    data = {**asdict(end), "purpose": purpose}
    unit.entry(told(person, "consent_withdrawn", region=region, actor=actor, data=data))
    _follow(unit, person, region, purpose, actor, day.isoformat())


def _follow(  # noqa: PLR0917 - one private door
    unit: UnitOfWork, person: str, region: str, purpose: str, actor: str, day: str
) -> None:
    """What rests on a consent ends with it."""
    if purpose == photo.PURPOSE:
        photo.end_with_consent(unit, person, region, actor, day)
    elif purpose == family.PURPOSE:
        family.end_with_consent(unit, person, actor, day)


def _check(end: Withdrawal, given_on: str, day: datetime.date) -> list[Refusal]:
    refusals = []
    if not end.withdrawn_by.strip() or len(end.withdrawn_by) > NAME_MAX:
        zh, en = "请填写由谁撤回（姓名）", "who withdrew it: a name"
        refusals.append(Refusal(field="withdrawn_by", code="missing", zh=zh, en=en))
    on = consents.day_of(end.withdrawn_on)
    if on is None or on > day or end.withdrawn_on < given_on:
        zh, en = "“撤回日期”应在同意日期与今天之间", "Day: between the consent and today"
        refusals.append(Refusal(field="withdrawn_on", code="no_date", zh=zh, en=en))
    return refusals
