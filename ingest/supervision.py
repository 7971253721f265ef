"""What only the comparison of two sides can see: a hole in a spool that nobody will ever fill.

A gateway's heartbeat says how far it has counted and that nothing waits to be acknowledged; if
the hub has not got everything up to there, an item is lost that no acknowledgement can miss (a
destroyed spool, an older backup). Such a hole older than GAP_MS is an alarm of its own.

A gateway keeps what was acknowledged for a while. So a hole is asked for: a hub that was restored
from a copy gets again what was acknowledged since.
"""

from typing import Final, Protocol

from alarms.book import AlarmBook
from contract.codec import encode_command
from contract.envelope import Command, Status
from ingest.marks import SpoolMark
from ingest.stored_marks import StoredMarks
from ledger.unit_of_work import UnitOfWork
from rules.finding import Finding, Phase, episode_id

GAP_MS: Final = 15_000
# A hole of this age is asked for, at each of them once: a gateway may die with the question, and
# what it no longer has it need not send again for ever.
ASK_AGES_MS: Final = (0, 10 * 60_000, 2 * 3_600_000, 24 * 3_600_000)


class Outbox(Protocol):
    """Of what is asked; the same key is sent once."""

    def send(self, unit: UnitOfWork, key: str, channel: str, target: str, body: str) -> None: ...
    def row_id(self, key: str) -> str: ...


def watch_gaps(
    unit: UnitOfWork, book: AlarmBook, marks: StoredMarks, statuses: list[Status], outbox: Outbox
) -> None:
    """In the writer's thread: compare each heartbeat with what is in."""
    for status in statuses:
        if not status.online or status.spool is None or not status.last_seq:
            continue
        mark = marks.of(status.spool, status.gateway)
        # What still waits at the gateway is late, not lost.
        # Its age may be 0 for long: by a clock that lost its battery it came in the future.
        waiting = status.oldest_unacked_s is not None
        last_seq = None if waiting else status.last_seq
        age_ms = mark.watch_gap(unit.now_ms, last_seq)
        missing = mark.missing(last_seq)
        # What waits may be on its way; a hole below it that stays is one all the same.
        if missing and (age_ms >= GAP_MS or not waiting):
            _ask(unit, outbox, mark, age_ms)
        if age_ms >= GAP_MS:
            finding = _finding(status, "raised", unit.now_ms - age_ms, unit.now_ms, missing)
            book.take(unit, finding, gateway=status.gateway)
        elif age_ms == 0:
            book.take(unit, _finding(status, "cleared", unit.now_ms, unit.now_ms, 0))


def _ask(unit: UnitOfWork, outbox: Outbox, mark: SpoolMark, age_ms: int) -> None:
    asked = sum(age_ms >= at_ms for at_ms in ASK_AGES_MS)
    key = f"{mark.spool}|replay|{mark.gap_since_ms}|{asked}"
    command = Command(
        id=outbox.row_id(key),
        command="reload",
        device=None,
        args={"replay_after": mark.contiguous},
    )
    body = encode_command(command).decode()
    outbox.send(unit, key, "gateway_command", mark.gateway, body)


def _finding(status: Status, phase: Phase, raised_at_ms: int, now_ms: int, missing: int) -> Finding:
    subject = f"gateway:{status.gateway}"
    return Finding(
        episode=episode_id(subject, "spool_gap", f"{status.spool}|{raised_at_ms}"),
        home=subject,
        rule="spool_gap",
        kind="spool_gap",
        severity="technical",
        phase=phase,
        reason="items_missing" if phase == "raised" else "items_complete",
        raised_at_ms=raised_at_ms,
        at_ms=raised_at_ms if phase == "raised" else now_ms,
        evidence={"spool": status.spool, "last_seq": status.last_seq, "missing": missing},
    )
