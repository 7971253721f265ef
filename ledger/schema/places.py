"""Who and what is watched: regions, homes, people, gateways, devices, and who is away."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from ledger.schema.columns import METADATA, ms, widened

REGION: Final = Table(
    "region",
    METADATA,
    Column("code", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", String(16), nullable=False),  # county, town, village, group
    Column("parent", String(32), ForeignKey("region.code")),
)

# As a county gave it, in WGS 84 and thinned for a drawing: polygons of rings of [lon, lat].
REGION_OUTLINE: Final = Table(
    "region_outline",
    METADATA,
    Column("region", String(32), ForeignKey("region.code"), primary_key=True),
    Column("shape", Text, nullable=False),
    ms("set_at_ms", null=False),
    Column("set_by", String(64), nullable=False),
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
    # What a visitor at night must know of the way in.
    Column("key_place", Text, nullable=False, default="", server_default=""),
    Column("lane", Text, nullable=False, default="", server_default=""),
    Column("dog", Text, nullable=False, default="", server_default=""),
    # Printing a new label makes the ones before it worthless.
    Column("label_print", Integer, nullable=False, default=0, server_default="0"),
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
    Column("phone", widened(32), nullable=False, default=""),
    Column("categories", Text, nullable=False, default="[]"),
    Column("grade", String(32), nullable=False, default=""),
    Column("conditions", Text, nullable=False, default="[]"),
    Column("medication", Text, nullable=False, default="[]", server_default="[]"),
    Column("allergies", Text, nullable=False, default="[]", server_default="[]"),
    Column("hearing", Text, nullable=False, default="", server_default=""),  # how to be heard
    Column("contacts", Text, nullable=False, default="[]"),  # [{name, relation, phone}] in order
    Column("visitor", String(64)),  # username of the responsible visitor
    # ISO dates; since when and until when in the service (ledger/forms/joining.py).
    Column("joined_on", String(10), nullable=False, default="", server_default=""),
    Column("left_on", String(10), nullable=False, default="", server_default=""),
    Column("left_why", String(16), nullable=False, default="", server_default=""),
    Column("left_note", Text, nullable=False, default="", server_default=""),
    # [{left_on, why, note, returned_on}], oldest first
    Column("service_gaps", Text, nullable=False, default="[]", server_default="[]"),
    # The name of her photo in `person_photo`; empty: there is none.
    Column("photo", String(64), nullable=False, default="", server_default=""),
    ms("erased_at_ms"),  # what told of her is gone (ledger/erasure/); the row stays for its counts
    Index("service_user_home", "home"),
    Index("service_user_visitor", "visitor"),
)

GATEWAY: Final = Table(
    "gateway",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("region", String(32), ForeignKey("region.code")),
    Column("name", Text, nullable=False, default=""),
    Column("online", Boolean, nullable=False, default=False),
    ms("status_at_ms"),
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
    ms("first_seen_ms"),
    ms("last_seen_ms"),
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
    ms("tampered_at_ms"),
    ms("tested_at_ms"),
    # Says "I'm well", and its gateway can ask there.
    Column("asks", Boolean, nullable=False, server_default=false()),
    Index("device_home", "home"),
)

STAY: Final = Table(
    "stay",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("home", String(64), ForeignKey("home.id"), nullable=False),
    Column("person", String(64)),  # NULL: everybody of the home
    Column("kind", String(16), nullable=False),  # away, hospital, visitors
    ms("from_ms", null=False),
    ms("until_ms", null=False),
    Column("note", Text, nullable=False, default=""),
    ms("created_at_ms", null=False),
    Column("created_by", String(64), nullable=False),
    ms("ended_at_ms"),
    Column("ended_how", String(16)),  # activity, user, until
    Column("ended_by", String(64)),  # who, where somebody did
    Index("stay_home", "home", "from_ms"),
    Index("stay_ended", "ended_at_ms"),
)
