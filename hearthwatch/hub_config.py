"""hub.toml, checked: every key is known, every mistake names file, key and remedy."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, cast

from alarms.escalation.defaults import default_policies
from alarms.escalation.policy import Policies
from alarms.escalation.policy import parse as parse_policies
from alarms.outbox import WebhookTarget
from alarms.registry import NOTIFIERS
from alarms.rota.coverage import WARN_HOURS, WARN_HOURS_MAX, WARNINGS_MAX
from alarms.rota.model import RotaError, clock_minutes
from alarms.visiting import FOLLOW_UP_DAYS_MAX
from contract.config import ConfigError, check_keys, get, one_of
from dashboard.request_rate import ACCOUNT, ADDRESS
from dashboard.signing_in.settings import SigningIn
from hearthwatch.audit_copy.config import AuditCopyConfig, audit_copy_config
from hearthwatch.broker_config import BrokerConfig, broker_config, port_of
from hearthwatch.enrolment_config import EnrolmentConfig, enrolment_config
from hearthwatch.notify_config import NotifyConfig, notify_config
from hearthwatch.readings_config import ReadingsConfig, readings_config
from hearthwatch.secret_files import read_secret
from hearthwatch.signing_in_config import signing_in_config
from hearthwatch.watchdog.config import WatchdogConfig, watchdog_config
from ledger.checked_copies import KEPT, KEPT_MAX
from ledger.erasure.periods import DAYS_MAX, RECORDS_DAYS, UNREAD_DAYS, Periods
from ledger.place import Place, SqliteBook, postgres_book
from ledger.sealing.ring import Ring
from ledger.visits import NOBODY_MET_DAYS

_KEYS: Final = (
    "data_dir",
    "book",
    "clock_plan",
    "rules",
    "homes",
    "escalation",
    "http",
    "broker",
    "readings",
    "rota",
    "webhook",
    "notify",
    "channel",
    "watchdog",
    "visits",
    "sealing",
    "retention",
    "backup",
    "signing_in",
    "audit_copy",
    "enrolment",
)
# Where nothing else is said; a folder of its own, which only the hub may look into.
KEY_FILE: Final = Path("keys") / "persons.json"
_SEVERITIES: Final = frozenset({"urgent", "watch", "technical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """`trusted_proxies`: whose word about scheme and sender counts, addresses or networks. Rates:
    requests in a second of one account, of one address; 0: any number."""

    host: str = "127.0.0.1"
    port: int = 8080
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    account_per_s: int = int(ACCOUNT.per_s)
    address_per_s: int = int(ADDRESS.per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    data_dir: Path
    book: Place
    clock_plan: Path | None = None
    rules: Path | None = None
    homes: Path | None = None
    http: HttpConfig = HttpConfig()
    broker: BrokerConfig = field(default_factory=BrokerConfig)
    readings: ReadingsConfig = field(default_factory=ReadingsConfig)
    webhooks: tuple[tuple[WebhookTarget, str], ...] = ()
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    rota_warn_hours: tuple[float, ...] = WARN_HOURS
    policies: Policies = field(default_factory=default_policies)
    watchdog: WatchdogConfig = field(default_factory=WatchdogConfig)
    # The place of a telephone may prove a visitor's arrival.
    gps_proof: bool = False
    # Days until somebody looks again where a visit met nobody; 0: nobody does.
    nobody_met_days: int = NOBODY_MET_DAYS
    # The minute of the day at which the plan's visits become tasks; None: when they are begun.
    morning_tasks: int | None = None
    periods: Periods = field(default_factory=Periods)
    # Checked copies that have to have something before gateways forget it.
    copies_kept: int = KEPT
    signing_in: SigningIn = field(default_factory=SigningIn)
    # What seals copies, outside of them and of the book; read when one is made or taken back.
    copy_key_file: Path | None = None
    # Where the trail goes as it is written; None: nowhere.
    audit_copy: AuditCopyConfig | None = None
    # None: gateways have passwords.
    enrolment: EnrolmentConfig | None = None

    @property
    def shares_shards(self) -> bool:
        """Several workers hear gateways at once: the broker says who hears which, and what rules
        think lies where the next one finds it."""
        sharded = self.broker.rabbitmq is not None and self.readings.postgres is not None
        return sharded and self.book.shared


def load(path: Path) -> HubConfig:
    """The configuration in a hub.toml; relative paths are relative to the file."""
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(str(path), "no such file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), str(error)) from error
    where = path.name
    check_keys(document, _KEYS, where)
    base = path.parent
    data_dir = base / get(document, "data_dir", str, where)
    webhooks = _webhooks(document, where, base)
    notify = notify_config(
        _table(document, "notify", where), _table(document, "channel", where), where, base
    )
    watchdog = f"{where}: watchdog"
    visits = _table(document, "visits", where)
    keys = ("gps_proof", "morning_tasks", "nobody_met_days")
    check_keys(visits, keys, f"{where}: visits")
    sealing = _table(document, "sealing", where)
    check_keys(sealing, ("key_file",), f"{where}: sealing")
    ring = Ring(_path(sealing, "key_file", where, base) or data_dir / KEY_FILE)
    book = _book(_table(document, "book", where), f"{where}: book", base, data_dir, ring)
    return HubConfig(
        data_dir=data_dir,
        book=book,
        clock_plan=_path(document, "clock_plan", where, base),
        rules=_path(document, "rules", where, base),
        homes=_path(document, "homes", where, base),
        http=_http(_table(document, "http", where), f"{where}: http"),
        broker=broker_config(_table(document, "broker", where), f"{where}: broker", base),
        readings=readings_config(
            _table(document, "readings", where), f"{where}: readings", base, book
        ),
        webhooks=webhooks,
        watchdog=watchdog_config(
            _table(document, "watchdog", where),
            watchdog,
            lambda table, key, variable: read_secret(table, key, variable, watchdog, base),
            frozenset(target.url for target, _secret_text in webhooks),
        ),
        gps_proof=get(visits, "gps_proof", bool, f"{where}: visits", default=False),
        nobody_met_days=_nobody_met_days(visits, f"{where}: visits"),
        morning_tasks=_morning(visits, f"{where}: visits"),
        copy_key_file=_path(
            _table(document, "backup", where), "key_file", f"{where}: backup", base
        ),
        copies_kept=_copies_kept(_table(document, "backup", where), f"{where}: backup"),
        periods=_periods(_table(document, "retention", where), f"{where}: retention"),
        enrolment=enrolment_config(document, f"{where}: enrolment", base),
        signing_in=signing_in_config(
            _table(document, "signing_in", where),
            f"{where}: signing_in",
            base,
            notify.telling.public_url or "",
        ),
        audit_copy=audit_copy_config(
            _table(document, "audit_copy", where), f"{where}: audit_copy", base
        ),
        notify=notify,
        rota_warn_hours=_warn_hours(_table(document, "rota", where), f"{where}: rota"),
        policies=_policies(_table(document, "escalation", where), f"{where}: escalation", base),
    )


def _periods(table: Mapping[str, Any], where: str) -> Periods:
    names = ("records_days", "unread_days")
    check_keys(table, names, where)
    usual = {"records_days": RECORDS_DAYS, "unread_days": UNREAD_DAYS}
    found = {name: get(table, name, int, where, usual[name]) for name in names}
    for name, days in found.items():
        if not 0 < days <= DAYS_MAX:
            raise ConfigError(f"{where}.{name}", f"{days}, from 1 to {DAYS_MAX} days")
    return Periods(records=found["records_days"], unread=found["unread_days"])


def _copies_kept(table: Mapping[str, Any], where: str) -> int:
    check_keys(table, ("kept", "key_file"), where)
    kept = get(table, "kept", int, where, KEPT)
    if not 1 <= kept <= KEPT_MAX:
        raise ConfigError(f"{where}.kept", f"{kept}, from 1 to {KEPT_MAX} copies")
    return kept


def _nobody_met_days(table: Mapping[str, Any], where: str) -> int:
    days = get(table, "nobody_met_days", int, where, NOBODY_MET_DAYS)
    if not 0 <= days <= FOLLOW_UP_DAYS_MAX:
        raise ConfigError(f"{where}.nobody_met_days", f"0 to {FOLLOW_UP_DAYS_MAX} days")
    return days


def _morning(table: Mapping[str, Any], where: str) -> int | None:
    text = get(table, "morning_tasks", str, where, "")
    if not text:
        return None
    try:
        return clock_minutes(text, "morning_tasks")
    except RotaError:
        raise ConfigError(f"{where}.morning_tasks", 'a time of day, as "07:00"') from None


def _warn_hours(table: Mapping[str, Any], where: str) -> tuple[float, ...]:
    """When a gap in the rota is told, in hours before it, the first time and again."""
    check_keys(table, ("warn_hours",), where)
    hours = get(table, "warn_hours", list, where, list(WARN_HOURS))
    good = 1 <= len(hours) <= WARNINGS_MAX and all(
        isinstance(one, int | float) and not isinstance(one, bool) and 0 < one <= WARN_HOURS_MAX
        for one in hours
    )
    if not good:
        raise ConfigError(
            f"{where}.warn_hours",
            f"one to {WARNINGS_MAX} numbers of hours, above 0 and at most {WARN_HOURS_MAX:g}",
        )
    return tuple(float(one) for one in hours)


def _table(document: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", get(document, key, dict, where, {}))


def _path(table: Mapping[str, Any], key: str, where: str, base: Path) -> Path | None:
    text = get(table, key, str, where, "")
    return base / text if text else None


def _http(table: Mapping[str, Any], where: str) -> HttpConfig:
    keys = ("host", "port", "trusted_proxies", "account_per_s", "address_per_s")
    check_keys(table, keys, where)
    usual = HttpConfig()
    proxies = get(table, "trusted_proxies", list, where, list(usual.trusted_proxies))
    for proxy in proxies:
        try:
            ip_network(proxy if isinstance(proxy, str) else "")
        except ValueError:
            detail = f"{proxy!r} is no address and no network (as 172.16.0.0/12)"
            raise ConfigError(f"{where}.trusted_proxies", detail) from None
    rates = {name: get(table, name, int, where, getattr(usual, name)) for name in keys[3:]}
    for name, rate in rates.items():
        if rate < 0:
            raise ConfigError(f"{where}.{name}", f"{rate}, requests in a second; 0: any number")
    return HttpConfig(
        host=get(table, "host", str, where, usual.host),
        port=port_of(table, where, usual.port),
        trusted_proxies=tuple(proxies),
        **rates,
    )


def _book(table: Mapping[str, Any], where: str, base: Path, data_dir: Path, ring: Ring) -> Place:
    """An SQLite file in data_dir, unless an address is given."""
    check_keys(table, ("url", "password_file", "copy_before_migrating", "shared"), where)
    copies = get(table, "copy_before_migrating", bool, where, True)
    url = get(table, "url", str, where, "")
    shared = get(table, "shared", bool, where, False)
    if not url:
        for key in ("password_file", "shared"):
            if key in table:
                raise ConfigError(f"{where}.{key}", "only with url")
        return SqliteBook(path=data_dir / "hub.db", ring=ring, copies_before=copies)
    password = read_secret(table, "password", "HEARTHWATCH_BOOK_PASSWORD", where, base)
    try:
        return postgres_book(url, password, ring, data_dir if copies else None, shared=shared)
    except ValueError as error:
        raise ConfigError(f"{where}.url", str(error)) from error


def _policies(table: Mapping[str, Any], where: str, base: Path) -> Policies:
    check_keys(table, ("policies",), where)
    path = _path(table, "policies", where, base)
    if path is None:
        return default_policies()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{where}.policies", f"cannot read {path}: {error.strerror}") from error
    people = {name: spec.urgent for name, spec in NOTIFIERS.items() if spec.form is not None}
    return parse_policies(text, path.name, people)


def _webhooks(
    document: Mapping[str, Any], where: str, base: Path
) -> tuple[tuple[WebhookTarget, str], ...]:
    found = []
    for number, table in enumerate(get(document, "webhook", list, where, []), start=1):
        place = f"{where}: webhook[{number}]"
        check_keys(table, ("url", "secret_file", "severities", "private"), place)
        severities = get(table, "severities", list, place, ["urgent"])
        for severity in severities:
            one_of(str(severity), _SEVERITIES, f"{place}.severities")
        secret = read_secret(table, "secret", "HEARTHWATCH_WEBHOOK_SECRET", place, base)
        if secret is None:
            raise ConfigError(f"{place}.secret_file", "missing; webhooks are always signed")
        target = WebhookTarget(
            url=get(table, "url", str, place),
            severities=frozenset(map(str, severities)),
            private=get(table, "private", bool, place, False),
        )
        if not target.private and not target.url.startswith("https://"):
            raise ConfigError(
                f"{place}.url", "expected https://…; an address of your own network: private = true"
            )
        found.append((target, secret))
    return tuple(found)
