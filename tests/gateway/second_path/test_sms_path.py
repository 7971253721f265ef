"""The path by short message on a real terminal, in simulated time: how soon, and what is told."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from contract.config import ConfigError
from contract.item import Item, Measurement
from device_sims.devices.gsm_modem import GsmModem, report
from device_sims.transports.pty_line import PtyLine
from gateway.config import load
from gateway.second_path import sms_path
from gateway.second_path.gsm_modem import Event, Modem
from gateway.second_path.sms_path import SmsPath
from gateway.second_path.sms_plan import SmsSettings
from gateway.sources.intake import Intake
from gateway.spool.sent_book import SentBook, SentBookFailed
from gateway.uplink.unanswered import Unanswered
from tests.adapters.simulated_time import SimulatedTimeLoop

NUMBER = "+8613800138000"
START_MS = 1_795_459_920_000
CONFIG = f"""
gateway = "gw-1"
data_dir = "spool"
[uplink]
host = "127.0.0.1"
[second_path]
url = "https://hub.example"
key_file = "key"
[second_path.sms]
port = "/dev/modem"
numbers = ["{NUMBER}"]
[second_path.sms.labels]
button-1 = "张家床头按钮"
"""


def press(number: int, **attrs: str) -> Item:
    return Item(
        id=f"i{number}", seq=number, device=f"button-{number}", kind="sos",
        measured_at_ms=START_MS, received_at_ms=START_MS, attrs={"action": "press", **attrs},
    )  # fmt: skip


class Home:
    """A gateway's lane and intake, and a modem on a pseudo-terminal."""

    def __init__(self, loop: SimulatedTimeLoop, folder: Path, **more: Any) -> None:
        self.loop = loop
        self.monkeypatch = loop.monkeypatch
        self.modem = GsmModem()
        self.line = PtyLine(folder / "modem", self.answer)
        self.left_s: list[float] = []
        # Bytes written and not read yet, in either direction.
        self.under_way = 0
        self.calls = Unanswered()
        self.told: list[Measurement] = []
        self.log: list[str] = []
        self.folder = folder
        settings = {"numbers": (NUMBER,), "after_s": 10.0, **more}
        self.path = SmsPath(
            SmsSettings(port=str(folder / "modem"), **settings),
            self,
            Intake(self.offer, self.now_ms, self.note),
            book_file=folder / "sms.db",
            now_ms=self.now_ms,
            clock_synced=lambda: True,
            log=self.note,
        )
        loop.busy = lambda: self.under_way > 0

    def answer(self, data: bytes) -> bytes:
        self.under_way -= len(data)
        answer = self.modem.feed(data)
        self.left_s += [self.loop.now_s] * (len(self.modem.sent) - len(self.left_s))
        self.under_way += len(answer)
        return answer

    def say(self, data: bytes) -> None:
        self.under_way += len(data)
        self.line.write(data)

    def overdue_items(self, after_s: float, limit: int) -> Sequence[Item]:
        return self.calls.since(self.loop.time() - after_s, limit)

    def offer(self, batch: Sequence[Measurement]) -> bool:
        self.told += batch
        return True

    def note(self, event: str, detail: str) -> None:
        self.log.append(f"{event}: {detail}")

    def now_ms(self) -> int:
        return START_MS + int(self.loop.time() * 1000)

    def run(self, seconds: float) -> None:
        home = self

        class Counted(Modem):
            def take_output(self) -> bytes:
                data = super().take_output()
                home.under_way += len(data)
                return data

            def feed(self, data: bytes, line_ms: int) -> list[Event]:
                home.under_way -= len(data)
                return super().feed(data, line_ms)

        self.monkeypatch.setattr(sms_path, "Modem", Counted)

        async def work() -> None:
            self.line.start()
            task = asyncio.create_task(self.path.run())
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.loop.run_until_complete(work())

    @property
    def health(self) -> list[dict[str, Any]]:
        return [dict(m.attrs) for m in self.told]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedTimeLoop]:
    made = SimulatedTimeLoop()
    monkeypatch.setattr(sms_path, "line_ms", lambda: int(made.now_s * 1000))
    # A thread is not part of the simulated time.
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    made.monkeypatch = monkeypatch
    yield made
    made.close()


async def at_once(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


def test_a_call_is_on_its_way_within_fifteen_seconds(tmp_path: Path, loop: Any) -> None:
    """With the settings that an installer gets without setting anything, HTTPS tried first."""
    (tmp_path / "key").write_text("k")
    (tmp_path / "gateway.toml").write_text(CONFIG)
    settings = load(tmp_path / "gateway.toml").second_path.sms
    assert settings is not None
    assert settings.labels == {"button-1": "张家床头按钮"}
    home = Home(loop, tmp_path, after_s=settings.after_s)
    pressed_s: list[float] = []

    def call() -> None:
        home.calls.add([press(1)], loop.now_s)
        pressed_s.append(loop.now_s)

    loop.call_later(30.3, call)
    home.run(120)
    assert len(home.left_s) == 1
    assert settings.after_s <= home.left_s[0] - pressed_s[0] <= 15
    assert home.health == []
    assert any("sms_sent" in line and NUMBER not in line for line in home.log)


def test_what_the_hub_took_in_time_is_not_sent(tmp_path: Path, loop: Any) -> None:
    home = Home(loop, tmp_path)
    home.calls.add([press(1)], loop.now_s)
    loop.call_later(9.0, home.calls.acked, ["i1"])
    home.run(60)
    assert home.modem.sent == []


@pytest.mark.parametrize("attrs", [{"action": "clear"}, {"action": "test"}])
def test_an_end_and_a_test_wake_nobody(tmp_path: Path, loop: Any, attrs: dict[str, str]) -> None:
    home = Home(loop, tmp_path)
    home.calls.add([press(1, **attrs)], loop.now_s)
    home.run(60)
    assert home.modem.sent == []


def test_a_modem_that_comes_late_sends_what_waits(tmp_path: Path, loop: Any) -> None:
    home = Home(loop, tmp_path)
    home.modem.registered = False
    home.calls.add([press(1)], loop.now_s)
    loop.call_later(300, setattr, home.modem, "registered", True)
    home.run(400)
    assert len(home.modem.sent) == 1
    assert home.health == [{"fault": "no_network"}, {"recovered": "no_network"}]


def test_an_unplugged_modem_is_told_once_and_found_again(tmp_path: Path, loop: Any) -> None:
    home = Home(loop, tmp_path)
    (tmp_path / "modem").rename(tmp_path / "away")
    home.calls.add([press(1)], loop.now_s)
    loop.call_later(100, (tmp_path / "away").rename, tmp_path / "modem")
    home.run(200)
    assert home.health == [{"fault": "modem_unavailable"}, {"recovered": "modem_unavailable"}]
    assert len(home.modem.sent) == 1


def test_a_refused_number_is_told_and_the_next_one_called(tmp_path: Path, loop: Any) -> None:
    home = Home(loop, tmp_path, numbers=(NUMBER, "+8613900139000"))
    home.modem.results = ["+CMS ERROR: 21"]
    home.calls.add([press(1)], loop.now_s)
    loop.call_later(30, home.calls.add, [press(2)], loop.now_s + 30)
    home.run(60)
    assert [m.number[-4:] for m in home.modem.sent] == ["9000", "8000", "9000"]
    assert home.health == [
        {"fault": "sms_refused", "detail": "+CMS ERROR: 21", "number": "8000"},
        {"recovered": "sms_refused", "number": "8000"},
    ]


def test_a_wrong_pin_is_tried_once_whatever_restarts(tmp_path: Path, loop: Any) -> None:
    tries = 0
    for _ in range(3):
        home = Home(loop, tmp_path, pin="9999")
        home.modem.sim = "locked"
        home.run(60)
        home.line.close()
        tries += home.modem.pin_tries
    assert tries == 1
    assert {"fault": "sim_locked"} in home.health
    # The installer corrects the file.
    home = Home(loop, tmp_path, pin="1234")
    home.modem.sim = "locked"
    home.calls.add([press(1)], loop.now_s)
    home.run(60)
    assert len(home.modem.sent) == 1


def test_a_right_pin_opens_the_card_after_every_power_failure(tmp_path: Path, loop: Any) -> None:
    home = Home(loop, tmp_path, pin="1234")
    home.modem.sim = "locked"

    def power_failure() -> None:
        home.modem.sim = "locked"
        home.say(home.modem.restart())

    loop.call_later(30, power_failure)
    loop.call_later(40, home.calls.add, [press(1)], 1040.0)
    home.run(120)
    assert home.modem.pin_tries == 2
    assert len(home.modem.sent) == 1


def test_a_report_of_delivery_is_logged(tmp_path: Path, loop: Any) -> None:
    home = Home(loop, tmp_path)
    loop.call_later(5, home.say, report(NUMBER, 1, 0) + report(NUMBER, 2, 0x46))
    loop.call_later(6, home.say, b"\r\n+CDS: 5\r\nGARBAGE\r\n")
    home.run(20)
    told = [line for line in home.log if line.startswith("sms_")]
    assert [line.split(":")[0] for line in told] == [
        "sms_delivered",
        "sms_not_delivered",
        "sms_report_unreadable",
    ]
    assert home.health == [{"fault": "sms_not_delivered", "status": 0x46}]


def test_the_book_outlives_a_restart_and_forgets_the_oldest(tmp_path: Path) -> None:
    book = SentBook(tmp_path / "a" / "sms.db")
    rows = [(f"i{n}", NUMBER, "d", n) for n in range(5)]
    book.add(rows, 3)
    book.add(rows[4:], 3)
    book.close()
    again = SentBook(tmp_path / "a" / "sms.db")
    assert again.rows(10) == rows[2:]
    assert again.rows(1) == rows[4:]
    again.close()


def test_without_a_book_messages_leave_all_the_same(tmp_path: Path, loop: Any) -> None:
    (tmp_path / "sms.db").write_bytes(b"no database" * 1000)
    with pytest.raises(SentBookFailed):
        SentBook(tmp_path / "sms.db")
    home = Home(loop, tmp_path)
    home.calls.add([press(1)], loop.now_s)
    home.run(60)
    assert len(home.modem.sent) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (f'"{NUMBER}"', '"110x"', "telephone number"),
        (f'"{NUMBER}"', "", "1 to 5"),
        (f'"{NUMBER}"', f'"{NUMBER}", "{NUMBER}"', "different"),
        (f'"{NUMBER}"', "13800138000", "telephone number"),
        ('port = "/dev/modem"', "", "port"),
        ('port = "/dev/modem"', 'port = "/dev/modem"\nprot = 1', "did you mean 'port'"),
        ('port = "/dev/modem"', 'port = "/dev/modem"\nbaud = 5', "1200 to"),
        ('port = "/dev/modem"', 'port = "/dev/modem"\nper_hour_max = 0', "1 to 1000"),
        ('port = "/dev/modem"', 'port = "/dev/modem"\npin_file = "nopin"', "nopin"),
        ('port = "/dev/modem"', 'port = "/dev/modem"\npin_file = "key"', "PIN"),
        ('port = "/dev/modem"', 'port = "/dev/modem"\ntemplate = "a\\nb"', "printable"),
        ("button-1", '"no name"', "no name of a device"),
        ('"张家床头按钮"', '""', "words"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    (tmp_path / "key").write_text("k")
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(ConfigError, match=r"second_path\.sms") as refusal:
        load(path)
    assert says in str(refusal.value)


def test_messages_alone_are_a_second_path(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        CONFIG.replace('url = "https://hub.example"\n', "").replace('key_file = "key"\n', "")
    )
    settings = load(path).second_path
    assert settings.https is None
    assert settings.sms is not None
    assert settings.sms.after_s == 10.0


def test_a_port_has_one_reader(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG + '[[serial]]\nname = "rf"\nport = "/dev/modem"\ndriver = "ev1527"\n')
    with pytest.raises(ConfigError, match="/dev/modem"):
        load(path)
