"""A hub's book with people who can be told, alarms to tell of, and a dispatcher under the hand."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alarms import contact_points
from alarms.dispatcher import Dispatcher
from alarms.limits import Limits
from alarms.notifier import Delivered, Notification, Result
from alarms.responders import ContactPoint, Responder
from alarms.telling import Telling, TellingSettings
from hearthwatch.notify_config import NotifyConfig
from ledger.place import Place, SqliteBook
from ledger.schema import CONTACT_POINT, OUTBOX
from tests.adapters.book import finding
from tests.adapters.hub_bench import ROSTER, Bench

KEY = b"k" * 32
URL = "https://hub.example"


class Channel:
    """Answers what a test wants for a target, once or always; remembers what it was given."""

    def __init__(self) -> None:
        self.sent: list[Notification] = []
        self.answers: dict[str, Result] = {}

    async def send(self, notification: Notification) -> Result:
        self.sent.append(notification)
        return self.answers.get(notification.target, Delivered())

    def targets(self) -> list[str]:
        return [n.target for n in self.sent]


class Office:
    def __init__(
        self,
        folder: Path,
        settings: TellingSettings | None = None,
        book: Place | None = None,
        roster: str = ROSTER,
        notify: NotifyConfig | None = None,
    ) -> None:
        place = book or SqliteBook(path=folder / "hub" / "hub.db")
        self.bench = Bench(folder, place, roster, notify)
        self.log: list[tuple[str, str]] = []
        settings = settings or TellingSettings(public_url=URL, replies=True)
        self.telling = Telling(settings, KEY)
        self.hub = self.bench.hub
        self.hub.book._outbox._telling = self.telling
        self.channels: dict[str, Any] = {"aliyun_sms": Channel(), "wecom_bot": Channel()}
        self.limits = Limits({})
        self._running: asyncio.Task[None] | None = None
        self._points = 0

    def dispatcher(self, **options: Any) -> Dispatcher:
        return Dispatcher(
            self.hub.writer,
            self.channels,
            lambda *said: self.log.append(said),
            limits=self.limits,
            telling=self.telling,
            **options,
        )

    def start(self, **options: Any) -> None:
        self.sending = self.dispatcher(**options)
        self._running = asyncio.create_task(self.sending.run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        self.hub.close()

    def account(self, username: str, role: str = "duty", region: str = "") -> None:
        def write(unit) -> None:
            unit.execute(
                "INSERT INTO account (username, name, role, region, phone, password, disabled,"
                " created_at_ms) VALUES (?,?,?,?,?,?,?,?)",
                (username, username, role, region, "", "-", False, unit.now_ms),
            )

        self.bench.change(write)

    def point(self, owner: str, channel: str, address: str, *, verified: bool = True) -> str:
        self._points += 1
        point_id = f"point-{self._points}"
        new = contact_points.NewPoint(
            id=point_id,
            owner=owner,
            channel=channel,
            address=address,
            label="",
            language="zh-CN",
        )

        def write(unit) -> None:
            contact_points.add(unit, new, actor="test")
            if verified:
                unit.execute(
                    "UPDATE contact_point SET verified_at_ms = ? WHERE id = ?",
                    (unit.now_ms, point_id),
                )

        self.bench.change(write)
        return point_id

    def alarm(self, key: str = "1", **changes: Any) -> str:
        found = finding(key, part=key, at_ms=self.bench.clock.at_ms, **changes)
        return self.bench.change(lambda unit: self.hub.book.take(unit, found, replayable=False))

    def row(self, alarm: str) -> Mapping[str, Any]:
        def read(unit):
            cursor = unit.execute("SELECT * FROM alarm WHERE id = ?", (alarm,))
            return dict(zip([d[0] for d in cursor.description], cursor.fetchone(), strict=True))

        return self.bench.change(read)

    def tell(  # noqa: PLR0917 - as the escalation calls it
        self,
        alarm: str,
        who: str,
        channel: str,
        address: str,
        step: int = 0,
        round_: int = 1,
        urgent: bool = True,
    ) -> None:
        point = ContactPoint(channel=channel, address=address, verified=True)
        person = Responder(id=who, name=who, role="duty", points=(point,))
        row = self.row(alarm)
        self.bench.change(
            lambda unit: self.hub.book._outbox.notify(
                unit, row, person, point, step=step, round=round_, urgent=urgent
            )
        )

    def rows(self) -> list[dict[str, Any]]:
        """Of people; commands to gateways are another story."""
        return [row for row in self.bench.rows(OUTBOX) if row["recipient"] is not None]

    def states(self) -> list[tuple[str, str]]:
        return sorted((row["target"], row["state"]) for row in self.rows())

    def points(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in self.bench.rows(CONTACT_POINT)}

    def pass_ms(self, ms: int) -> None:
        self.bench.clock.at_ms += ms
        self.sending.wake()
