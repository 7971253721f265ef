"""What is told of a device's own trouble: an item of kind `device_health`. Pure.

attrs `fault` begins an episode, `recovered` ends it; values are the device's own figures (battery,
signal). An item with a fault travels in the urgent lane (`contract.kinds.is_urgent`).
"""

from collections.abc import Mapping
from typing import Final

from contract.item import Measurement, Scalar

# Every fault that a gateway tells; the page has a word for each in both languages.
FAULTS: Final = frozenset(
    {
        "battery_low",
        "bluetooth_unavailable",
        "certificate_ending",
        "implausible_value",
        "left_network",
        "modem_unavailable",
        "no_answer",
        "no_data",
        "no_network",
        "offline",
        "output_failed",
        "probe_error",
        "sim_locked",
        "sim_missing",
        "sms_not_delivered",
        "sms_refused",
        "spool_damaged",
        "spool_evicted",
        "undecodable",
    }
)


def health(device: str, now_ms: int, attrs: Mapping[str, Scalar]) -> Measurement:
    """Seen by the gateway itself, now."""
    return Measurement(
        device=device,
        kind="device_health",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        attrs=attrs,
    )
