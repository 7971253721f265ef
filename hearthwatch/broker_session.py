"""The broker of hub.toml as the addresses and sessions of the hub's connections."""

import ssl
from collections.abc import Sequence
from typing import Final

from contract import topics
from hearthwatch.broker_config import BrokerConfig
from ingest.mqtt.asyncio_client import BrokerAddress
from ingest.mqtt.session import SessionConfig


def tls_context(broker: BrokerConfig) -> ssl.SSLContext | None:
    if broker.ca_file is None:
        return None
    tls = ssl.create_default_context(cafile=str(broker.ca_file))
    if broker.cert_file is not None:
        tls.load_cert_chain(broker.cert_file, broker.key_file)
    return tls


def broker_address(broker: BrokerConfig) -> BrokerAddress:
    return BrokerAddress(host=broker.host, port=broker.port, tls=tls_context(broker))


# The hub's own sessions, after the name that hub.toml gives its client.
_SESSIONS: Final = ("urgent", "readings", "commands", "test")


def is_own(broker: BrokerConfig, client_id: str) -> bool:
    """Whether this client of the broker is one of the hub's own."""
    return client_id in {f"{broker.client_id}-{name}" for name in _SESSIONS}


def session_config(
    broker: BrokerConfig, name: str, leaves: Sequence[str], window: int, gateway: str = "+"
) -> SessionConfig:
    return SessionConfig(
        client_id=f"{broker.client_id}-{name}",
        subscriptions=[topics.topic(gateway, leaf) for leaf in leaves],
        protocol=broker.protocol,
        username=broker.username,
        password=broker.password,
        receive_maximum=window,
    )
