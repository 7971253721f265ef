"""Several processes write one book: each hears from a log what the others changed.

The log is written by triggers, so that nothing that is changed can be left out of it, by whichever
program or statement; and only in sessions that say who they are (`hearthwatch.origin`). A hub that
has its book for itself says nothing, and pays for one look at a setting a row.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0036"
down_revision: Final[str | None] = "0034"

_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Between the parts of a key; in no name.
_BETWEEN: Final = "chr(31)"
_SHARED: Final = "current_setting('hearthwatch.origin', true) <> ''"
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

# Table, its kind in the log, and the key of a row.
_ROWS: Final = (
    ("account", "account", "username"),
    ("alarm", "alarm", "id"),
    ("device", "device", f"gateway || {_BETWEEN} || r.device"),
    ("escalation", "timer", None),
    ("gateway", "gateway", "id"),
    ("home", "home", "id"),
    ("person_key", "person_key", "owner"),
    ("region", "region", "code"),
    ("rota_fact", "rota", None),
    ("rule_setting", "rule_setting", "rule"),
    ("rule_state", "rule_state", f"home || {_BETWEEN} || r.rule"),
    ("service_user", "person", "id"),
    ("spool_mark", "spool", "spool"),
    ("stay", "stay", "id"),
    ("task", "task", "id"),
    ("visit", "visit", "id"),
)
# Of these an update tells only what memory holds: what is heard of them changes every few seconds.
_TOLD: Final = {
    "account": ("name", "role", "phone", "region", "disabled"),
    "device": (
        "home",
        "kind",
        "model",
        "label",
        "expected_interval_s",
        "test_interval_s",
        "life_critical",
        "reports_itself",
    ),
    "gateway": ("region", "name", "online"),
    # A key that was destroyed; others are found by their owners.
    "person_key": ("erased_at_ms",),
}
# One line for all rows of a statement: these are read again as a whole.
_STATEMENTS: Final = (
    ("backup_copy", "backup", "INSERT OR UPDATE OR DELETE"),
    ("backup_through", "backup", "UPDATE OR DELETE"),
    ("event", "event", "INSERT"),
    ("outbox", "outbox", "INSERT"),
)


def upgrade() -> None:
    op.create_table(
        "book_change",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(240), nullable=False),
    )
    # Never empty: who has read up to a row sees by it that nothing was taken away unread.
    op.execute("INSERT INTO book_change (at_ms, origin, kind, \"key\") VALUES (0, '', 'begun', '')")
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, kind, key in _ROWS:
        _follow_rows(table, kind, key)
    op.execute(_function("book_changed", "TG_ARGV[0]", "''", "NULL"))
    for table, kind, when in _STATEMENTS:
        op.execute(
            f'CREATE TRIGGER {table}_changed AFTER {when} ON "{table}" FOR EACH STATEMENT'
            f" WHEN ({_SHARED}) EXECUTE FUNCTION book_changed('{kind}')"
        )


def _follow_rows(table: str, kind: str, key: str | None) -> None:
    name = f"{table}_changed"
    text = "''" if key is None else f"r.{key}"
    op.execute(_function(name, f"'{kind}'", text, "r"))
    event = "INSERT OR DELETE" if table in _TOLD else "INSERT OR UPDATE OR DELETE"
    op.execute(
        f'CREATE TRIGGER {name} AFTER {event} ON "{table}" FOR EACH ROW'
        f" WHEN ({_SHARED}) EXECUTE FUNCTION {name}()"
    )
    if table in _TOLD:
        old, new = (", ".join(f"{r}.{c}" for c in _TOLD[table]) for r in ("OLD", "NEW"))
        op.execute(
            f'CREATE TRIGGER {name}_told AFTER UPDATE ON "{table}" FOR EACH ROW'
            f" WHEN ({_SHARED} AND ({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION {name}()"
        )


def _function(name: str, kind: str, key: str, row: str) -> str:
    # COALESCE of records is not for fields; a row that goes is told as one that is written.
    fetch = "IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF;" if row == "r" else ""
    declared = "DECLARE r record;" if row == "r" else ""
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$"  # noqa: S608 - names of this file
        f" {declared} BEGIN {fetch}"
        ' INSERT INTO book_change (at_ms, origin, kind, "key")'
        f" VALUES ({_NOW}, current_setting('hearthwatch.origin', true), {kind}, {key});"
        " RETURN NULL; END $body$"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, _kind, _when in _STATEMENTS:
            op.execute(f'DROP TRIGGER {table}_changed ON "{table}"')
        op.execute("DROP FUNCTION book_changed()")
        for table, _kind, _key in _ROWS:
            if table in _TOLD:
                op.execute(f'DROP TRIGGER {table}_changed_told ON "{table}"')
            op.execute(f'DROP TRIGGER {table}_changed ON "{table}"')
            op.execute(f"DROP FUNCTION {table}_changed()")
    op.drop_table("book_change")
