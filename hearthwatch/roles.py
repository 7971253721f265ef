"""What a process of a hub does: all of it, or a part beside others that write the same book (ADR
0022)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from contract.config import ConfigError
from hearthwatch.hub_config import HubConfig
from ledger.cursor import HubConnection
from ledger.pg_duty import ESCALATION, HEARING


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`hears`: gateways, over the broker; `serves`: people, over HTTP; `escalates`: due steps and
    messages, housekeeping and whatever else only one may do."""

    name: str
    hears: bool = False
    serves: bool = False
    escalates: bool = False


ALL: Final = Role(name="all", hears=True, serves=True, escalates=True)
ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "all": ALL,
        "worker": Role(name="worker", hears=True),
        "web": Role(name="web", serves=True),
        "escalation": Role(name="escalation", escalates=True),
    }
)


def check(role: Role, config: HubConfig) -> None:
    """ConfigError: this book has one hub, which does everything."""
    if role != ALL and not config.book.shared:
        raise ConfigError(
            "hub.toml: book.shared",
            f"role {role.name} is one of several processes: it needs a book on PostgreSQL (url)"
            " with shared = true",
        )


def open_book(role: Role, config: HubConfig) -> HubConnection:
    """BookInUseError while another process does what only one may."""
    if not config.book.shared:
        return config.book.open_hub()
    # Where shards are shared, the broker says who hears whom.
    alone = role.hears and not config.shares_shards
    duties = ((ESCALATION, role.escalates), (HEARING, alone))
    return config.book.open_shared(*(duty for duty, its in duties if its))
