"""`[watchdog]` of hub.toml."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contract.config import ConfigError, bounded, check_keys, get, name_of, one_of

_KEYS: Final = (
    "url",
    "url_file",
    "method",
    "interval_s",
    "late_after_s",
    "test_home",
    "test_gateway",
    "test_password_file",
    "test_at",
    "test_within_s",
    "receipt_url",
)
# Services that miss heartbeats count in minutes; more often only costs both sides.
INTERVAL_S: Final = 60
INTERVAL_MIN_S: Final = 10
INTERVAL_MAX_S: Final = 3600
# One lost packet is no news, five in a row are.
LATE_AFTER_S: Final = 300
LATE_AFTER_MAX_S: Final = 86_400
# The whole way takes less than a second; a broker that was just restarted, ten.
TEST_WITHIN_S: Final = 30
TEST_WITHIN_MAX_S: Final = 600
TEST_GATEWAY: Final = "hub-test"
# In the hour with the fewest calls, when nobody would notice that nothing comes.
TEST_AT: Final = "03:00"
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogConfig:
    """`url` None: no heartbeat; `test_home` None: no test press. `test_minute`: of the local day.
    The address is a secret: who knows it can say that the hub is well."""

    url: str | None = field(default=None, repr=False)
    method: str = "POST"
    interval_s: int = INTERVAL_S
    late_after_s: int = LATE_AFTER_S
    test_home: str | None = None
    test_gateway: str = TEST_GATEWAY
    test_password: str | None = field(default=None, repr=False)
    test_minute: int = 180
    test_within_s: int = TEST_WITHIN_S
    receipt_url: str | None = None


def watchdog_config(
    table: Mapping[str, Any],
    where: str,
    secret: Callable[[Mapping[str, Any], str, str], str | None],
    webhooks: frozenset[str],
) -> WatchdogConfig:
    """`secret` reads the file that a key names, or a variable; `webhooks`: configured addresses."""
    check_keys(table, _KEYS, where)
    url = get(table, "url", str, where, "") or secret(table, "url", "HEARTHWATCH_WATCHDOG_URL")
    if url and not url.startswith(("https://", "http://")):
        raise ConfigError(f"{where}.url", "begins with https:// or http://")
    home = get(table, "test_home", str, where, "") or None
    receipt = get(table, "receipt_url", str, where, "") or None
    if receipt is not None and receipt not in webhooks:
        raise ConfigError(f"{where}.receipt_url", "is the url of a [[webhook]], which signs it")
    return WatchdogConfig(
        url=url or None,
        method=one_of(get(table, "method", str, where, "POST"), ("POST", "GET"), f"{where}.method"),
        interval_s=bounded(
            table, "interval_s", INTERVAL_S, (INTERVAL_MIN_S, INTERVAL_MAX_S), where
        ),
        late_after_s=bounded(
            table, "late_after_s", LATE_AFTER_S, (INTERVAL_MIN_S, LATE_AFTER_MAX_S), where
        ),
        test_home=name_of(table, "test_home", where) if home else None,
        test_gateway=name_of(table, "test_gateway", where, TEST_GATEWAY),
        test_password=secret(table, "test_password", "HEARTHWATCH_TEST_PASSWORD"),
        test_minute=_minute(get(table, "test_at", str, where, TEST_AT), f"{where}.test_at"),
        test_within_s=bounded(table, "test_within_s", TEST_WITHIN_S, (1, TEST_WITHIN_MAX_S), where),
        receipt_url=receipt,
    )


def _minute(text: str, where: str) -> int:
    found = _TIME.match(text)
    if found is None:
        raise ConfigError(where, f"{text!r} is no time of day, as 03:00")
    return int(found[1]) * 60 + int(found[2])
