"""What humans have said of homes, told to the rules of the readings once each: who is away, from
whom somebody has heard, what was found out about silences. After a start all is told again, and the
rules know each by its time."""

from collections.abc import Collection, Iterator

from alarms.book import AlarmBook
from alarms.found_out import Known
from alarms.heard_from import Heard
from alarms.stays import Present
from ingest.device_news import Heartbeat, found_out_news, heard_news, stay_news
from rules.staying import AWAY, STAY_KINDS


class HumanNews:
    """Belongs to a lane's thread; the book's tables are made anew with each change."""

    def __init__(self, book: AlarmBook) -> None:
        self._book = book
        self.forget(None)

    def forget(self, homes: Collection[str] | None) -> None:
        """All is told again to these homes; None: to every home."""
        if homes is None:
            self._stays: Present = {}
            self._heard: Heard = {}
            self._known: Known = {}
            return
        self._stays = {home: told for home, told in self._stays.items() if home not in homes}
        self._heard = {home: told for home, told in self._heard.items() if home not in homes}
        self._known = {home: told for home, told in self._known.items() if home not in homes}

    def news(self, now_ms: int) -> Iterator[tuple[str, Heartbeat]]:
        yield from self._of_stays(now_ms)
        yield from self._of_heard(now_ms)
        yield from self._of_found_out(now_ms)

    def _of_stays(self, now_ms: int) -> Iterator[tuple[str, Heartbeat]]:
        stays = self._book.stays
        told, present = self._stays, stays.present
        if present is told:
            return
        self._stays = present
        for home in sorted(told.keys() | present.keys()):
            before, now = told.get(home), present.get(home, frozenset())
            for kind in sorted(STAY_KINDS if before is None else before ^ now):
                cut_ms = stays.cut_short_ms.get(home, 0) if kind == AWAY else 0
                yield home, stay_news(kind, kind in now, now_ms, cut_ms)

    def _of_heard(self, now_ms: int) -> Iterator[tuple[str, Heartbeat]]:
        told, heard = self._heard, self._book.heard.present
        if heard is told:
            return
        self._heard = heard
        for home, at_ms in sorted(heard.items()):
            if told.get(home) != at_ms:
                yield home, heard_news(at_ms, now_ms)

    def _of_found_out(self, now_ms: int) -> Iterator[tuple[str, Heartbeat]]:
        told, known = self._known, self._book.found_out.present
        if known is told:
            return
        self._known = known
        for home, alarms in sorted(known.items()):
            before = told.get(home, {})
            for alarm, told_now in sorted(alarms.items(), key=lambda item: item[1].raised_ms):
                if before.get(alarm) != told_now:
                    yield home, found_out_news(told_now.word, told_now.seen_ms, now_ms)
