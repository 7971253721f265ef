"""What the service says of itself: reviews of late calls, test presses."""

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text

from ledger.schema.columns import METADATA, SERIAL, ms

# Why a call was answered late; rows are appended, the newest of an alarm counts.
RESPONSE_REVIEW: Final = Table(
    "response_review",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("alarm", String(64), nullable=False),
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("cause", String(32), nullable=False),
    Column("note", Text, nullable=False),
    Index("response_review_alarm", "alarm", "seq"),
)

# One row for each test press of the hub (hearthwatch/watchdog); how far it came, and when.
TEST_PRESS: Final = Table(
    "test_press",
    METADATA,
    Column("id", String(64), primary_key=True),  # the id of the item that was published
    Column("home", String(64), nullable=False),
    ms("pressed_at_ms", null=False),
    ms("judged_at_ms"),  # the rules have said that it is a test
    ms("receipt_at_ms"),  # the channel that is told has taken it
    ms("ended_at_ms"),
    Column("result", String(16)),  # ok, failed; NULL: under way
    Column("missing", String(32), nullable=False, default=""),  # the first step that is missing
    Column("took_ms", Integer),
    Index("test_press_at", "pressed_at_ms"),
)
