"""Calls for help that the hub has not acknowledged, whatever else waits to be sent. Pure.

The sender holds what fits its window, in order: behind a jammed button's five hundred presses
another home's call would not be seen by a second path. Here each device has its own room.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from contract.item import Item
from contract.kinds import ACTIVATION_KINDS

# The first calls of a device are what a second path must tell; later ones say the same.
CALLS_PER_DEVICE_MAX: Final = 100
# Of all devices together; a device's first call is taken beyond it.
CALLS_MAX: Final = 3000
# Beyond this the hub's own limit of devices a gateway is reached.
DEVICES_MAX: Final = 5000


class Unanswered:
    """By device, each with the time since when it waits."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, tuple[Item, float]]] = {}
        self._device_of: dict[str, str] = {}

    def add(self, items: Iterable[Item], now_s: float) -> None:
        """Take the calls among these; tests are none. An item that is known keeps its time."""
        for item in items:
            if item.kind not in ACTIVATION_KINDS or item.attrs.get("action") == "test":
                continue
            calls = self._calls.get(item.device, {})
            if item.id not in calls and self._has_room(len(calls)):
                self._calls[item.device] = calls
                calls[item.id] = (item, now_s)
                self._device_of[item.id] = item.device

    def _has_room(self, calls_of_device: int) -> bool:
        if calls_of_device == 0:
            return len(self._calls) < DEVICES_MAX
        return calls_of_device < CALLS_PER_DEVICE_MAX and len(self._device_of) < CALLS_MAX

    def acked(self, ids: Iterable[str]) -> None:
        for item_id in ids:
            device = self._device_of.pop(item_id, None)
            if device is None:
                continue
            del self._calls[device][item_id]
            if not self._calls[device]:
                del self._calls[device]

    def clear(self) -> None:
        """The spool was replaced or rewound; it gives again what is not acknowledged."""
        self._calls.clear()
        self._device_of.clear()

    def since(self, before_s: float, limit: int) -> Sequence[Item]:
        """Those that wait since then or longer: each device's first call before any's second."""
        ranked = [
            (place, item.seq, item)
            for calls in self._calls.values()
            for place, (item, since_s) in enumerate(calls.values())
            if since_s <= before_s
        ]
        ranked.sort(key=lambda entry: entry[:2])
        return [item for _place, _seq, item in ranked[:limit]]
