"""What Zigbee2MQTT tells about itself and its network: bridge/state, bridge/devices, availability.

All three are retained messages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """One device of the network as bridge/devices lists it."""

    name: str
    model: str
    battery: bool


def online(is_online: bool) -> str:
    """For bridge/state and for <name>/availability."""
    return json.dumps({"state": "online" if is_online else "offline"})


def devices(paired: Sequence[Paired]) -> str:
    coordinator = {
        "definition": None,
        "friendly_name": "Coordinator",
        "ieee_address": "0x00124b0000000000",
        "interview_completed": True,
        "supported": True,
        "type": "Coordinator",
    }
    return json.dumps([coordinator, *(_device(n, p) for n, p in enumerate(paired, start=1))])


def _device(number: int, paired: Paired) -> dict[str, object]:
    return {
        "definition": {"description": paired.model, "exposes": [], "model": paired.model},
        "friendly_name": paired.name,
        "ieee_address": f"0xa4c138{number:010x}",
        "interview_completed": True,
        "power_source": "Battery" if paired.battery else "Mains (single phase)",
        "supported": True,
        "type": "EndDevice" if paired.battery else "Router",
    }
