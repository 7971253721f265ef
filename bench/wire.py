"""MQTT by hand on blocking sockets: the cheapest client there is, for floor and load."""

import socket
import struct
from pathlib import Path

from ingest.mqtt import packets
from ingest.mqtt.session import Session, SessionConfig


def connect(port: int, client_id: str, password_file: Path, topics: list[str]) -> socket.socket:
    """A connection that is signed in and subscribed."""
    raw = socket.create_connection(("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = Session(
        SessionConfig(
            client_id=client_id,
            subscriptions=topics,
            username="hearthwatch",
            password=password_file.read_text(),
            receive_maximum=60_000,
        )
    )
    raw.sendall(session.connect_bytes())
    while not session.feed(raw.recv(65536)).connected:
        pass
    if topics:
        raw.sendall(session.subscribe_bytes())
        while not session.feed(raw.recv(65536)).subscribed:
            pass
    return raw


def publish(topic: str, payload: bytes, packet_id: int) -> bytes:
    return packets.publish("5", topic, payload, packet_id % 65_535 + 1)


def messages(session: Session, data: bytes) -> list[tuple[bytes, bytes, int]]:
    return session.feed(data).messages


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + struct.pack(">H", packet_id)
