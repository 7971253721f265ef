"""What erasing a person would take away and leave, and what stands in its way. Read in the writer's
thread, so that what is confirmed is what is done."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Final

from ledger.cursor import Cursor
from ledger.erasure.periods import Periods
from ledger.unit_of_work import compact

# Of a digest of the plan: enough that another plan has another one.
CONFIRM_LENGTH: Final = 16
_YEAR_DAYS: Final = 365

_PERSON: Final = (
    "SELECT p.home, p.erased_at_ms, p.categories, p.grade, h.region"
    " FROM service_user p JOIN home h ON h.id = p.home WHERE p.id = ?"
)
_OTHERS: Final = (
    "SELECT count(*) FROM service_user WHERE home = ? AND id <> ? AND erased_at_ms IS NULL"
)
_OPEN_ALARMS: Final = "SELECT count(*) FROM alarm WHERE home = ? AND state <> 'closed'"
_OPEN_TASKS: Final = (
    "SELECT count(*) FROM task WHERE home = ? AND state NOT IN ('completed', 'cancelled')"
)
_OPEN_REFERRALS: Final = (
    "SELECT count(*) FROM referral WHERE person = ? AND state NOT IN ('ended', 'withdrawn')"
)
# A visit that names nobody is of everybody of the home.
_LAST_VISIT: Final = (
    "SELECT max(visited_at_ms) FROM visit"
    " WHERE service_user = ? OR (service_user IS NULL AND home = ?)"
)
_LAST_CARE: Final = "SELECT max(served_at_ms) FROM care_line WHERE person = ?"
_LAST_REFERRAL: Final = "SELECT max(created_at_ms) FROM referral WHERE person = ?"
_COUNTS: Final = {
    "files": "SELECT count(*) FROM person_file WHERE person = ?",
    "consents": "SELECT count(*) FROM consent WHERE person = ?",
    "visits": "SELECT count(*) FROM visit WHERE service_user = ?",
    "attachments": (
        "SELECT count(*) FROM attachment a JOIN visit v ON v.id = a.visit WHERE v.service_user = ?"
    ),
    "care_lines": "SELECT count(*) FROM care_line WHERE person = ?",
    "referrals": "SELECT count(*) FROM referral WHERE person = ?",
    "photo": "SELECT count(*) FROM person_photo WHERE person = ?",
    "exchange_ids": "SELECT count(*) FROM exchange_person WHERE person = ?",
    "entries": "SELECT count(*) FROM entry WHERE topic = 'person' AND subject = ?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Why not now. `until_ms`: when that ends by itself; None: somebody has to end it."""

    code: str
    zh: str
    en: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """`goes`: how much by kind; `with_home`: the address goes too, for nobody else lives there."""

    person: str
    home: str
    region: str
    with_home: bool
    goes: dict[str, int]
    stays: dict[str, Any]
    blockers: tuple[Blocker, ...]
    erased_at_ms: int | None

    @property
    def confirm(self) -> str:
        """What whoever confirms repeats: another plan has another one."""
        return hashlib.sha256(compact(asdict(self)).encode()).hexdigest()[:CONFIRM_LENGTH]


def plan(cursor: Cursor, person: str, periods: Periods, now_ms: int) -> ErasurePlan:
    """KeyError: no such person."""
    found = cursor.execute(_PERSON, (person,)).fetchone()
    if found is None:
        raise KeyError(person[:64])
    home, erased_at_ms, categories, grade, region = found
    alone = _number(cursor, _OTHERS, home, person) == 0
    blockers = [] if erased_at_ms is not None else _blockers(cursor, person, home, alone)
    if erased_at_ms is None:
        blockers += _kept_by_law(cursor, person, home, periods, now_ms)
    return ErasurePlan(
        person=person,
        home=home,
        region=region,
        with_home=alone,
        goes={kind: _number(cursor, sql, person) for kind, sql in _COUNTS.items()},
        stays={"categories": categories, "grade": grade, "region": region},
        blockers=tuple(blockers),
        erased_at_ms=erased_at_ms,
    )


def _blockers(cursor: Cursor, person: str, home: str, alone: bool) -> list[Blocker]:
    """What somebody has to bring to an end first."""
    found = []
    if alarms := _number(cursor, _OPEN_ALARMS, home):
        zh, en = f"家中有 {alarms} 个未关闭的报警", f"alarms of the home still open: {alarms}"
        found.append(Blocker(code="open_alarm", zh=zh, en=en))
    if alone and (tasks := _number(cursor, _OPEN_TASKS, home)):
        zh, en = f"有 {tasks} 个未完成的任务", f"tasks not finished: {tasks}"
        found.append(Blocker(code="open_task", zh=zh, en=en))
    if referrals := _number(cursor, _OPEN_REFERRALS, person):
        zh, en = f"有 {referrals} 个未结束的转介", f"referrals not ended: {referrals}"
        found.append(Blocker(code="open_referral", zh=zh, en=en))
    return found


def _kept_by_law(
    cursor: Cursor, person: str, home: str, periods: Periods, now_ms: int
) -> list[Blocker]:
    """Records whose period is running."""
    found = []
    span_zh, span_en = _span_words(periods.records)
    for code, zh, en, sql, keys in (
        ("visits_kept", "探访记录", "records of visits", _LAST_VISIT, (person, home)),
        ("care_kept", "照料服务记录", "records of care", _LAST_CARE, (person,)),
        ("referrals_kept", "转介记录", "records of referrals", _LAST_REFERRAL, (person,)),
    ):
        last = cursor.execute(sql, keys).fetchone()[0]
        if last is None or last + periods.records_ms <= now_ms:
            continue
        found.append(
            Blocker(
                code=code,
                zh=f"{zh}仍在保存期内（最后一次之后 {span_zh}）",
                en=f"{en} are kept for {span_en} after the last one",
                until_ms=last + periods.records_ms,
            )
        )
    return found


def _span_words(days: int) -> tuple[str, str]:
    """1,096 days are three years, of which one has a day more."""
    years, rest = divmod(days, _YEAR_DAYS)
    if years > 0 and rest <= years:
        return f"{years} 年", "a year" if years == 1 else f"{years} years"
    return f"{days} 天", f"{days} days"


def _number(cursor: Cursor, sql: str, *keys: str) -> int:
    return int(cursor.execute(sql, keys).fetchone()[0])
