"""A village that may go dark, and a home of it whose people may be away."""

import itertools
from pathlib import Path

from alarms.stays import NewStay
from rules.local_time import DAY_MS
from tests.adapters.book import NEW_HOME, Book, finding

NOW_MS = 1_795_363_200_000


class Village:
    """v1 of town t: home-1 with its meter and button; home-2 in v2 of the same town."""

    def __init__(self, folder: Path) -> None:
        self.book = Book(folder / "hub.db")
        self.book.now_ms = NOW_MS
        self.book.objects.region_of = lambda home, _gw: {"home-2": "v2"}.get(home or "", "g1")
        self.numbers = itertools.count()
        self.do(self.furnish)

    @staticmethod
    def furnish(unit) -> None:
        regions = [("t", "town", None), ("v1", "village", "t"), ("v2", "village", "t")]
        for code, level, parent in [*regions, ("g1", "group", "v1")]:
            unit.execute("INSERT INTO region VALUES (?, '', ?, ?)", (code, level, parent))
        for home, region in (("home-1", "g1"), ("home-2", "v2")):
            unit.execute(NEW_HOME, (home, region))
        unit.execute(
            "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade,"
            " conditions, contacts) VALUES ('p1', 'home-1', '', '', '', '', '[]', '', '[]', '[]')"
        )
        for device, kind in (("meter-1", "power"), ("button-1", "sos")):
            unit.execute(
                'INSERT INTO "device" (gateway, device, home, kind, model, label)'
                " VALUES ('gw-1', ?, 'home-1', ?, '', '')",
                (device, kind),
            )

    def do(self, apply):
        future = self.book.writer.submit(apply)
        self.book.writer.step()
        return future.result(0)

    def take(self, **changes) -> str:
        one = finding(str(next(self.numbers)), at_ms=self.book.now_ms, **changes)
        return self.do(lambda u: self.book.alarms.take(u, one, gateway="gw-1", replayable=False))

    def away(self, **changes) -> str:
        made = {"id": "s1", "home": "home-1", "person": None, "kind": "away", "note": ""}
        made |= {"from_ms": self.book.now_ms, "until_ms": self.book.now_ms + 5 * DAY_MS}
        stay = NewStay(**{**made, **changes})
        self.do(lambda u: self.book.alarms.stays.begin(u, stay, "duty1"))
        return stay.id

    def later(self, ms: int) -> None:
        self.book.now_ms += ms
        while self.do(self.book.alarms.fire_due):
            continue

    def restart(self) -> None:
        self.book.writer.close()
        self.book.open()

    def alarm(self, alarm: str) -> dict:
        return dict(self.book.rows("SELECT * FROM alarm WHERE id = ?", alarm)[0])

    def tasks(self) -> list[str]:
        return [r["alarm"] for r in self.book.rows("SELECT alarm FROM task ORDER BY number")]

    def facts(self, subject: str) -> list[str]:
        """Without who was told, which has tests of its own."""
        sql = (
            "SELECT fact FROM entry WHERE subject = ? AND topic <> 'task' AND fact <> 'told'"
            " ORDER BY seq"
        )
        return [r["fact"] for r in self.book.rows(sql, subject)]

    @property
    def told(self) -> list[str]:
        return self.book.outbox.raised
