"""The response to alarms: what is due, what was fired, and which hub may write."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from ledger.schema.columns import METADATA, ms

# What an open alarm waits for; a row goes when it waits no more.
ESCALATION: Final = Table(
    "escalation",
    METADATA,
    Column("alarm", String(64), primary_key=True),
    Column("timer", String(16), primary_key=True),  # step, taken, arrival, handover
    Column("policy", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", Integer, nullable=False),  # the one to be fired
    ms("written_at_ms", null=False),
    Column("delay_ms", BigInteger, nullable=False),
    ms("due_at_ms", null=False),  # by the wall
    Column("boot", String(64), nullable=False),
    Column("due_running_ms", BigInteger, nullable=False),  # by the running time of that boot
    Index("escalation_due", "boot", "due_running_ms"),
)

# Steps that were fired: appended, never changed. Its key keeps a step from being fired twice even
# by a hub that doesn't know that it has been replaced.
ESCALATION_STEP: Final = Table(
    "escalation_step",
    METADATA,
    Column("alarm", String(64), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),  # 0: who has the alarm; from 1 on the policy's
    Column("policy", String(64), nullable=False),
    Column("reason", String(32), nullable=False),
    ms("at_ms", null=False),
    Column("late_ms", BigInteger, nullable=False),  # after its time; -1: no clock could tell
    Column("told", Text, nullable=False),  # [[responder, [channel, …]], …]
)

# Which hub may write a book that several could: the holder's number grows with each change of it.
HUB_LEASE: Final = Table(
    "hub_lease",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("holder", String(160), nullable=False),
    Column("fence", BigInteger, nullable=False),
    ms("until_ms", null=False),  # by the database server's clock
)
