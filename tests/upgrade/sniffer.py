"""Everything that is said at a rig's broker, as it was said."""

import json
import threading
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.acceptance.rig import Rig

TOPICS: Final = "hw/v1/#"
PATIENCE_S: Final = 30.0


class Sniffer:
    def __init__(self, rig: Rig) -> None:
        self._heard: list[dict[str, str]] = []
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="sniffer", protocol=paho.MQTTv5
        )
        self._client.username_pw_set(rig.broker.username, rig.broker.password_file.read_text())
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_arguments: self._subscribed.set()
        self._client.connect("127.0.0.1", rig.broker.port)
        self._client.loop_start()
        self._client.subscribe(TOPICS, qos=1)
        assert self._subscribed.wait(PATIENCE_S)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._heard.append({"topic": message.topic, "payload": message.payload.decode()})

    def write(self, path: Path, commit: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"commit": commit, "messages": list(self._heard)}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
