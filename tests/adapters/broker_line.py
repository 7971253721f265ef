"""One MQTT connection by hand: what the broker answers is seen as it is, refusals too."""

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ingest.mqtt import packets

DEADLINE_S = 30.0
PACKET_BYTES_MAX = 1 << 20


class Refused(Exception):  # noqa: N818 - what most of the tests ask for
    """By the TLS layer, by CONNACK, or by hanging up."""


@dataclass
class Proof:
    """What a client shows: a certificate, a password, or nothing."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password: str | None = None
    newest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = ""
    tls: bool = field(default=True)


class Line:
    def __init__(
        self,
        port: int,
        proof: Proof,
        client_id: str,
        *,
        expiry_s: int = 0,
        host: str = "127.0.0.1",
        protocol: packets.Protocol = "5",
    ) -> None:
        self._protocol = protocol
        self._rest = b""
        self.messages: list[tuple[str, bytes]] = []
        self._socket = raw = socket.create_connection((host, port), DEADLINE_S)
        try:
            if proof.tls:
                self._socket = _context(proof).wrap_socket(raw, server_hostname="127.0.0.1")
            self._socket.sendall(
                packets.connect(
                    protocol=protocol,
                    client_id=client_id,
                    username=proof.username,
                    password=proof.password,
                    keepalive_s=600,
                    session_expiry_s=expiry_s,
                    receive_maximum=5000,
                    packet_bytes_max=PACKET_BYTES_MAX,
                )
            )
            kind, body = self._next()
        except OSError as error:
            raw.close()
            self._socket.close()
            raise Refused(str(error)) from error
        if kind != packets.CONNACK or body[1] != 0:
            self._socket.close()
            raise Refused(
                f"CONNACK {body[1]:#04x}" if kind == packets.CONNACK else f"packet {kind}"
            )
        self.session_present = bool(body[0] & 1)
        self.properties = body[3:]

    def waits_for(self, seconds: float) -> None:
        """For each answer from now on."""
        self._socket.settimeout(seconds)

    def publish(
        self, topic: str, payload: bytes, packet_id: int = 1, *, retain: bool = False
    ) -> int:
        """The reason in its PUBACK; Refused when the broker hangs up instead."""
        try:
            self._socket.sendall(
                packets.publish(self._protocol, topic, payload, packet_id, retain=retain)
            )
            body = self._until(packets.PUBACK)
        except OSError as error:
            raise Refused(str(error)) from error
        return body[2] if len(body) > 2 else 0

    def subscribe(self, *filters: str) -> bytes:
        self._socket.sendall(packets.subscribe(self._protocol, 1, filters))
        return self._until(packets.SUBACK)[3 if self._protocol == "5" else 2 :]

    def hear(self, count: int) -> list[tuple[str, bytes]]:
        """The first `count` messages since the beginning; each is acknowledged."""
        while len(self.messages) < count:
            self._next()
        return self.messages[:count]

    def _until(self, wanted: int) -> bytes:
        while True:
            kind, body = self._next()
            if kind == packets.DISCONNECT:
                raise Refused(f"DISCONNECT {body[:1].hex()}")
            if kind == wanted:
                return body

    def _next(self) -> tuple[int, bytes]:
        while True:
            found = packets.split(self._rest, 0, PACKET_BYTES_MAX) if len(self._rest) > 1 else None
            if found is not None:
                break
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("the broker hung up")
            self._rest += data
        first, start, end = found
        body, self._rest = self._rest[start:end], self._rest[end:]
        if first >> 4 == packets.PUBLISH:
            self._take(first, body)
        return first >> 4, body

    def _take(self, first: int, body: bytes) -> None:
        at = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:at].decode()
        if first & 6:
            self._socket.sendall(packets.pubacks([int.from_bytes(body[at : at + 2], "big")]))
            at += 2
        if self._protocol == "5":
            at = packets.skip_properties(body, at)
        self.messages.append((topic, body[at:]))

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _context(proof: Proof) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(proof.ca_file)
    if proof.newest_tls < ssl.TLSVersion.TLSv1_2:
        context.minimum_version = proof.newest_tls
    context.maximum_version = proof.newest_tls
    if proof.ciphers:
        context.set_ciphers(proof.ciphers)
    if proof.cert_file is not None:
        context.load_cert_chain(proof.cert_file, proof.key_file)
    return context
