"""The MQTT session against bytes written by hand from the standard, split anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mqtt import packets
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Session, SessionConfig

# CONNACK and SUBACK of MQTT 5 with empty properties, and of 3.1.1.
CONNACK_5 = bytes.fromhex("20 03 01 00 00")
SUBACK_5 = bytes.fromhex("90 04 00 01 00 01")
CONNACK_4 = bytes.fromhex("20 02 00 00")
SUBACK_4 = bytes.fromhex("90 03 00 01 01")
# PUBLISH, QoS 1, topic "a/b", packet id 10, a property (0x01 0x01), payload "hi".
PUBLISH_5 = bytes.fromhex("32 0c 00 03 61 2f 62 00 0a 02 01 01 68 69")
PUBLISH_4 = bytes.fromhex("32 09 00 03 61 2f 62 00 0a 68 69")


def session(protocol="5") -> Session:
    return Session(SessionConfig(client_id="c", subscriptions=["a/+"], protocol=protocol))


@pytest.mark.parametrize(
    ("protocol", "stream"),
    [("5", CONNACK_5 + SUBACK_5 + PUBLISH_5), ("3.1.1", CONNACK_4 + SUBACK_4 + PUBLISH_4)],
)
@given(data=st.data())
def test_any_split_gives_the_same(protocol, stream, data) -> None:
    tested = session(protocol)
    connected = subscribed = False
    messages = []
    at = 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        received = tested.feed(stream[at : at + step])
        at += step
        connected |= received.connected
        subscribed |= received.subscribed
        messages += received.messages
    assert connected
    assert subscribed
    assert messages == [(b"a/b", b"hi", 10)]


def test_a_long_message_has_its_length_in_more_bytes() -> None:
    body = b"x" * 200_000
    message = packets.publish("5", "t", body, 7)
    tested = session()
    assert tested.feed(message[:1000]).messages == []
    assert tested.feed(message[1000:]).messages == [(b"t", body, 7)]


def test_acknowledgements_keep_the_order_of_receipt() -> None:
    assert packets.pubacks([3, 1, 513]) == bytes.fromhex("40020003 40020001 40020201")


@pytest.mark.parametrize(
    "stream",
    [
        bytes.fromhex("20 03 00 87 00"),  # CONNACK: not authorized
        bytes.fromhex("90 04 00 01 00 87"),  # SUBACK: not authorized
        bytes.fromhex("e0 02 8e 00"),  # DISCONNECT: session taken over
        bytes.fromhex("30 ff ff ff ff 7f"),  # a length of five bytes
        bytes.fromhex("30 ff ff ff 7f"),  # a length over what was agreed
    ],
)
def test_a_broken_or_refusing_broker_ends_the_connection(stream) -> None:
    with pytest.raises(MqttError):
        session().feed(stream)


def test_packet_ids_never_become_zero() -> None:
    tested = session()
    ids = {tested.publish_bytes("t", b"")[0] for _ in range(70_000)}
    assert min(ids) == 1
    assert max(ids) == 65_535
