"""The outbox as the dispatcher sees it: what is due, in which order, and what became of it.

Urgent rows come first, of each target and of all; limits keep room for them; what nobody needs any
more is dropped before it is sent. Runs in the writer's thread.
"""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from alarms.contact_points import mark_dead
from alarms.limits import Limits
from alarms.notifier import Delivered, Refused, Result, RetryLater
from alarms.telling import CODE_STEP, Telling
from ledger.unit_of_work import UnitOfWork

# Attempts at 1, 2, 4 … 60 s and then each minute: a channel down for a night still delivers.
RETRY_FIRST_MS: Final = 1_000
RETRY_MAX_MS: Final = 60_000
# What a provider may ask for; its wish is followed up to here.
WAIT_MAX_MS: Final = 3_600_000
# After a day of trying somebody has long come by other ways; the row stays, marked dead.
ATTEMPTS_MAX: Final = 1_440
# With pauses of an hour a day is fewer attempts. A clock that jumps ahead makes old what is not:
# that alone ends nothing.
AGE_MAX_MS: Final = 86_400_000
AGED_ATTEMPTS_MIN: Final = 20
# Sent to one target at the same time. Each has places of its own: one that hangs, with a night's
# rows behind it, takes nobody else's turn.
PER_TARGET_MAX: Final = 8
# Sent at the same time in all, and how many of these may be other than urgent.
AT_ONCE_MAX: Final = 512
OTHERS_AT_ONCE_MAX: Final = 384
# Settled rows are kept as long as somebody may ask what was sent; those that failed for longer.
KEEP_SENT_MS: Final = 30 * 86_400_000
KEEP_FAILED_MS: Final = 180 * 86_400_000
KEEP_REPLY_MS: Final = 7 * 86_400_000
# Rows pruned in one transaction: a press waits for no more.
PRUNE_ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    id: str
    channel: str
    target: str
    body: str
    attempts: int
    urgent: bool = False
    bypassed: bool = False
    alarm: str | None = None
    recipient: str | None = None
    point: str | None = None
    step: str | None = None
    created_at_ms: int = 0


_FIELDS: Final = (
    "id", "channel", "target", "body", "attempts", "urgent", "bypassed", "alarm", "recipient",
    "point", "step", "created_at_ms",
)  # fmt: skip
# The second half: no pause is longer than its own; it was written by a clock that has been set
# back since.
_DUE: Final = "state = 'pending' AND (next_at_ms <= ? OR next_at_ms - wait_ms > ?)"
_LOUD: Final = " AND NOT quiet"
# The first few of each target, so that the rows of one hide nobody else's.
_CANDIDATES: Final = (
    f"SELECT {', '.join(_FIELDS)} FROM (SELECT *, row_number() OVER (PARTITION BY channel,"  # noqa: S608 - own names
    " CASE target_code WHEN '' THEN target ELSE target_code END"
    " ORDER BY urgent DESC, next_at_ms, id) AS turn FROM outbox WHERE {where}) AS due"
    " WHERE turn <= ? ORDER BY urgent DESC, next_at_ms, id"
)
_DROP: Final = (
    "UPDATE outbox SET state = 'dropped', done_at_ms = ?, detail = ?"
    " WHERE state = 'pending' AND needed = ? AND EXISTS"
    " (SELECT 1 FROM alarm WHERE alarm.id = outbox.alarm AND alarm.state {})"
)
_DROP_TAKEN: Final = _DROP.format("<> 'open'")
_DROP_CLOSED: Final = _DROP.format("= 'closed'")
_WAIT: Final = "UPDATE outbox SET next_at_ms = ?, wait_ms = ?, detail = ? WHERE id = ?"
_BYPASS: Final = "UPDATE outbox SET bypassed = ? WHERE id = ?"
_SETTLE: Final = (
    "UPDATE outbox SET state = ?, attempts = ?, next_at_ms = ?, wait_ms = ?, done_at_ms = ?,"
    " tried_at_ms = ?, detail = ?, body = CASE WHEN ? THEN '' ELSE body END WHERE id = ?"
)
_SENT: Final = (
    "SELECT channel, target, tried_at_ms FROM outbox WHERE channel = ? AND tried_at_ms > ?"
    " ORDER BY tried_at_ms"
)
_PRUNE: Final = (
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = ? AND done_at_ms < ?"
    " LIMIT ?)"
)
_PRUNE_REPLIES: Final = (
    "DELETE FROM reply_link WHERE digest IN"
    " (SELECT digest FROM reply_link WHERE expires_at_ms < ? LIMIT ?)"
)


def retry_delay_ms(attempts: int) -> int:
    """How long to wait after this many failed attempts."""
    return min(RETRY_FIRST_MS << min(attempts - 1, 16), RETRY_MAX_MS)


def due(
    unit: UnitOfWork,
    under_way: Set[str] = frozenset(),
    *,
    limits: Limits,
    telling: Telling | None = None,
    quiet: bool = False,
) -> list[Pending]:
    """What is to be sent now beside what is under way. `quiet`: only what may wake people."""
    _drop(unit)
    chosen: list[Pending] = []
    for row in _in_turn(_candidates(unit, under_way, quiet=quiet)):
        at_once = len(under_way) + len(chosen)
        if at_once >= (AT_ONCE_MAX if row.urgent else OTHERS_AT_ONCE_MAX):
            break
        wait_ms = limits.take(row.channel, row.target, unit.now_ms, urgent=row.urgent)
        if wait_ms == 0:
            chosen.append(row)
            continue
        unit.execute(_WAIT, (unit.now_ms + wait_ms, wait_ms, "waits for the limit", row.id))
        bypass(unit, row, telling)
    return chosen


def _drop(unit: UnitOfWork) -> None:
    """What was to be said until somebody has the alarm, and somebody has."""
    unit.execute(_DROP_TAKEN, (unit.now_ms, "somebody has taken it", "untaken"))
    unit.execute(_DROP_CLOSED, (unit.now_ms, "the alarm is closed", "open"))


def _candidates(unit: UnitOfWork, under_way: Set[str], *, quiet: bool) -> list[Pending]:
    """Due rows that are not under way; those keep their place among the first of their target."""
    sql = _CANDIDATES.replace("{where}", f"{_DUE}{_LOUD if quiet else ''}")
    unit.execute(sql, (unit.now_ms, unit.now_ms, PER_TARGET_MAX))
    found = []
    for values in unit.cursor.fetchall():
        if values[0] not in under_way:
            fields = dict(zip(_FIELDS, values, strict=True))
            fields.update(urgent=bool(fields["urgent"]), bypassed=bool(fields["bypassed"]))
            found.append(Pending(**fields))
    return found


def _in_turn(found: list[Pending]) -> list[Pending]:
    """Urgent first; of these the first of each alarm, then the second: somebody is told of every
    one before anybody is told of one again."""
    told: Counter[str | None] = Counter()
    turns: list[tuple[bool, int, int, Pending]] = []
    for row in found:
        turns.append((not row.urgent, told[row.alarm], len(turns), row))
        told[row.alarm] += 1
    return [turn[3] for turn in sorted(turns, key=lambda turn: turn[:3])]


def bypass(unit: UnitOfWork, row: Pending, telling: Telling | None) -> None:
    """An urgent row that does not leave at its first try goes by the person's next way as well,
    once; it goes on being tried itself."""
    if telling is None or not row.urgent or row.bypassed or row.recipient is None:
        return
    unit.execute(_BYPASS, (True, row.id))
    fields = ("alarm", "recipient", "step", "point")
    telling.next_way(unit, {name: getattr(row, name) for name in fields})


def settle(unit: UnitOfWork, row: Pending, result: Result, telling: Telling | None = None) -> str:
    """Write down how an attempt went; the state it led to."""
    attempts = row.attempts + 1
    wait_ms = RETRY_MAX_MS
    state = "delivered" if isinstance(result, Delivered) else "refused"
    if isinstance(result, RetryLater):
        aged = unit.now_ms - row.created_at_ms >= AGE_MAX_MS and attempts >= AGED_ATTEMPTS_MIN
        state = "dead" if aged or attempts >= ATTEMPTS_MAX else "pending"
        asked_ms = int((result.after_s or 0) * 1000)
        wait_ms = min(max(retry_delay_ms(attempts), asked_ms), WAIT_MAX_MS)
    pending = state == "pending"
    # A code that has gone out is nobody's business any more.
    forgotten = row.step == CODE_STEP and not pending
    unit.execute(
        _SETTLE,
        (
            state,
            attempts,
            unit.now_ms + (wait_ms if pending else 0),
            wait_ms,
            None if pending else unit.now_ms,
            unit.now_ms,
            result.detail[:500],
            forgotten,
            row.id,
        ),
    )
    if isinstance(result, Refused) and result.dead_contact and row.point is not None:
        mark_dead(unit, row.point, result.detail)
    if not isinstance(result, Delivered):
        bypass(unit, row, telling)
    return state


def sent_lately(unit: UnitOfWork, channels: Set[str], within_ms: int) -> list[tuple[str, str, int]]:
    """What limits have to know after a restart."""
    after_ms = unit.now_ms - within_ms
    return [
        (channel, target, at_ms)
        for name in sorted(channels)
        for channel, target, at_ms in unit.execute(_SENT, (name, after_ms)).fetchall()
    ]


def prune(unit: UnitOfWork) -> bool:
    """Forget what was settled long ago, a portion at a time; True when there may be more."""
    more = False
    for state, keep_ms in (
        ("delivered", KEEP_SENT_MS),
        ("dropped", KEEP_SENT_MS),
        ("refused", KEEP_FAILED_MS),
        ("dead", KEEP_FAILED_MS),
    ):
        unit.execute(_PRUNE, (state, unit.now_ms - keep_ms, PRUNE_ROWS))
        more = more or unit.cursor.rowcount >= PRUNE_ROWS
    unit.execute(_PRUNE_REPLIES, (unit.now_ms - KEEP_REPLY_MS, PRUNE_ROWS))
    return more or unit.cursor.rowcount >= PRUNE_ROWS


def send_again(unit: UnitOfWork, row_id: str, actor: str) -> bool:
    """A row that was given up or refused, once more; False: there is none of this id in such a
    state."""
    unit.execute(
        "UPDATE outbox SET state = 'pending', attempts = 0, next_at_ms = ?, wait_ms = ?,"
        " done_at_ms = NULL, created_at_ms = ?, needed = 'always', bypassed = ?"
        " WHERE id = ? AND state IN ('dead', 'refused') AND body <> ''",
        (unit.now_ms, RETRY_MAX_MS, unit.now_ms, True, row_id),
    )
    if not unit.cursor.rowcount:
        return False
    unit.audit(actor, "sent_again", f"notification:{row_id}")
    return True
