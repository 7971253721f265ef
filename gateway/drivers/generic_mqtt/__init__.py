"""Any device over MQTT, described by the gateway's configuration alone."""

from gateway.drivers.generic_mqtt.spec import SPEC

__all__ = ["SPEC"]
