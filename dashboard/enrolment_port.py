"""What the routes of enrolment need of the hub; a hub whose gateways have passwords has none."""

from collections.abc import Mapping
from typing import Protocol

from ledger.gateway_certificates import Issued
from ledger.unit_of_work import UnitOfWork


class AuthorityAway(Exception):  # noqa: N818 - it comes back; what was asked is asked again
    """The authority's process does not answer."""


class Ends(Protocol):
    """When certificates end, as far as it is known; `refused`: why no gateway would believe the
    broker now, empty: they do."""

    @property
    def ends_ms(self) -> Mapping[str, int]: ...
    @property
    def refused(self) -> str: ...


class Enrolment(Protocol):
    """`certificate`, `code` and `sign` ask the authority: for worker threads, and AuthorityAway.
    What comes from outside and is no good: ContractError."""

    @property
    def on(self) -> bool: ...
    @property
    def ends(self) -> Ends | None: ...
    def certificate(self) -> str:
        """The authority's own, as PEM."""
        ...

    def code(self, gateway: str, token: str, /) -> str:
        """The text that the installer's telephone reads."""
        ...

    def sign(self, gateway: str, request: str, /) -> Issued: ...
    def key_digest(self, request: str, /) -> str:
        """Of the key that a request asks for, which it must hold."""
        ...

    def proves(self, pem: str, message: bytes, signature: bytes, /) -> bool:
        """Whether the key of this certificate signed the message."""
        ...

    def place(self) -> Mapping[str, object]:
        """Where an enrolled gateway connects to, and how: `url`, `broker_host`, `broker_port`,
        `protocol`, `keep_session`."""
        ...

    def note(
        self, unit: UnitOfWork, gateway: str, fact: str, actor: str, reason: str = "", /
    ) -> None:
        """An entry about the gateway, in the transaction of what it tells."""
        ...

    def revoked(self, gateway: str, /) -> None:
        """After the commit, on the event loop: the broker is told, and the live session ends."""
        ...


class NoEnrolment:
    """Gateways have passwords here."""

    on = False
    ends: Ends | None = None

    def certificate(self) -> str:
        raise AuthorityAway("no authority is configured")

    def code(self, *_asked: object) -> str:
        raise AuthorityAway("no authority is configured")

    def sign(self, *_asked: object) -> Issued:
        raise AuthorityAway("no authority is configured")

    def key_digest(self, *_asked: object) -> str:
        raise AuthorityAway("no authority is configured")

    def proves(self, *_asked: object) -> bool:
        return False

    def place(self) -> Mapping[str, object]:
        return {}

    def note(self, *_told: object) -> None:
        return None

    def revoked(self, *_asked: object) -> None:
        return None
