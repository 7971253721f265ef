"""Zigbee2MQTT: buttons, meters and sensors as its bridge publishes them."""

from gateway.drivers.zigbee2mqtt.spec import SPEC

__all__ = ["SPEC"]
