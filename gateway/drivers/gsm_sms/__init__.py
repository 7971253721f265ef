"""Short messages of a GSM modem: how they are written and read."""

from gateway.drivers.gsm_sms.spec import SPEC

__all__ = ["SPEC"]
