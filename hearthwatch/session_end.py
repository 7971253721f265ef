"""Ends a gateway's session at the broker: the hub takes it over and lets it go. A broker reads a
new list of revoked certificates for new connections only; whoever is connected stays so for as long
as the line holds.

At mosquitto the hub has a listener of its own, where it may have any name. At RabbitMQ gateways
come in by certificates alone, and nobody but a gateway by MQTT: the hub has one signed for that
name, by which it takes the session over at whatever node it is, and whose key is nowhere a moment
later."""

import asyncio
import secrets
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hearthwatch.authority import certificates
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_rights import telemetry_client
from hearthwatch.broker_session import broker_address
from hearthwatch.enrolment_config import EnrolmentConfig
from ingest.mqtt import packets
from ingest.mqtt.asyncio_client import BrokerAddress
from ingest.mqtt.session import PACKET_BYTES_MAX
from ledger.gateway_certificates import Issued

TIMEOUT_S: Final = 5.0
# Of a connection that is closed again at once.
KEEPALIVE_S: Final = 5
_CONNACK_BYTES_MAX: Final = 512


class Signs(Protocol):
    def certificate(self) -> str: ...
    def sign(self, gateway: str, request: str) -> Issued: ...


async def end_session(broker: BrokerConfig, client_id: str) -> None:
    """At a broker where the hub has its own listener; OSError (TimeoutError is one) when it does
    not let us."""
    connect = _connect(broker.protocol, client_id, broker.username, broker.password)
    await _take_over(broker_address(broker), connect)


async def end_certified(enrolment: EnrolmentConfig, proof: ssl.SSLContext, client_id: str) -> None:
    """At a broker that takes nothing but certificates; OSError when it does not let us."""
    address = BrokerAddress(host=enrolment.broker_host, port=enrolment.broker_port, tls=proof)
    await _take_over(address, _connect("3.1.1", client_id, None, None))


def own_proofs(authority: Signs, gateway: str) -> Mapping[str, ssl.SSLContext]:
    """What shows the broker that we are this gateway, by client id; blocks, and asks the authority
    once. ContractError where no certificate can have that name."""
    key = certificates.new_key()
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    issued = authority.sign(gateway, request.decode())
    # The library reads files: for a moment, and of no use to whoever finds them.
    word = secrets.token_bytes(32)
    sealed = serialization.BestAvailableEncryption(word)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed
    ).decode()
    trusted = authority.certificate()
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "key.pem"
        key_file.write_text(pem)
        return {
            client_id: _proof(trusted, certificate, key_file, word)
            for client_id, certificate in (
                (gateway, issued.pem),
                (telemetry_client(gateway), issued.telemetry_pem),
            )
        }


def _proof(trusted: str, certificate: str, key_file: Path, word: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=trusted)
    cert_file = key_file.with_name("certificate.pem")
    cert_file.write_text(certificate)
    context.load_cert_chain(cert_file, key_file, word)
    return context


def _connect(
    protocol: packets.Protocol, client_id: str, username: str | None, password: str | None
) -> bytes:
    return packets.connect(
        protocol=protocol,
        client_id=client_id,
        username=username,
        password=password,
        keepalive_s=KEEPALIVE_S,
        # It ends with us, and what waits for the machine before with it.
        session_expiry_s=0,
        receive_maximum=1,
        packet_bytes_max=PACKET_BYTES_MAX,
    )


async def _take_over(address: BrokerAddress, connect: bytes) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=address.tls)
        try:
            writer.write(connect)
            said = await reader.read(_CONNACK_BYTES_MAX)
            if len(said) < 4 or said[0] >> 4 != packets.CONNACK or said[3] != 0:
                raise ConnectionRefusedError(f"the broker said {said[:4].hex() or 'nothing'}")
            writer.write(packets.DISCONNECT_BYTES)
            await writer.drain()
        finally:
            writer.close()
