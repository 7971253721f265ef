"""Shelly devices of both generations over MQTT."""

from gateway.drivers.shelly.spec import SPEC

__all__ = ["SPEC"]
