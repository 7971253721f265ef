"""A place at a real RabbitMQ: its address, a gateway that speaks MQTT to it, the readings lane."""

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.amqp.blocking_client import BlockingAmqpClient
from ingest.amqp.connecting import AmqpAddress
from ingest.amqp.line import Sources
from ingest.amqp.topology import (
    TELEMETRY,
    Stream,
)
from ingest.mqtt.session import Message
from tests.acceptance.rig import wait_until
from tests.adapters.rabbitmq import Place

PATIENCE_S = 60

SHARDS = 4


def address(place: Place, *, port: int | None = None, name: str = "hub") -> AmqpAddress:
    return AmqpAddress(
        nodes=(("127.0.0.1", port or place.port),),
        username=place.username,
        password=place.password,
        virtual_host=place.virtual_host,
        name=name,
    )


class Gateway:
    """A plain MQTT 3.1.1 client."""

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self.heard: list[tuple[str, bytes]] = []
        self._subscribed = False
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311
        )
        self.client.username_pw_set(place.mqtt_username, place.password)
        self.client.will_set(f"hw/v1/{name}/status", b"gone", qos=1)
        self.client.on_message = lambda _c, _u, m: self.heard.append((m.topic, m.payload))
        self.client.on_connect = lambda c, *_rest: c.subscribe(f"hw/v1/{name}/+", qos=1)
        self.client.on_subscribe = lambda *_rest: setattr(self, "_subscribed", True)
        self.client.connect("127.0.0.1", place.mqtt_port)
        self.client.loop_start()
        wait_until(lambda: self._subscribed, PATIENCE_S, "the gateway listens")

    def say(self, leaf: str, payload: bytes) -> None:
        said = self.client.publish(f"hw/v1/{self.name}/{leaf}", payload, qos=1)
        said.wait_for_publish(PATIENCE_S)
        assert said.is_published()

    def heard_as(self, leaf: str) -> list[bytes]:
        return [body for topic, body in self.heard if topic.endswith(leaf)]

    def vanish(self) -> None:
        """The line is cut: the broker says the last will."""
        self.client._sock.close()
        self.client.loop_stop()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Lane:
    """What the readings lane does with its connection, in this thread."""

    def __init__(
        self,
        place: Place,
        *,
        window: int = 100,
        port: int | None = None,
        shards: int = SHARDS,
        name: str = "hub",
    ) -> None:
        self.taken: list[str] = []
        self.said: list[str] = []
        self.losses = 0
        sources = Sources(stream=Stream(TELEMETRY, shards), window=window)
        self.client = BlockingAmqpClient(
            address(place, port=port, name=name),
            sources,
            lambda event, _detail: self.said.append(event),
            on_taken=self.taken.append,
            on_lost=self._lost,
        )

    def _lost(self) -> None:
        self.losses += 1

    def hear(self, count: int, *, ack: bool = True) -> list[Message]:
        """At least so many messages."""
        came: list[Message] = []

        def enough() -> bool:
            messages = self.client.receive(0.2).messages
            came.extend(messages)
            if ack:
                self.client.ack([number for _t, _p, number in messages])
            return len(came) >= count

        wait_until(enough, PATIENCE_S, f"{count} messages")
        return came
