"""What a notification channel declares of itself: its settings, its addresses, its limits."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar, cast

import httpx2

from alarms.limits import Limit
from alarms.notifier import Notifier
from contract.config import ConfigError, check_keys, get
from contract.errors import ContractError
from contract.ids import is_name

T = TypeVar("T")

# E.164: at most 15 digits, the first of a country is never 0.
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_MAINLAND: Final = re.compile(r"1[3-9][0-9]{9}\Z")
_MAIL: Final = re.compile(r"[^\s@\x00-\x1f<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,255}\Z")
_HTTP: Final = ("http://", "https://")

AddressForm = Literal["phone", "mail", "name", "subscription"]


class Secrets(Protocol):
    """Reads a secret: from the file of a key `<key>_file`, else from the environment."""

    def __call__(self, table: Mapping[str, Any], key: str, variable: str, where: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A channel's table of hub.toml. Unknown keys are refused by `only`."""

    table: Mapping[str, Any]
    where: str
    secrets: Secrets
    channel: str

    def only(self, *keys: str) -> None:
        check_keys(self.table, keys, self.where)

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        return get(self.table, key, kind, self.where, default)

    def url(self, key: str, default: str) -> str:
        """An address of the provider; only tests and proxies have another than the default."""
        text = self.get(key, str, default).rstrip("/")
        if not text.startswith(_HTTP):
            raise ConfigError(f"{self.where}.{key}", f"{text[:60]!r}, expected https://…")
        return text

    def secret(self, key: str) -> str:
        variable = f"HEARTHWATCH_{self.channel}_{key}".upper()
        return self.secrets(self.table, key, variable, self.where)

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.get(key, list, [])
        if not all(isinstance(text, str) for text in found):
            raise ConfigError(f"{self.where}.{key}", "a list of texts is expected")
        return tuple(found)

    def tables(self, key: str) -> dict[str, "Settings"]:
        """Named tables inside this one, each with secrets of its own."""
        found = {}
        for name, table in cast("Mapping[str, Any]", self.get(key, dict, {})).items():
            where = f"{self.where}.{key}.{name}"
            if not is_name(name):
                raise ConfigError(where, "1-64 of A-Z a-z 0-9 . _ - are allowed in a name")
            if not isinstance(table, dict):
                raise ConfigError(where, "a table is expected")
            channel = f"{self.channel}_{re.sub('[^A-Za-z0-9]', '_', name)}"
            found[name] = Settings(table=table, where=where, secrets=self.secrets, channel=channel)
        if not found:
            raise ConfigError(f"{self.where}.{key}", "at least one is needed")
        return found


class SmsModem(Protocol):
    """A modem on a line of this machine. The text goes in as many parts as it needs."""

    async def send(self, number: str, text: str) -> str:
        """The network's references; ModemBusy or ModemRefused say why not."""
        ...


class ModemBusy(Exception):  # noqa: N818 - an answer, not a mistake
    """The modem or its network can't now."""


class ModemRefused(Exception):  # noqa: N818 - as above
    """The network will not take this message, whenever it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What notifiers are built with. `now_ms` is real time; `nonce`: text that never repeats.
    `key_folder`: where keys that the hub makes itself are kept."""

    http: httpx2.AsyncClient
    now_ms: Callable[[], int]
    nonce: Callable[[], str]
    key_folder: Path
    modem: Callable[[str, str], SmsModem]
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One notification channel.

    form: what an address is; None for channels to systems, which no person registers and the hub
    builds itself. names: those of the configuration that an address may be (bots, targets). urgent:
    whether it may carry calls for help: what reports success on refusals may not.
    """

    name: str
    title: str
    form: AddressForm | None
    read: Callable[[Settings], Any] | None = None
    build: Callable[[Any, Tools], Notifier] | None = None
    limits: Sequence[Limit] = ()
    names: Callable[[Any], frozenset[str]] | None = None
    urgent: bool = True


def phone_number(text: str) -> str:
    """E.164; a mobile number of the mainland may come without its country."""
    bare = re.sub(r"[\s()-]", "", text)
    if _MAINLAND.match(bare):
        return f"+86{bare}"
    if not _PHONE.match(bare):
        raise ContractError("bad_address", "a telephone number is expected, as +8613800000001")
    return bare


def mail_address(text: str) -> str:
    if not _MAIL.match(text.strip()):
        raise ContractError("bad_address", "an e-mail address is expected")
    return text.strip()
