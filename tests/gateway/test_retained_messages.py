"""A retained message: a press never, an alarm or an absence always, a reading with its own time."""

from gateway.registry import DRIVERS
from gateway.sources.intake import Intake
from gateway.sources.local_mqtt import LocalMqttSettings, LocalMqttSource

NOW = 1_795_392_309_000


def taken(topic: str, payload: bytes, *, retained: bool) -> list[tuple[str, object]]:
    offered = []
    intake = Intake(lambda batch: offered.extend(batch) or True, lambda: NOW, lambda *_: None)
    source = LocalMqttSource(
        LocalMqttSettings(name="local"),
        DRIVERS["zigbee2mqtt"].build({}),
        intake,
        client_id="test",
        now_ms=lambda: NOW,
        log=lambda *_: None,
    )
    source._take(topic, payload, retained)
    return [(m.kind, m.attrs.get("fault") or m.attrs.get("action")) for m in offered]


def test_presses_alarms_and_absence() -> None:
    press = b'{"action": "emergency", "last_seen": %d}' % (NOW - 5000)
    assert taken("zigbee2mqtt/b", press, retained=False) == [("sos", "press")]
    assert taken("zigbee2mqtt/b", press, retained=True) == []
    smoke = b'{"smoke": true, "temperature": 20}'
    assert taken("zigbee2mqtt/k", smoke, retained=True) == [("smoke", "press")]
    offline = b'{"state": "offline"}'
    lost = [("device_health", "offline")]
    assert taken("zigbee2mqtt/k/availability", offline, retained=True) == lost
