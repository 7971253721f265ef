"""What is told of a device's own trouble: an item of kind `device_health`. Pure.

attrs `fault` begins an episode, `recovered` ends it; values are the device's own figures (battery,
signal). An item with a fault travels in the urgent lane (`contract.kinds.is_urgent`).
"""

from collections.abc import Mapping

from contract.item import Measurement, Scalar


def health(device: str, now_ms: int, attrs: Mapping[str, Scalar]) -> Measurement:
    """Seen by the gateway itself, now."""
    return Measurement(
        device=device,
        kind="device_health",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        attrs=attrs,
    )
