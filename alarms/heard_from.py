"""From which homes a human has heard that all is well, for the rules. In the writer's thread.

Somebody telephones, is answered and writes "is well": that is a call of the book and a proof of
life for the rule that waits for one. A rule can't unhear it, so it is told a minute later: by then
a slip of the finger was taken back. `present` is one immutable value that other threads may read.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from alarms.rows import Row, fetch
from ledger.cursor import Cursor
from ledger.visits import says_well

# The page offers to take it back as long as this.
SETTLE_MS: Final = 60_000
# Two windows of the rule; what is older proves nothing that still counts.
KEPT_MS: Final = 48 * 3_600_000

# Home → when it was heard last.
Heard = Mapping[str, int]


class HeardFrom:
    def __init__(self) -> None:
        # By visit: home, when it was made, when it was written down.
        self._calls: dict[str, tuple[str, int, int]] = {}
        self._settles_ms: int | None = None
        self.present: Heard = {}

    def reload(self, cursor: Cursor) -> None:
        rows = fetch(
            cursor,
            "SELECT * FROM visit WHERE way IN ('phone', 'video') AND voided_at_ms IS NULL"
            " AND visited_at_ms > (SELECT coalesce(max(visited_at_ms), 0) FROM visit) - ?",
            (KEPT_MS,),
        )
        self._calls, self.present, self._settles_ms = {}, {}, 0
        for row in rows:
            self.noted(row)

    def follow(self, visits: Sequence[str], rows: Iterable[Row]) -> None:
        """Visits that others have written; `rows`: those of them that there are still."""
        for visit in visits:
            self._calls.pop(visit, None)
        for row in rows:
            self.noted(row)
        self._settles_ms = 0

    def noted(self, row: Row) -> None:
        """A visit was written down or corrected."""
        self._calls.pop(row["id"], None)
        if row["voided_at_ms"] is None and says_well(
            row["way"], bool(row["met"]), json.loads(row["record"])
        ):
            self._calls[row["id"]] = (row["home"], row["visited_at_ms"], row["recorded_at_ms"])
        self._settles_ms = 0

    def fire_due(self, now_ms: int) -> None:
        """Tell what has settled, forget what is old."""
        if self._settles_ms is None or now_ms < self._settles_ms:
            return
        self._settles_ms = None
        heard: dict[str, int] = {}
        for visit, (home, at_ms, recorded_ms) in list(self._calls.items()):
            settles_ms = recorded_ms + SETTLE_MS
            if at_ms + KEPT_MS < now_ms:
                del self._calls[visit]
            elif settles_ms <= now_ms:
                heard[home] = max(at_ms, heard.get(home, at_ms))
            else:
                self._settles_ms = min(settles_ms, self._settles_ms or settles_ms)
        if heard != self.present:
            self.present = heard
