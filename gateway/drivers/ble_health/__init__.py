"""Bluetooth SIG health values (GATT), over MQTT from a bridge or from an adapter of our own."""

from gateway.drivers.ble_health.spec import SPEC

__all__ = ["SPEC"]
