"""How this hub tells people: keys, channels, limits and the dispatcher, put together once."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import httpx2
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Engine, func, select

from alarms.addresses import clean
from alarms.channel import SmsModem, Tools, phone_number
from alarms.contact_book import ContactBook
from alarms.dispatcher import Dispatcher
from alarms.lifecycle import IllegalMove
from alarms.limits import Limits
from alarms.notifier import Notifier
from alarms.notifiers.gateway_command import GatewayCommand, Publisher
from alarms.notifiers.webhook import Webhook
from alarms.own_keys import public_bytes, reply_key, vapid_key
from alarms.registry import NOTIFIERS
from alarms.replies import Replies
from alarms.rota.watch import Reaches, at_the_board, verified_ways
from alarms.telling import Telling
from alarms.web_push_message import to_base64
from contract.errors import ContractError
from dashboard.middleware import gauge
from hearthwatch.clock import wall_ms
from hearthwatch.hub_config import HubConfig
from hearthwatch.hub_modem import HubModem
from hearthwatch.logs import say
from ledger.schema import OUTBOX
from ledger.writer import Writer

# As many as the dispatcher has under way: a service that hangs must not use up the connections of
# all others. A few stay open for the next message; the client looks at each of these before every
# request, so that more cost a burst more than they save.
CONNECTIONS_MAX: Final = 1024
KEPT_OPEN_MAX: Final = 8


class Notices:
    """Built before the book is opened; reads and makes the hub's own keys."""

    def __init__(self, config: HubConfig) -> None:
        self._config = config
        self.settings = config.notify.telling
        self.telling = Telling(self.settings, reply_key(config.data_dir))
        self.contacts = ContactBook(sorted(config.notify.channels), config.notify.urgent)
        self._counted: Counter | None = None
        self._hub_modem: HubModem | None = None

    def reaches(self) -> Reaches:
        """Who counts as reached: by proved ways, or where there is no channel at the board."""
        notify = self._config.notify
        return partial(verified_ways, urgent=notify.urgent) if notify.channels else at_the_board

    def client(self) -> httpx2.AsyncClient:
        limits = httpx2.Limits(
            max_connections=CONNECTIONS_MAX, max_keepalive_connections=KEPT_OPEN_MAX
        )
        return httpx2.AsyncClient(limits=limits)

    def push_key(self) -> str | None:
        """What browsers subscribe with; None where no push messages are sent."""
        if "web_push" not in self._config.notify.channels:
            return None
        return to_base64(public_bytes(vapid_key(self._config.data_dir)))

    @property
    def uplink(self) -> str:
        return self._config.notify.uplink

    def offered(self) -> Sequence[Mapping[str, Any]]:
        """The ways that people may register, for the page."""
        channels = self._config.notify.channels
        found = []
        for name in sorted(channels):
            spec = NOTIFIERS[name]
            names = sorted(spec.names(channels[name])) if spec.names is not None else None
            found.append(
                {"channel": name, "form": spec.form, "names": names, "urgent": spec.urgent}
            )
        return found

    def clean(self, channel: str, address: str) -> str:
        return clean(channel, address, self._config.notify.channels)

    def dispatcher(
        self, writer: Writer, http: httpx2.AsyncClient, publisher: Publisher
    ) -> Dispatcher:
        quiet = self.settings.quiet
        return Dispatcher(
            writer,
            {**self.notifiers(http), **self._systems(http, publisher)},
            say,
            limits=Limits({name: spec.limits for name, spec in NOTIFIERS.items()}),
            telling=self.telling,
            quiet=lambda now_ms: quiet is not None and quiet.at(now_ms, self.settings.zone),
            count=self._count,
        )

    def notifiers(self, http: httpx2.AsyncClient) -> dict[str, Notifier]:
        """Those of people: one for each configured channel."""
        tools = Tools(
            http=http,
            now_ms=wall_ms,
            nonce=partial(secrets.token_hex, 16),
            key_folder=self._config.data_dir,
            modem=self._modem,
        )
        found = {}
        for name, config in self._config.notify.channels.items():
            build = NOTIFIERS[name].build
            if build is not None:
                found[name] = build(config, tools)
        return found

    def measure(self, registry: CollectorRegistry, reader: Engine) -> None:
        self._counted = Counter(
            "hearthwatch_notifications",
            "Attempts to send, by what became of them",
            ("channel", "state"),
            registry=registry,
        )
        for state in ("pending", "dead", "refused"):
            gauge(
                registry,
                f"hearthwatch_outbox_{state}",
                f"Notifications that are {state}",
                _counting(reader, state),
            )

    def _modem(self, port: str, pin: str) -> SmsModem:
        self._hub_modem = HubModem(port, pin, self._config.data_dir / "modem-pin-tried", say)
        return self._hub_modem

    async def listen(self, replies: Replies) -> None:
        """What people send to the hub's own modem; without one there is nothing to hear. The
        dispatcher is made before."""
        if self._hub_modem is None:
            await asyncio.Event().wait()
            return

        async def on_text(number: str, text: str) -> None:
            # Who is too late or may not finds out in the page; a stranger is nobody's business.
            with contextlib.suppress(ContractError, IllegalMove, KeyError):
                await replies.by_sms(phone_number(number), text)

        await self._hub_modem.listen(on_text)

    def _count(self, channel: str, state: str) -> None:
        if self._counted is not None:
            self._counted.labels(channel, state).inc()

    def _systems(self, http: httpx2.AsyncClient, publisher: Publisher) -> Mapping[str, Notifier]:
        keys = {target.url: secret for target, secret in self._config.webhooks}
        private = frozenset(t.url for t, _secret in self._config.webhooks if t.private)
        return {
            "gateway_command": GatewayCommand(publisher),
            "webhook": Webhook(http, keys, lambda: wall_ms() // 1000, private),
        }


def _counting(reader: Engine, state: str) -> Callable[[], float]:
    asked = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state == state)

    def count() -> float:
        with reader.connect() as connection:
            return float(connection.scalar(asked) or 0)

    return count
