"""A hub whose disk is full acknowledges nothing and says so: presses leave by the second path, and
each is one event when there is room again."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dashboard.accounts import issue_gateway_key
from hearthwatch.admin import change_book
from tests.acceptance.rig import START_S, Rig, wait_until
from tests.adapters.modem_line import ModemOnALine
from tests.adapters.tiny_disk import fill

NUMBER = "+8613800138000"
# The book's log has 8 MiB of its own, the store of readings its file.
DISK_BYTES = 32 << 20
# The hub writes while its disk is filled.
LEFT_BYTES = 128 << 10
CALLER, OTHERS, AT_ONCE = 0xF00, 60, 2


@pytest.fixture
def modem(tmp_path: Path):
    modem = ModemOnALine(tmp_path / "modem")
    yield modem
    modem.close()


def enrolled(rig: Rig) -> str:
    def enrol(unit) -> str:
        row = ("gw-1", "", False, "{}")
        unit.execute("INSERT INTO gateway (id, name, online, status) VALUES (?, ?, ?, ?)", row)
        return issue_gateway_key(unit, "gw-1", actor="test")

    return change_book(rig.book, enrol)


def test_a_press_leaves_by_the_second_path_while_the_hub_has_no_room(
    tmp_path: Path, modem: ModemOnALine
) -> None:
    rig = Rig(tmp_path)
    with rig.runs_on.small_disk(DISK_BYTES) as disk:
        try:
            config = tmp_path / "gateway.toml"
            config.write_text(
                config.read_text()
                + f'[second_path]\nurl = "http://127.0.0.1:{rig.http_port}"\n'
                + 'key_file = "key"\nafter_s = 1.0\n'
                + f'[second_path.sms]\nport = "{tmp_path}/modem"\nnumbers = ["{NUMBER}"]\n'
                + '[second_path.sms.labels]\n"ev1527-00f00" = "张家床头按钮"\n'
            )
            (tmp_path / "key").write_text(enrolled(rig))
            play(rig, modem, disk)
        finally:
            rig.close()


def book_of(rig: Rig) -> str:
    """What /readyz says of the book, red or not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{rig.http_port}/readyz", timeout=5) as red:
            return str(json.load(red)["checks"]["book"])
    except urllib.error.HTTPError as error:
        return str(json.load(error)["checks"]["book"])


def play(rig: Rig, modem: ModemOnALine, disk: Path) -> None:
    rig.start()
    wait_until(rig.ready, START_S, "the hub answers")
    wait_until(rig.listening, START_S, "the gateway listens")
    rig.press(1)
    wait_until(lambda: len(rig.events()) == 1, 60, "the press in the book")
    other = fill(disk, leave_bytes=LEFT_BYTES)
    pressed = 1

    def press_until_it_is_red() -> bool:
        """The log's own room holds a few hundred."""
        nonlocal pressed
        for _press in range(AT_ONCE):
            pressed += 1
            rig.press(1 + pressed % OTHERS)
        return book_of(rig) == "last commit failed" and rig.unacknowledged() > AT_ONCE

    wait_until(press_until_it_is_red, 180, "the hub says that it can't write")
    rig.press(CALLER)
    log = rig.programs["gateway"].log
    wait_until(lambda: any("张家" in m.text for m in modem.sent), 60, "the message")
    wait_until(lambda: "second_path_refused" in log.read_text(), 60, "the hub has refused it")
    # It is accepted, the elder has heard the tone, and nobody has acknowledged it.
    [caller] = [i for i, body in rig.accepted().items() if "00f00" in body]
    assert rig.unacknowledged() > 0
    assert caller not in {event for event, _alarm in rig.events()}
    # A smaller change may still find room; most of what was pressed has none.
    assert len(rig.events()) < len(rig.accepted())
    assert not rig.ready()
    other.unlink()
    wait_until(lambda: rig.unacknowledged() == 0, 90, "all is acknowledged once there is room")
    wait_until(rig.ready, 60, "the hub is well")
    events = [event for event, _alarm in rig.events()]
    assert len(events) == len(set(events))
    assert set(events) == set(rig.accepted())
    assert sum(count for _id, count, _state, _task in rig.alarms()) == len(events)
