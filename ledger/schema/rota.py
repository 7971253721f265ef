"""The rota: everything that was ever said about it, calendars to subscribe, and hand-over sheets.

Rows of `rota_fact`, `handover_line` and `handover_mark` are appended and never changed.
"""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from ledger.schema.columns import METADATA, SERIAL, ms

ROTA_FACT: Final = Table(
    "rota_fact",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),  # desk, pattern, shift, leave, day, swap
    # What it is about; of facts with one kind and key the last one counts.
    Column("key", String(160), nullable=False),
    Column("desk", String(40)),  # NULL: a leave, a day
    Column("day", Integer),  # of a shift: the local day it begins, counted since the epoch
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("rota_fact_key", "kind", "key", "seq"),
    Index("rota_fact_day", "kind", "day"),
    Index("rota_fact_desk", "desk", "seq"),
)

ROTA_CALENDAR: Final = Table(
    "rota_calendar",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the link's token
    Column("username", String(64), ForeignKey("account.username"), nullable=False),
    ms("created_at_ms", null=False),
    ms("ended_at_ms"),
    Index("rota_calendar_username", "username"),
)

HANDOVER: Final = Table(
    "handover",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("desk", String(40), nullable=False),
    Column("region", String(32), nullable=False),
    ms("at_ms", null=False),  # when the shift changes
    Column("from_shift", String(160), nullable=False),  # empty: nobody was on duty before
    Column("to_shift", String(160), nullable=False),
    Column("outgoing", Text, nullable=False),  # usernames as JSON
    Column("incoming", Text, nullable=False),
    ms("opened_at_ms", null=False),
    Column("opened_by", String(64), nullable=False),
    Index("handover_desk", "desk", "at_ms"),
)

HANDOVER_LINE: Final = Table(
    "handover_line",
    METADATA,
    Column("handover", String(64), ForeignKey("handover.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    # alarm, question, hold, stay, device, task, note
    Column("kind", String(16), nullable=False),
    Column("subject", String(160), nullable=False),
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("carried", Boolean, nullable=False, default=False, server_default=false()),
    Index("handover_line_subject", "kind", "subject"),
)

HANDOVER_MARK: Final = Table(
    "handover_mark",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("handover", String(64), ForeignKey("handover.id"), nullable=False),
    Column("number", Integer, nullable=False),  # of the line; 0: of the sheet
    Column("mark", String(16), nullable=False),  # signed, remarked; begun: the shift has changed
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("remark", Text, nullable=False),
    Index("handover_mark_line", "handover", "number"),
)
