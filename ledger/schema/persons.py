"""One person one file (一人一档): the document, consents, and what a person is found by."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from ledger.schema.columns import METADATA, SERIAL, ms, widened

# Compared by code points in both databases, so that an index finds what begins with a text.
TERM: Final = String(96).with_variant(String(96, collation="C"), "postgresql")
_HAS_NUMBER: Final = text("id_number <> ''")

PERSON_FILE: Final = Table(
    "person_file",
    METADATA,
    Column("person", String(64), ForeignKey("service_user.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),  # ledger.forms.person_file.PersonFile
    # In the document too; here, blinded, so that nobody is in the book twice.
    Column("id_number", widened(18), nullable=False, default="", server_default=""),
    # So many facts that the form asks for are not known (ledger/forms/completeness.py).
    Column("missing", Integer, nullable=False),
    ms("changed_at_ms", null=False),
    Column("changed_by", String(64), nullable=False),
    # What the plan is made by (ledger/forms/counted.py), coded; NULL: written by an older program.
    Column("counted", Text),
    Index(
        "person_file_id_number",
        "id_number",
        unique=True,
        sqlite_where=_HAS_NUMBER,
        postgresql_where=_HAS_NUMBER,
    ),
)

# What a person is found by, blinded: names, readings and telephones (ledger/persons/terms.py).
PERSON_TERM: Final = Table(
    "person_term",
    METADATA,
    Column("term", TERM, primary_key=True),
    Column("kind", SmallInteger, primary_key=True),
    Column("person", String(64), ForeignKey("service_user.id"), primary_key=True),
    Index("person_term_person", "person"),
    sqlite_with_rowid=False,
)

# As it is of a home: parts of its address, blinded.
HOME_TERM: Final = Table(
    "home_term",
    METADATA,
    Column("term", TERM, primary_key=True),
    Column("home", String(64), ForeignKey("home.id"), primary_key=True),
    Index("home_term_home", "home"),
    sqlite_with_rowid=False,
)

# By which who comes knows her; `service_user.photo` names it. Kept while she agrees to it.
PERSON_PHOTO: Final = Table(
    "person_photo",
    METADATA,
    Column("person", String(64), ForeignKey("service_user.id"), primary_key=True),
    Column("mime", String(64), nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    ms("added_at_ms", null=False),
    Column("added_by", String(64), nullable=False),
)

# Appended, never changed; what ends one is a row of the other table.
CONSENT: Final = Table(
    "consent",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("person", String(64), ForeignKey("service_user.id"), nullable=False),
    Column("purpose", String(16), nullable=False),  # ledger/forms/consents.py
    Column("given_by", Text, nullable=False),  # the name
    Column("relation", String(16), nullable=False),  # self, family, guardian, committee
    Column("how", String(16), nullable=False),
    Column("given_on", String(10), nullable=False),  # ISO date
    Column("until_on", String(10), nullable=False, default=""),  # the last day; empty: no end
    Column("note", Text, nullable=False, default=""),
    ms("recorded_at_ms", null=False),
    Column("recorded_by", String(64), nullable=False),
    Column("answer", String(8), nullable=False, default="yes", server_default="yes"),  # yes, no
    Index("consent_person", "person", "purpose"),
)

CONSENT_WITHDRAWAL: Final = Table(
    "consent_withdrawal",
    METADATA,
    Column("consent", String(64), ForeignKey("consent.id"), primary_key=True),
    Column("withdrawn_by", Text, nullable=False),
    Column("withdrawn_on", String(10), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    ms("recorded_at_ms", null=False),
    Column("recorded_by", String(64), nullable=False),
)

# By which the family of a person looks, while she agrees to it. Whose it is stands here by relation
# only; the link's secret is kept by nobody.
FAMILY_LINK: Final = Table(
    "family_link",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("person", String(64), ForeignKey("service_user.id"), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the secret
    Column("relation", String(20), nullable=False),
    ms("created_at_ms", null=False),
    Column("created_by", String(64), nullable=False),
    ms("expires_at_ms", null=False),
    ms("revoked_at_ms"),
    Column("revoked_by", String(64)),
    Column("looks", Integer, nullable=False, default=0, server_default="0"),
    ms("looked_at_ms"),
    Index("family_link_person", "person"),
)
