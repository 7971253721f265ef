"""The book itself: entries, and the alarms, tasks and visits that they add up to."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    true,
)

from ledger.schema.columns import METADATA, SERIAL, ms, widened

ENTRY: Final = Table(
    "entry",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("at_ms", null=False),
    # alarm, task, visit, device, gateway, rule, stay, person, plan
    Column("topic", String(16), nullable=False),
    Column("subject", String(160), nullable=False),  # the row's id
    Column("fact", String(40), nullable=False),  # past tense: raised, acknowledged, closed …
    Column("actor", String(64), nullable=False),  # username, or `system`
    Column("reason", widened(64), nullable=False, default=""),
    Column("region", String(32)),
    Column("data", Text, nullable=False),
    Column("link", LargeBinary),  # over this row and the one before (ledger/chain.py)
    Index("entry_subject", "topic", "subject", "seq"),
)

ALARM: Final = Table(
    "alarm",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    # Home id, `gateway:<id>`, `unbound:<gw>/<d>` or `region:<code>`.
    Column("subject", String(160), nullable=False),
    Column("home", String(64)),
    Column("gateway", String(64)),
    Column("device", String(64)),
    Column("region", String(32)),
    Column("rule", String(64), nullable=False),
    # Which of several things of the subject: `<gateway>/<device>`, or empty.
    Column("part", String(160), nullable=False, default="", server_default=""),
    Column("kind", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("event_count", Integer, nullable=False),
    ms("raised_at_ms", null=False),
    ms("ingested_at_ms", null=False),
    ms("last_event_ms", null=False),
    # When its severity rose last, by the hub's clock; NULL: it is as it was raised.
    ms("worsened_at_ms"),
    ms("cleared_at_ms"),
    ms("acknowledged_at_ms"),
    Column("acknowledged_by", String(64)),
    Column("assignee", String(64)),
    ms("closed_at_ms"),
    Column("closed_by", String(64)),
    Column("outcome", String(32)),
    # How it was in the home, as whoever closed it says (rules/found_out.py); NULL: not said.
    Column("found_out", String(16)),
    Column("note", Text),
    Column("task", String(64)),
    # Asked before anybody is sent (alarms/question.py); NULL: nobody is asked.
    ms("asked_at_ms"),
    ms("ask_until_ms"),
    ms("answered_at_ms"),
    Column("answer", String(8)),  # well, none, help
    # Held: seen, and nobody is sent (alarms/holding.py); NULL: it never was.
    ms("held_at_ms"),
    ms("held_until_ms"),
    Column("held_for", String(16)),  # dark, away, hospital, visitors
    Column("held_by", String(64)),  # the alarm of the dark village, or the stay
    ms("released_at_ms"),
    # Who has it now, and until when somebody must be on the way (alarms/moves.py).
    Column("holder", String(64)),
    ms("ack_until_ms"),
    Column("handover_to", String(64)),  # offered; not yet accepted
    ms("handover_until_ms"),
    # Rounds of its escalation that have begun; whether steps are being fired now.
    Column("round", Integer, nullable=False, server_default="0"),
    Column("calling", Boolean, nullable=False, server_default=false()),
    Column("merged_into", String(64)),  # the alarm that is the same event
    Column("reopened", Integer, nullable=False, server_default="0"),  # so many times
    # What its task gets, be it made now or when it is released; NULL: that of a home visit.
    Column("repair_within_ms", BigInteger),
    Index("alarm_state", "state", "raised_at_ms"),
    Index("alarm_home", "home", "raised_at_ms"),
    Index("alarm_merged", "merged_into"),
)

TASK: Final = Table(
    "task",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # emergency, routine, follow_up, repair
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("alarm", String(64)),
    Column("home", String(64)),
    Column("region", String(32)),
    Column("assignee", String(64)),
    ms("created_at_ms", null=False),
    ms("due_at_ms"),
    ms("accepted_at_ms"),
    ms("departed_at_ms"),
    ms("arrived_at_ms"),
    ms("completed_at_ms"),
    Column("finding", Text),
    Column("note", Text),  # what it is for, where no alarm says it
    # The visitor was asked to press the home's own button: since when and until when.
    ms("press_asked_ms"),
    ms("press_until_ms"),
    # What shows that somebody was there; NULL: the visitor's word (alarms/arrival.py).
    Column("proof", String(16)),  # button, label, gps
    Column("proof_of", String(160)),  # the device, the label's print, the distance
    ms("proof_at_ms"),
    Index("task_state", "state", "created_at_ms"),
    Index("task_assignee", "assignee", "state"),
)

VISIT: Final = Table(
    "visit",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("service_user", String(64)),
    Column("home", String(64), nullable=False),
    Column("task", String(64)),
    Column("alarm", String(64)),
    Column("kind", String(16), nullable=False),  # emergency, routine, follow_up, repair
    Column("way", String(16), nullable=False),  # home_visit, phone, video, other
    Column("visitor", String(64), nullable=False),
    ms("visited_at_ms", null=False),
    ms("recorded_at_ms", null=False),
    Column("record", Text, nullable=False),
    Column("proof", String(16)),  # as its task's
    # The person's n-th, in the order in which the hub heard of them; never given anew.
    Column("number", Integer, nullable=False, server_default="0"),
    Column("met", Boolean, nullable=False, server_default=true()),
    Column("form", String(16)),  # annex4: checked as that form
    Column("phone", String(64)),  # which telephone reported it
    Column("clock_offset_ms", BigInteger),  # so far was its clock ahead of the hub's
    Column("version", Integer, nullable=False, server_default="1"),  # corrections and one
    # Neither of them counts: it was never made, or is told of by the other one.
    ms("voided_at_ms"),
    Column("voided_by", String(64)),
    Column("void_reason", Text),
    Column("duplicate_of", String(64)),
    # What figures count by (ledger/forms/counted.py), coded; NULL: written by an older program.
    Column("counted", Text),
    Index("visit_home", "home", "visited_at_ms"),
    Index("visit_person", "service_user", "number"),
    Index("visit_person_time", "service_user", "visited_at_ms"),
    Index("visit_time", "visited_at_ms"),
    Index("visit_task", "task"),
    Index("visit_alarm", "alarm"),
)

# Appended, never changed; the visit's row is what they add up to.
VISIT_CORRECTION: Final = Table(
    "visit_correction",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("visit", String(64), nullable=False),
    Column("version", Integer, nullable=False),  # of the visit afterwards
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changes", Text, nullable=False),  # {name: {before, after}}
    Index("visit_correction_visit", "visit", "seq"),
)

# Two reports that may be of one visit; `one` < `other`.
VISIT_CONFLICT: Final = Table(
    "visit_conflict",
    METADATA,
    Column("one", String(64), primary_key=True),
    Column("other", String(64), primary_key=True),
    ms("found_at_ms", null=False),
    ms("decided_at_ms"),
    Column("decided_by", String(64)),
    Column("decision", String(16)),  # both, duplicate
    Index("visit_conflict_other", "other"),
)

ATTACHMENT: Final = Table(
    "attachment",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("visit", String(64), nullable=False),
    # photo, signature_person, signature_visitor
    Column("kind", String(24), nullable=False),
    Column("mime", String(64), nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    # Of what was sent, before it was made smaller: the same file again is the same attachment.
    Column("source_sha256", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    ms("added_at_ms", null=False),
    Column("added_by", String(64), nullable=False),
    Index("attachment_visit", "visit", "kind", "source_sha256", unique=True),
)
