"""The daily test press: a gateway of the hub's own, which presses over the real broker.

It speaks as every gateway does: an envelope on its activation topic, then it waits for the hub's
own acknowledgement and for the command that comes back through the outbox. What lies between (the
event, the rules, the book) is read from the book. All of it has its time; by whatever is missing
then the test has failed, and the book says so.
"""

import asyncio
import datetime
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from alarms.trial_press import DEVICE_NAME, Outcome, Step, TakeFinding, TrialPresses
from contract import topics
from contract.codec import decode_ack, decode_command, encode_envelope
from contract.envelope import Envelope
from contract.errors import ContractError
from contract.item import Item
from contract.moment import EPOCH
from hearthwatch.watchdog.config import WatchdogConfig
from ingest.mqtt.session import Message
from ledger.unit_of_work import UnitOfWork

T = TypeVar("T")

# Whether it is time is looked for this often, and how far a press has come.
LOOK_S: Final = 5.0
STEP_S: Final = 0.1
# As a gateway does: what the hub has not acknowledged by then is sent again. A broker that hears
# of the hub's queues only now has let the first one fall.
RESEND_S: Final = 2.0


class Client(Protocol):
    def publish_soon(self, topic: str, payload: bytes) -> bool: ...


class Writer(Protocol):
    async def change(self, apply: Callable[[UnitOfWork], T]) -> T: ...


def last_due_ms(now_ms: int, minute: int, zone: ZoneInfo) -> int:
    """The newest moment of this minute of the local day that is not to come."""
    local = (EPOCH + datetime.timedelta(milliseconds=now_ms)).astimezone(zone)
    today = local.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    if today > local:
        today = (today.replace(tzinfo=None) - datetime.timedelta(days=1)).replace(tzinfo=zone)
    return (today - EPOCH) // datetime.timedelta(milliseconds=1)


def envelope(gateway: str, press: str, now_ms: int) -> bytes:
    """One press, in a spool that holds nothing else."""
    item = Item(
        id=press,
        seq=1,
        device=DEVICE_NAME,
        kind="sos",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        attrs={"action": "test", "asked_by": "watchdog"},
    )
    return encode_envelope(
        Envelope(gateway=gateway, spool=press, sent_at_ms=now_ms, clock="synced", items=[item])
    )


class DailyPress:
    """One task on the event loop; `on_messages` is the callback of its connection."""

    def __init__(
        self,
        config: WatchdogConfig,
        presses: TrialPresses,
        writer: Writer,
        take: TakeFinding,
        *,
        client: Callable[[], Client],
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        zone: ZoneInfo,
        log: Callable[[str, str], None],
        furnished: Callable[[UnitOfWork], object] = lambda _unit: None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._presses = presses
        self._writer = writer
        self._take = take
        self._client = client
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._zone = zone
        self._log = log
        self._furnished = furnished
        self._pause = pause
        self._press = ""
        self._seen: set[Step] = set()

    async def run(self) -> None:
        furnished = False
        while True:
            try:
                furnished = furnished or await self._writer.change(self._furnish)
                if furnished and await self._due():
                    await self.press()
            except Exception as error:  # noqa: BLE001 - a full disk must not end the watch
                self._log("test_press_not_made", f"{type(error).__name__}: {error}")
            await self._pause(LOOK_S)

    async def press(self) -> Outcome:
        """Press once and wait for what comes of it."""
        self._press, self._seen = str(uuid.uuid4()), set()
        press = self._press
        await self._writer.change(lambda unit: self._presses.begin(unit, press))
        begun = self._monotonic()
        topic = topics.topic(self._config.test_gateway, "activation")
        body = envelope(self._config.test_gateway, press, self._now_ms())
        sent_at: float | None = None
        while True:
            now = self._monotonic()
            # As a gateway would, when there is no connection yet.
            due = sent_at is None or now - sent_at >= RESEND_S
            if due and "acknowledged" not in self._seen:
                sent_at = now if self._client().publish_soon(topic, body) else sent_at
            seen = frozenset(self._seen)
            missing = await self._writer.change(
                partial(self._presses.settle, press=press, seen=seen)
            )
            took_s = self._monotonic() - begun
            if missing is None or took_s >= self._config.test_within_s:
                break
            await self._pause(STEP_S)
        outcome = Outcome(missing=missing, took_ms=round(took_s * 1000))
        await self._writer.change(lambda unit: self._presses.end(unit, press, outcome, self._take))
        self._log("test_press", outcome.missing or "ok")
        return outcome

    def on_messages(self, messages: Sequence[Message], link: "Link") -> None:
        """Acknowledgements and commands for the gateway that we are."""
        for topic, payload, packet_id in messages:
            try:
                self._note(topic.decode(), payload)
            except (ContractError, UnicodeDecodeError) as error:
                self._log("test_press_unreadable", str(error)[:200])
            if packet_id:
                link.ack([packet_id])

    def _note(self, topic: str, payload: bytes) -> None:
        if topic == topics.topic(self._config.test_gateway, "ack"):
            if self._press in decode_ack(payload).ids:
                self._seen.add("acknowledged")
        elif decode_command(payload).args.get("test_press") == self._press:
            self._seen.add("command")

    def _furnish(self, unit: UnitOfWork) -> bool:
        done = self._presses.furnish(unit)
        if done:
            # Whose button it is has to be known to the lane before it is pressed.
            self._furnished(unit)
        return done

    async def _due(self) -> bool:
        now_ms = self._now_ms()
        due_ms = last_due_ms(now_ms, self._config.test_minute, self._zone)
        latest = await self._writer.change(_latest_ms)
        # A press in the time to come was made before the clock was set back.
        return latest is None or latest < due_ms or latest > now_ms


class Link(Protocol):
    def ack(self, packet_ids: Sequence[int]) -> None: ...


def _latest_ms(unit: UnitOfWork) -> int | None:
    sql = "SELECT max(pressed_at_ms) FROM test_press WHERE missing <> 'restart'"
    found = unit.execute(sql).fetchone()[0]
    return None if found is None else int(found)
