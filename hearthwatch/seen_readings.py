"""The store of readings as the pages see it: what it can't give just now is told as such, and why
is in the log. Pages must not know how readings are kept."""

from collections.abc import Callable, Sequence

from dashboard.ports import ReadingsAway, ReadingsReader, Series
from ingest.readings.port import StoreError


class SeenReadings:
    def __init__(self, reader: ReadingsReader, log: Callable[[str, str], None]) -> None:
        self._reader = reader
        self._log = log

    def series(  # noqa: PLR0917 - the port's order
        self,
        gateway: str,
        device: str,
        kind: str | None,
        field: str | None,
        from_ms: int,
        to_ms: int,
        resolution: str,
    ) -> Sequence[Series]:
        try:
            return self._reader.series(gateway, device, kind, field, from_ms, to_ms, resolution)
        except StoreError as error:
            # A driver's text is long, and may hold an address.
            self._log("readings_away", str(error).partition("\n")[0][:200])
            raise ReadingsAway from error
