"""The walk test whole: a button on a pseudo-terminal, mosquitto, and a hub of a few lines."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from contract.codec import decode_envelope, encode_ack, encode_command
from contract.config import EXIT_CONFIG
from contract.envelope import Ack, Command
from contract.item import Item
from contract.topics import topic
from device_sims.devices.ev1527_button import press_frames
from device_sims.transports.pty_line import PtyLine
from gateway import walk_test
from gateway.__main__ import main
from gateway.clock import Clock
from gateway.config import load
from gateway.spool.spool import SpoolInUse
from gateway.walk import Walk, devices_of
from gateway.walk_test import (
    EXIT_SPOOL,
    EXIT_STOPPED,
    Patience,
    WalkTest,
    result,
    summary,
)
from hearthwatch.embedded_broker import Broker, find_mosquitto
from tests.adapters.processes import DEADLINE_S, until

# The user that systemd made up for the service.
SOMEBODY = 12_345
ROOT = Path(__file__).resolve().parents[2]
PATIENT = Patience(
    connect_s=DEADLINE_S, press_s=DEADLINE_S, ack_s=DEADLINE_S, readings_s=DEADLINE_S
)

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]


class Home:
    """Two radio buttons behind one receiver, and the hub that hears of them."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.gateway = f"gw-{uuid.uuid4().hex[:12]}"
        self.radio = PtyLine(folder / "rf")
        self.acknowledges = True
        self.items: dict[str, Item] = {}
        self.said: list[str] = []
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'gateway = "{self.gateway}"\ndata_dir = "spool"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {broker.port}\nprotocol = "5"\n'
            f'username = "{broker.username}"\npassword_file = "{broker.password_file}"\n'
            f'[[serial]]\nname = "rf"\nport = "{folder}/rf"\ndriver = "ev1527"\n'
            '[[serial.config.buttons]]\nid = "B1E1E"\ndevice = "hall"\n'
            '[[serial.config.buttons]]\nid = "0A0B1"\ndevice = "bath"\n'
        )
        self.walk = Walk(devices_of(load(self.config)))

    def test(self, patience: Patience = PATIENT) -> WalkTest:
        return WalkTest(
            load(self.config), self.walk, self.said.append, keys=self.keys,
            patience=patience, clock=Clock(),
        )  # fmt: skip

    async def asked(self, device: str) -> None:
        await until(lambda: any(f"{device}: press it now" in t for t in self.said), "the prompt")

    def actions(self) -> list[tuple[str, object]]:
        found = sorted(self.items.values(), key=lambda item: item.seq)
        return [(item.device, item.attrs["action"]) for item in found if item.kind == "sos"]


@pytest.fixture
async def home(tmp_path: Path, broker: Broker) -> AsyncIterator[Home]:
    home = Home(tmp_path, broker)
    client = aiomqtt.Client(
        "127.0.0.1", broker.port, username=broker.username,
        password=broker.password_file.read_text(), protocol=aiomqtt.ProtocolVersion.V5,
    )  # fmt: skip

    async def hub() -> None:
        async for message in client.messages:
            envelope = decode_envelope(bytes(message.payload))
            home.items.update({item.id: item for item in envelope.items})
            if home.acknowledges:
                ack = Ack(spool=envelope.spool, ids=[item.id for item in envelope.items])
                await client.publish(topic(home.gateway, "ack"), encode_ack(ack), qos=1)

    async with client:
        await client.subscribe(topic(home.gateway, "activation"), qos=1)
        home.client = client
        hearing = asyncio.create_task(hub())
        yield home
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    home.radio.close()


async def test_each_press_is_followed_to_the_hub_and_back_as_a_test(home: Home) -> None:
    running = asyncio.create_task(home.test().run())
    for device, identity in (("hall", "B1E1E"), ("bath", "0A0B1")):
        await home.asked(device)
        home.radio.write(press_frames(identity))
    assert await running is True
    assert home.actions() == [("hall", "test"), ("bath", "test")]
    assert home.walk.missing() == home.walk.unacknowledged() == []
    lines = summary(home.walk)
    assert lines[-1] == "2 of 2 devices reached the hub"
    assert all("acknowledged by the hub after" in line for line in lines[2:4])
    for trace in home.walk.traces.values():
        committed, acked = trace.committed_line_ms, trace.acked_line_ms
        assert committed is not None
        assert acked is not None
        assert trace.decoded_line_ms <= committed <= acked


async def test_a_trouble_that_lasts_is_told_once(home: Home) -> None:
    log = home.test()._log
    for _ in range(3):
        log("serial_lost", "rf: gone")
    log("serial_open", "rf")
    log("serial_lost", "rf: gone")
    assert home.said == ["  (serial_lost: rf: gone)"] * 2


async def test_somebody_elses_press_stays_a_call_and_is_told(home: Home) -> None:
    running = asyncio.create_task(home.test().run())
    await home.asked("hall")
    home.radio.write(press_frames("0A0B1"))  # the bath, while the hall is asked for
    home.radio.write(press_frames("77777"))  # a neighbour of whom gateway.toml knows nothing
    await until(lambda: len(home.actions()) == 2, "both calls at the hub")
    assert home.actions() == [("bath", "press"), ("ev1527-77777", "press")]
    assert sum("REAL call" in text for text in home.said) == 2
    home.keys.put_nowait("q")
    assert await running is False
    lines = summary(home.walk)
    assert "real calls during the walk: bath, ev1527-77777" in lines
    assert "also heard, not in gateway.toml: ev1527-77777" in lines
    assert lines[-1] == "0 of 2 devices reached the hub"


async def test_what_is_not_heard_is_left_by_a_key_and_told_in_the_end(home: Home) -> None:
    running = asyncio.create_task(home.test().run())
    await home.asked("hall")
    for _ in range(2):  # twice, in haste: the next device is asked for all the same
        home.keys.put_nowait("")
    await home.asked("bath")
    home.radio.write(press_frames("0A0B1"))
    assert await running is True
    assert [one.device for one in home.walk.missing()] == ["hall"]
    assert result(home.walk, home.walk.missing()[0]) == "NOT HEARD"
    assert home.actions() == [("bath", "test")]


async def test_a_hub_that_does_not_answer_is_told(home: Home) -> None:
    home.acknowledges = False
    running = asyncio.create_task(home.test().run())
    await home.asked("hall")
    home.radio.write(press_frames("B1E1E"))
    await until(lambda: len(home.actions()) == 1, "the test at the hub")
    home.keys.put_nowait("q")
    assert await running is False
    one = home.walk.unacknowledged()[0]
    assert result(home.walk, one).endswith("NOT ACKNOWLEDGED by the hub")


async def test_the_time_for_a_press_is_bounded(home: Home) -> None:
    """Nobody presses and nobody types: it ends by itself, and the rest of the way is sound."""
    impatient = Patience(connect_s=DEADLINE_S, press_s=0.01, ack_s=0.01, readings_s=0.01)
    assert await home.test(impatient).run() is True
    assert len(home.walk.missing()) == 2
    assert sum("NOT HEARD" in line for line in summary(home.walk)) == 2


async def test_a_reload_asked_by_the_hub_does_not_end_the_walk(home: Home) -> None:
    running = asyncio.create_task(home.test().run())
    await home.asked("hall")
    order = encode_command(Command(id="c-1", command="reload", device=None, args={}))
    await home.client.publish(topic(home.gateway, "command"), order, qos=1)
    await until(
        lambda: sum("uplink_connected" in text for text in home.said) >= 3, "connected anew"
    )
    home.radio.write(press_frames("B1E1E"))
    await home.asked("bath")
    home.radio.write(press_frames("0A0B1"))
    assert await running is True
    assert home.actions() == [("hall", "test"), ("bath", "test")]


async def program(home: Home) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "walk-test", "--config", str(home.config), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


async def read_until(process: asyncio.subprocess.Process, word: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while word not in (line := await process.stdout.readline()):
            assert line, "the program ended"


async def test_the_program_its_keys_a_second_one_and_ctrl_c(home: Home) -> None:
    first = await program(home)
    second = None
    try:
        await read_until(first, b"hall: press it now")
        second = await program(home)
        async with asyncio.timeout(DEADLINE_S):
            _out, err = await second.communicate()
        assert second.returncode == EXIT_SPOOL
        assert b"systemctl stop" in err
        assert first.stdin is not None
        first.stdin.write(b"\n")
        await read_until(first, b"bath: press it now")
        home.radio.write(press_frames("0A0B1"))
        await until(lambda: home.actions() == [("bath", "test")], "the test at the hub")
        first.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE_S):
            out, err = await first.communicate()
        assert b"Traceback" not in err
        assert b"summary" in out
        # All is heard that was asked for after the key, or it was ended before.
        assert first.returncode in (EXIT_STOPPED, 1)
    finally:
        for process in (first, second):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_made_in_the_spool_is_the_services_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = home.config.parent / "spool"
    spool.mkdir()
    os.chown(spool, SOMEBODY, SOMEBODY)

    async def walked(*_words: object) -> bool:
        (spool / "reserve").touch()
        raise SpoolInUse(spool)

    monkeypatch.setattr(walk_test, "_walk", walked)
    assert main(["walk-test", "--config", str(home.config)]) == EXIT_SPOOL
    assert (spool / "reserve").stat().st_uid == SOMEBODY


def test_the_environment_stands_in_for_a_password_file_that_is_gone(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials of systemd are not there while the service is stopped."""
    text = home.config.read_text()
    home.config.write_text(text.replace("password_file = ", 'password_file = "/none" # '))
    monkeypatch.setenv("HEARTHWATCH_UPLINK_PASSWORD", "secret")
    assert load(home.config).uplink.password == "secret"


def test_a_configuration_without_devices_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost = "127.0.0.1"\n')
    assert main(["walk-test", "--config", str(path)]) == EXIT_CONFIG
    assert "--device" in capsys.readouterr().err
