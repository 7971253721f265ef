"""Which alarm goes to whom by short message, in what words, and how often. Pure.

Each unacknowledged call goes to every number of the list. Presses of one device that come close
together share a message; a device that goes on and on (a jammed button) is told of once a minute
and, beyond the hour's limit, no more. The first message about a device is under no limit, so that
no storm elsewhere can swallow it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from contract.item import Item

# Later presses of a device are told together, this long after the message before.
SAME_DEVICE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
# A message costs a tenth of a yuan and wakes a human.
PER_HOUR_MAX: Final = 30
NUMBERS_MAX: Final = 5
# Tried again after 5, 10 … 60 s; then this message is given up, and the fault told.
ATTEMPTS_MAX: Final = 10
RETRY_FIRST_MS: Final = 5_000
RETRY_MAX_MS: Final = 60_000
# Messages remembered, so that a restart repeats none; a month of the limit's worth.
SENT_MAX: Final = 20_000
# One Chinese message has 70 characters (3GPP TS 23.040); a longer one goes in two parts.
TEXT_MAX: Final = 134
LABEL_MAX: Final = 40
UTC_OFFSET_MIN: Final = 8 * 60
TEMPLATE: Final = "【守望】{kind}：{label}，{time}{count}。请立即联系核实。"
KINDS: Final[Mapping[str, str]] = {
    "sos": "紧急呼叫",
    "fall": "跌倒报警",
    "smoke": "烟雾报警",
    "gas": "燃气报警",
    "leak": "漏水报警",
    "tamper": "设备被拆动",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSettings:
    """`labels`: what a device is called in a message, by its name. `after_s`: without the hub's
    word for so long a call goes by message."""

    port: str
    numbers: Sequence[str]
    after_s: float
    baud: int = 115_200
    pin: str | None = field(default=None, repr=False)
    template: str = TEMPLATE
    labels: Mapping[str, str] = field(default_factory=dict)
    per_hour_max: int = PER_HOUR_MAX
    utc_offset_min: int = UTC_OFFSET_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSms:
    """One item told to one number; what is kept on the disk."""

    item: str
    number: str
    device: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """What to send now: one text about these items of one device."""

    number: str
    device: str
    items: tuple[str, ...]
    text: str


@dataclass(slots=True)
class _Tries:
    failed: int = 0
    next_ms: int = 0


class SmsPlan:
    """`sent`: what was sent before a restart, oldest first."""

    def __init__(self, settings: SmsSettings, sent: Iterable[SentSms] = ()) -> None:
        self._settings = settings
        self._done: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._last_ms: dict[tuple[str, str], int] = {}
        self._hour: list[int] = []
        self._tries: dict[tuple[str, str], _Tries] = {}
        for row in sent:
            self._note(row)

    def next(self, overdue: Sequence[Item], now_ms: int, *, clock_synced: bool) -> Sms | None:
        """The most urgent message of these calls: every device's first number before any second."""
        self._hour = [at_ms for at_ms in self._hour if 0 <= now_ms - at_ms < HOUR_MS]
        waiting = {item.id for item in overdue}
        self._tries = {key: t for key, t in self._tries.items() if key[0] in waiting}
        for number in self._settings.numbers:
            for device in dict.fromkeys(item.device for item in overdue):
                items = [
                    item
                    for item in overdue
                    if item.device == device and (item.id, number) not in self._done
                ]
                if items and self._may(device, number, items, now_ms):
                    return Sms(
                        number=number,
                        device=device,
                        items=tuple(item.id for item in items),
                        text=self._text(device, items, clock_synced=clock_synced),
                    )
        return None

    def sent(self, sms: Sms, now_ms: int) -> list[SentSms]:
        """The network took it; returns what must be remembered."""
        rows = [
            SentSms(item=item, number=sms.number, device=sms.device, at_ms=now_ms)
            for item in sms.items
        ]
        for row in rows:
            self._note(row)
        return rows

    def failed(self, sms: Sms, now_ms: int, *, final: bool) -> bool:
        """It did not leave; True when it is given up."""
        gave_up = final
        for item in sms.items:
            tries = self._tries.setdefault((item, sms.number), _Tries())
            tries.failed += 1
            pause_ms = min(RETRY_FIRST_MS << min(tries.failed - 1, 10), RETRY_MAX_MS)
            tries.next_ms = now_ms + pause_ms
            gave_up |= tries.failed >= ATTEMPTS_MAX
        if gave_up:
            for item in sms.items:
                self._forget_oldest()
                self._done[(item, sms.number)] = None
        return gave_up

    def _may(self, device: str, number: str, items: Sequence[Item], now_ms: int) -> bool:
        pauses = [
            tries.next_ms - now_ms
            for item in items
            if (tries := self._tries.get((item.id, number))) is not None
        ]
        # A clock that was set back must not hold a message for longer than its pause.
        if any(0 < pause <= RETRY_MAX_MS for pause in pauses):
            return False
        last_ms = self._last_ms.get((device, number))
        if last_ms is None or not 0 <= now_ms - last_ms < HOUR_MS:
            return True
        return now_ms - last_ms >= SAME_DEVICE_MS and len(self._hour) < self._settings.per_hour_max

    def _note(self, row: SentSms) -> None:
        self._forget_oldest()
        self._done[(row.item, row.number)] = None
        if self._last_ms.get((row.device, row.number)) != row.at_ms:
            self._last_ms[(row.device, row.number)] = row.at_ms
            self._hour.append(row.at_ms)

    def _forget_oldest(self) -> None:
        while len(self._done) >= SENT_MAX:
            self._done.popitem(last=False)

    def _text(self, device: str, items: Sequence[Item], *, clock_synced: bool) -> str:
        """Nothing about health: a message can be read on any locked screen."""
        kinds = list(dict.fromkeys(KINDS.get(item.kind, item.kind) for item in items))
        presses = len(items)
        words = {
            "kind": "、".join(kinds),
            "label": self._settings.labels.get(device, device)[:LABEL_MAX],
            "time": self._time(items[0]) if clock_synced else "时间不详",
            "count": f"，共{presses}次" if presses > 1 else "",
            "device": device,
        }
        text = self._settings.template
        for name, word in words.items():
            text = text.replace(f"{{{name}}}", word)
        return text[:TEXT_MAX]

    def _time(self, item: Item) -> str:
        zone = timezone(timedelta(minutes=self._settings.utc_offset_min))
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=item.received_at_ms)
        return f"{moment.astimezone(zone):%m-%d %H:%M}"
