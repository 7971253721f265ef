"""Where readings are kept on a PostgreSQL server."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PgSettings:
    """`conninfo` holds the password and is never logged."""

    conninfo: str = field(repr=False)
    keep_raw_days: int = 90
