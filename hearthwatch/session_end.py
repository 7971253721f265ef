"""Ends a gateway's session at the broker: the hub takes it over, on its own listener where it may
have any name, and lets it go. A broker reads a new list of revoked certificates for new connections
only; whoever is connected stays so for as long as the line holds."""

import asyncio
from typing import Final

from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_session import broker_address
from ingest.mqtt import packets
from ingest.mqtt.session import PACKET_BYTES_MAX

TIMEOUT_S: Final = 5.0
# Of a connection that is closed again at once.
KEEPALIVE_S: Final = 5
_CONNACK_BYTES_MAX: Final = 512


async def end_session(broker: BrokerConfig, client_id: str) -> None:
    """OSError (TimeoutError is one) when the broker does not let us."""
    if broker.rabbitmq is not None:
        raise ConnectionRefusedError(
            f"RabbitMQ is told by hand: rabbitmqctl close_all_user_connections {client_id} revoked"
        )
    address = broker_address(broker)
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=address.tls)
        try:
            writer.write(
                packets.connect(
                    protocol=broker.protocol,
                    client_id=client_id,
                    username=broker.username,
                    password=broker.password,
                    keepalive_s=KEEPALIVE_S,
                    # It ends with us, and what waits for the machine before with it.
                    session_expiry_s=0,
                    receive_maximum=1,
                    packet_bytes_max=PACKET_BYTES_MAX,
                )
            )
            said = await reader.read(_CONNACK_BYTES_MAX)
            if len(said) < 4 or said[0] >> 4 != packets.CONNACK or said[3] != 0:
                raise ConnectionRefusedError(f"the broker said {said[:4].hex() or 'nothing'}")
            writer.write(packets.DISCONNECT_BYTES)
            await writer.drain()
        finally:
            writer.close()
