"""What rules remember, what was set about them, and what they found in shadow."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text, UniqueConstraint

from ledger.schema.columns import METADATA, SERIAL, ms

RULE_STATE: Final = Table(
    "rule_state",
    METADATA,
    Column("home", String(160), primary_key=True),
    Column("rule", String(64), primary_key=True),
    Column("state", LargeBinary, nullable=False),
)

# What was said about a rule while it ran (rules/settings.py); appended, never changed.
RULE_SETTING: Final = Table(
    "rule_setting",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("scope", String(80), nullable=False),  # county, category:<c>, home:<id>, person:<id>
    Column("mode", String(8)),  # live, shadow; NULL: as it was
    Column("params", Text),  # NULL: as they were
    Column("reason", Text, nullable=False),
    Column("signed_off_by", String(200), nullable=False),
    Column("signed_off_on", String(10), nullable=False),
    Index("rule_setting_rule", "rule", "seq"),
)

# What rules in shadow found: nobody was told.
SHADOW_FINDING: Final = Table(
    "shadow_finding",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("at_ms", null=False),
    Column("home", String(160), nullable=False),  # the subject, as of an alarm
    Column("gateway", String(64)),
    Column("device", String(64)),
    Column("region", String(32)),
    Column("rule", String(64), nullable=False),
    Column("part", String(160), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    ms("raised_at_ms", null=False),
    Column("episode", String(64), nullable=False),
    Column("evidence", Text, nullable=False),
    UniqueConstraint("episode", "phase", "at_ms", name="shadow_finding_once"),
    Index("shadow_finding_rule", "rule", "seq"),
)
