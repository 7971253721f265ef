"""MQTT topics (design, section 3.1): `hw/v1/{gateway}/{leaf}`."""

from typing import Final

from contract.errors import ContractError
from contract.ids import check_name

PREFIX: Final = "hw/v1"
LEAVES: Final = frozenset({"activation", "telemetry", "status", "ack", "command"})


def topic(gateway: str, leaf: str) -> str:
    """The topic of one leaf of one gateway; `+` as gateway gives the hub's subscription."""
    if leaf not in LEAVES:
        raise ContractError("bad_topic", f"unknown leaf {leaf!r}")
    if gateway != "+":
        check_name(gateway, "gateway")
    return f"{PREFIX}/{gateway}/{leaf}"


def parse(text: str) -> tuple[str, str]:
    """(gateway, leaf) of a topic; ContractError `bad_topic` when it is not one of ours."""
    parts = text.split("/")
    if len(parts) != 4 or parts[0] != "hw" or parts[1] != "v1" or parts[3] not in LEAVES:
        raise ContractError("bad_topic", f"{text[:120]!r} is not {PREFIX}/<gateway>/<leaf>")
    return check_name(parts[2], "gateway"), parts[3]
