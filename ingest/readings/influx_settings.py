"""Where an InfluxDB 2 server is; apart from the adapter, whose client costs a third of a second and
much memory to import."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxSettings:
    """`token` is never logged."""

    url: str
    org: str
    bucket: str
    token: str = field(repr=False)
    timeout_ms: int = 10_000
