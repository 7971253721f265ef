"""What an engine hears of a home, as a test says it."""

from contract.item import Item


def item(kit, kind, *, device="device-1", at_ms=None, number=1, values=None, attrs=None):
    at_ms = kit.START_MS if at_ms is None else at_ms
    return Item(
        id=f"{kind}-{number}",
        seq=number,
        device=device,
        kind=kind,
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values=values or {},
        attrs=attrs or {},
    )
