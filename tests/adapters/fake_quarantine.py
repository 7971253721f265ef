"""What the fake hub could not read."""

from typing import Final

from contract.moment import to_iso
from tests.adapters.fake_county import HOUR_MS, MINUTE_MS, NIGHT_MS, Document

QUARANTINE: Final[tuple[Document, ...]] = (
    {
        "id": 7,
        "at": to_iso(NIGHT_MS - 40 * MINUTE_MS),
        "source": "hw/v1/gw-0001/telemetry",
        "gateway": "gw-0001",
        "code": "unknown_kind",
        "detail": "items[3].kind: 'humidty' is not a kind of item",
        "raw_hex": b'{"v":1,"gateway":"gw-0001","items":[{"kind":"humidty"}]}'.hex(),
        "raw_text": '{"v":1,"gateway":"gw-0001","items":[{"kind":"humidty"}]}',
        "size": 56,
        "count": 12,
    },
    {
        "id": 6,
        "at": to_iso(NIGHT_MS - 5 * HOUR_MS),
        "source": "hw/v1/gw-0002/activation",
        "gateway": "gw-0002",
        "code": "not_json",
        "detail": "invalid JSON at byte 0",
        "raw_hex": "68aaaaaaaaaaaa681104333433347a16",
        "raw_text": None,
        "size": 16,
        "count": 1,
    },
)
