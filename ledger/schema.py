"""Tables of the book of record (SQLite or PostgreSQL), one place for both dialects.

Rows of `entry` are appended and never changed: they are the truth. `alarm`, `task`, `visit` and
`device_state` are what the entries add up to, kept in the same transaction for quick reading.
Every instant is an integer of milliseconds since the epoch (`*_ms`); every document is JSON text.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

METADATA: Final = MetaData()

# SQLite numbers rows by itself only for INTEGER PRIMARY KEY; PostgreSQL wants 64 bits.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def _ms(name: str, *, null: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


REGION: Final = Table(
    "region",
    METADATA,
    Column("code", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", String(16), nullable=False),  # county, town, village, group
    Column("parent", String(32), ForeignKey("region.code")),
)

HOME: Final = Table(
    "home",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("region", String(32), ForeignKey("region.code"), nullable=False),
    Column("address", Text, nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("access_note", Text, nullable=False, default=""),
    Index("home_region", "region"),
)

SERVICE_USER: Final = Table(
    "service_user",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("home", String(64), ForeignKey("home.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("sex", String(1), nullable=False, default=""),
    Column("born", String(10), nullable=False, default=""),  # ISO date
    Column("phone", String(32), nullable=False, default=""),
    Column("categories", Text, nullable=False, default="[]"),
    Column("grade", String(32), nullable=False, default=""),
    Column("conditions", Text, nullable=False, default="[]"),
    Column("contacts", Text, nullable=False, default="[]"),  # [{name, relation, phone}] in order
    Column("visitor", String(64)),  # username of the responsible visitor
    Index("service_user_home", "home"),
)

GATEWAY: Final = Table(
    "gateway",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("region", String(32), ForeignKey("region.code")),
    Column("name", Text, nullable=False, default=""),
    Column("online", Boolean, nullable=False, default=False),
    _ms("status_at_ms"),
    Column("status", Text, nullable=False, default="{}"),  # the last heartbeat as it came
)

DEVICE: Final = Table(
    "device",
    METADATA,
    Column("gateway", String(64), primary_key=True),
    Column("device", String(64), primary_key=True),
    Column("home", String(64), ForeignKey("home.id")),  # NULL: heard, waiting to be bound
    Column("kind", String(32), nullable=False, default=""),
    Column("model", Text, nullable=False, default=""),
    Column("label", Text, nullable=False, default=""),
    _ms("first_seen_ms"),
    _ms("last_seen_ms"),
    Column("battery_pct", Float),
    Column("signal_dbm", Float),
    Column("fault", Text),  # NULL: none known
    # NULL: by kind (ledger/expectations.py); 0: never.
    Column("expected_interval_s", Integer),
    Column("test_interval_s", Integer),
    Column("life_critical", Boolean),
    # Has shown that it reports without being pressed or triggered.
    Column("reports_itself", Boolean, nullable=False, default=False, server_default=false()),
    Column("mains", Boolean),
    Column("link_quality", Float),
    _ms("tampered_at_ms"),
    _ms("tested_at_ms"),
    # Says "I'm well", and its gateway can ask there.
    Column("asks", Boolean, nullable=False, server_default=false()),
    Index("device_home", "home"),
)

EVENT: Final = Table(
    "event",
    METADATA,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("gateway", String(64), nullable=False),
    Column("spool", String(64), nullable=False),
    Column("spool_seq", BigInteger, nullable=False),
    Column("device", String(64), nullable=False),
    Column("home", String(64)),
    Column("kind", String(32), nullable=False),
    _ms("measured_at_ms", null=False),
    _ms("received_at_ms", null=False),
    _ms("ingested_at_ms", null=False),
    Column("values", Text, nullable=False),
    Column("attrs", Text, nullable=False),
    Column("alarm", String(64)),
    Index("event_home", "home", "measured_at_ms"),
    Index("event_alarm", "alarm"),
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
    _ms("raised_at_ms", null=False),
    _ms("ingested_at_ms", null=False),
    _ms("last_event_ms", null=False),
    _ms("cleared_at_ms"),
    _ms("acknowledged_at_ms"),
    Column("acknowledged_by", String(64)),
    Column("assignee", String(64)),
    _ms("closed_at_ms"),
    Column("closed_by", String(64)),
    Column("outcome", String(32)),
    Column("note", Text),
    Column("task", String(64)),
    # Asked before anybody is sent (alarms/question.py); NULL: nobody is asked.
    _ms("asked_at_ms"),
    _ms("ask_until_ms"),
    _ms("answered_at_ms"),
    Column("answer", String(8)),  # well, none, help
    # Held: seen, and nobody is sent (alarms/holding.py); NULL: it never was.
    _ms("held_at_ms"),
    _ms("held_until_ms"),
    Column("held_for", String(16)),  # dark, away, hospital, visitors
    Column("held_by", String(64)),  # the alarm of the dark village, or the stay
    _ms("released_at_ms"),
    # What its task gets, be it made now or when it is released; NULL: that of a home visit.
    Column("repair_within_ms", BigInteger),
    Index("alarm_state", "state", "raised_at_ms"),
    Index("alarm_home", "home", "raised_at_ms"),
)

STAY: Final = Table(
    "stay",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("home", String(64), ForeignKey("home.id"), nullable=False),
    Column("person", String(64)),  # NULL: everybody of the home
    Column("kind", String(16), nullable=False),  # away, hospital, visitors
    _ms("from_ms", null=False),
    _ms("until_ms", null=False),
    Column("note", Text, nullable=False, default=""),
    _ms("created_at_ms", null=False),
    Column("created_by", String(64), nullable=False),
    _ms("ended_at_ms"),
    Column("ended_how", String(16)),  # activity, user, until
    Column("ended_by", String(64)),  # who, where somebody did
    Index("stay_home", "home", "from_ms"),
    Index("stay_ended", "ended_at_ms"),
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
    _ms("created_at_ms", null=False),
    _ms("due_at_ms"),
    _ms("accepted_at_ms"),
    _ms("departed_at_ms"),
    _ms("arrived_at_ms"),
    _ms("completed_at_ms"),
    Column("finding", Text),
    Index("task_state", "state", "created_at_ms"),
)

VISIT: Final = Table(
    "visit",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("service_user", String(64)),
    Column("home", String(64), nullable=False),
    Column("task", String(64)),
    Column("alarm", String(64)),
    Column("kind", String(16), nullable=False),  # emergency, routine
    Column("way", String(16), nullable=False),  # home_visit, phone, video, other
    Column("visitor", String(64), nullable=False),
    _ms("visited_at_ms", null=False),
    _ms("recorded_at_ms", null=False),
    Column("record", Text, nullable=False),
    Index("visit_home", "home", "visited_at_ms"),
)

ENTRY: Final = Table(
    "entry",
    METADATA,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _ms("at_ms", null=False),
    # alarm, task, visit, device, gateway, rule, stay
    Column("topic", String(16), nullable=False),
    Column("subject", String(160), nullable=False),  # the row's id
    Column("fact", String(40), nullable=False),  # past tense: raised, acknowledged, closed …
    Column("actor", String(64), nullable=False),  # username, or `system`
    Column("reason", String(64), nullable=False, default=""),
    Column("region", String(32)),
    Column("data", Text, nullable=False),
    Index("entry_subject", "topic", "subject", "seq"),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("alarm", String(64)),
    Column("state", String(16), nullable=False),  # pending, delivered, refused, dead
    Column("attempts", Integer, nullable=False),
    _ms("created_at_ms", null=False),
    _ms("next_at_ms", null=False),
    _ms("done_at_ms"),
    Column("detail", Text, nullable=False, default=""),
    Index("outbox_pending", "state", "next_at_ms"),
)

SPOOL_MARK: Final = Table(
    "spool_mark",
    METADATA,
    Column("spool", String(64), primary_key=True),
    Column("gateway", String(64), nullable=False),
    Column("contiguous", BigInteger, nullable=False),  # every seq up to here is in
    Column("beyond", Text, nullable=False, default="[]"),  # [[first, last], …] above the gap
    _ms("gap_since_ms"),
)

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
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _ms("at_ms", null=False),
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
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _ms("at_ms", null=False),
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
    _ms("raised_at_ms", null=False),
    Column("episode", String(64), nullable=False),
    Column("evidence", Text, nullable=False),
    UniqueConstraint("episode", "phase", "at_ms", name="shadow_finding_once"),
    Index("shadow_finding_rule", "rule", "seq"),
)

QUARANTINE: Final = Table(
    "quarantine",
    METADATA,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _ms("at_ms", null=False),
    Column("source", String(160), nullable=False),  # the topic, or the route
    Column("gateway", String(64)),
    Column("code", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # a redelivered message stays one row
    Column("count", Integer, nullable=False, default=1),
    UniqueConstraint("source", "digest", name="quarantine_once"),
)

ACCOUNT: Final = Table(
    "account",
    METADATA,
    Column("username", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("region", String(32), nullable=False, default=""),  # "" sees every region
    Column("phone", String(32), nullable=False, default=""),
    Column("password", Text, nullable=False),  # argon2id
    Column("disabled", Boolean, nullable=False, default=False),
    _ms("created_at_ms", null=False),
)

SESSION: Final = Table(
    "session",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token, which is not kept
    Column("username", String(64), ForeignKey("account.username"), nullable=False),
    _ms("created_at_ms", null=False),
    _ms("expires_at_ms", null=False),
    _ms("seen_at_ms", null=False),
    Index("session_username", "username"),
)

GATEWAY_KEY: Final = Table(
    "gateway_key",
    METADATA,
    Column("gateway", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),  # SHA-256 of the gateway's HTTP bearer key
    _ms("created_at_ms", null=False),
)

IDEMPOTENCY: Final = Table(
    "idempotency",
    METADATA,
    Column("key", String(160), primary_key=True),  # username and Idempotency-Key
    Column("route", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _ms("at_ms", null=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(40), nullable=False),  # viewed, changed, logged_in, refused …
    Column("object", String(160), nullable=False),
    Column("detail", Text, nullable=False, default=""),
)

META: Final = Table(
    "meta",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
