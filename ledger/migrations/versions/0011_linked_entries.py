"""Entries and the trail of looks are linked by hashes; rows that are there get theirs now"""

import hashlib
import json
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final[str | None] = "0010"

# As ledger/chain.py has them today; a migration keeps its own words.
_CHAINS: Final = {
    "entry": ("at_ms", "topic", "subject", "fact", "actor", "reason", "region", "data"),
    "audit": ("at_ms", "actor", "action", "object", "detail"),
}
# A few MB at a time, however long the book is.
_PORTION: Final = 5000


def upgrade() -> None:
    for table, fields in _CHAINS.items():
        op.add_column(table, sa.Column("link", sa.LargeBinary(), nullable=True))
        _link_all(op.get_bind(), table, fields)


def _link_all(connection: sa.Connection, name: str, fields: tuple[str, ...]) -> None:
    table = sa.table(name, sa.column("seq"), *map(sa.column, fields), sa.column("link"))
    values = [table.c[field] for field in fields]
    change = (
        sa.update(table).where(table.c.seq == sa.bindparam("n")).values(link=sa.bindparam("hash"))
    )
    before, after = b"", -1
    while True:
        portion = sa.select(table.c.seq, *values).where(table.c.seq > after).order_by(table.c.seq)
        found = connection.execute(portion.limit(_PORTION)).all()
        if not found:
            return
        links = []
        for row in found:
            text = json.dumps(list(row[1:]), ensure_ascii=False, separators=(",", ":"))
            before = hashlib.sha256(before + text.encode()).digest()
            links.append({"n": row[0], "hash": before})
        connection.execute(change, links)
        after = found[-1][0]


def downgrade() -> None:
    for table in _CHAINS:
        with op.batch_alter_table(table) as altered:
            altered.drop_column("link")
