"""The whole gateway: a press on a pseudo-terminal, mosquitto, and a hub of a few lines."""

import asyncio
import os
import signal
import sqlite3
import sys
import tty
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from contract.clock import ClockPlan, Segment
from contract.codec import decode_envelope, decode_status, encode_ack, encode_command
from contract.config import EXIT_CONFIG
from contract.envelope import Ack, Command
from contract.item import Item
from contract.topics import parse, topic
from gateway.__main__ import EXIT_SPOOL, main
from gateway.clock import Clock
from gateway.config import load
from gateway.feedback import Feedback, FeedbackCommands
from gateway.process import Edges, Gateway
from hearthwatch.embedded_broker import Broker, find_mosquitto
from tests.adapters.processes import DEADLINE_S, until
from tests.gateway.test_outputs import Recorded, bound

ROOT = Path(__file__).resolve().parents[2]
# Writes what the spool holds at the moment of the tone: nothing, if it came too early.
TONE = """
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT body FROM item").fetchall()
found = any(sys.argv[3] in row[0].decode() for row in rows)
with open(sys.argv[2], "a") as out:
    out.write(f"{sys.argv[3]} {sys.argv[4]} {found}\\n")
"""

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]


class Radio:
    """The EV1527 receiver behind a symbolic link, as udev makes one."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.near, self.far = os.openpty()
        tty.setraw(self.far)
        link.symlink_to(os.ttyname(self.far))

    def press(self, code: str) -> None:
        frame = "aaa42508014a03de" + code + "55"
        os.write(self.near, bytes.fromhex(frame))

    def close(self) -> None:
        self.link.unlink()  # the next terminal may get this one's number
        os.close(self.near)
        os.close(self.far)


class Hub:
    """Hears everything of one gateway; acknowledges only when told."""

    def __init__(self, client: aiomqtt.Client, gateway: str) -> None:
        self.client = client
        self.gateway = gateway
        self.items: list[tuple[str, Item]] = []  # (spool, item)
        self.online: list[bool] = []  # its changes
        self.statuses: list[Any] = []

    async def listen(self) -> None:
        async for message in self.client.messages:
            _gateway, leaf = parse(str(message.topic))
            payload = bytes(message.payload)
            if leaf in ("activation", "telemetry"):
                envelope = decode_envelope(payload)
                self.items += [(envelope.spool, item) for item in envelope.items]
            elif leaf == "status":
                self.statuses.append(decode_status(payload))
                if self.online[-1:] != [self.statuses[-1].online]:
                    self.online.append(self.statuses[-1].online)

    async def acknowledge(self) -> None:
        for spool in {spool for spool, _item in self.items}:
            ids = [item.id for owner, item in self.items if owner == spool]
            ack = encode_ack(Ack(spool=spool, ids=ids))
            await self.client.publish(topic(self.gateway, "ack"), ack, qos=1)

    async def command(self, command_id: str, name: str, device: str | None = None, **args: Any):
        order = Command(id=command_id, command=name, device=device, args=args)
        await self.client.publish(topic(self.gateway, "command"), encode_command(order), qos=1)

    def heard(self, device: str) -> list[Item]:
        return [item for _spool, item in self.items if item.device == device]


class Rig:
    def __init__(self, folder: Path, broker: Broker, gateway: str) -> None:
        self.folder = folder
        self.gateway = gateway
        self.radio = Radio(folder / "rf")
        self.config = folder / "gateway.toml"
        self.sounds = folder / "sounds"
        self.logged: list[str] = []
        (folder / "tone.py").write_text(TONE)
        self.write_config(broker, 'id = "B1E1E"\ndevice = "button-1"\n')

    def write_config(self, broker: Broker, button: str) -> None:
        tone = [sys.executable, str(self.folder / "tone.py"), str(self.database), str(self.sounds)]
        self.config.write_text(
            f'gateway = "{self.gateway}"\ndata_dir = "spool"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {broker.port}\nprotocol = "5"\n'
            f'username = "{broker.username}"\npassword_file = "{broker.password_file}"\n'
            f"[feedback]\nreceived = {[*tone, '{device}', '{kind}']}\n"
            f"reassured = {[*tone, '{device}', 'coming']}\n"
            f'[[serial]]\nname = "rf"\nport = "{self.folder}/rf"\ndriver = "ev1527"\n'
            f"[[serial.config.buttons]]\n{button}"
        )

    @property
    def database(self) -> Path:
        return self.folder / "spool" / "activation.db"

    def log(self, event: str, detail: str) -> None:
        self.logged.append(f"{event} {detail}")

    def heard_at_home(self) -> list[str]:
        return self.sounds.read_text().splitlines() if self.sounds.exists() else []

    def acknowledged(self) -> list[bool]:
        """Of every row of the activation lane, straight from the file."""
        connection = sqlite3.connect(self.database)
        try:
            rows = connection.execute("SELECT acked_at_ms IS NOT NULL FROM item ORDER BY seq")
            return [bool(row[0]) for row in rows]
        finally:
            connection.close()


@pytest.fixture
def rig(tmp_path: Path, broker: Broker) -> Iterator[Rig]:
    made = Rig(tmp_path, broker, f"gw-{uuid.uuid4().hex[:12]}")
    yield made
    made.radio.close()


@pytest.fixture
async def hub(rig: Rig, broker: Broker) -> AsyncIterator[Hub]:
    client = aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        username=broker.username,
        password=broker.password_file.read_text(),
        identifier=f"hub-{rig.gateway}",
        protocol=aiomqtt.ProtocolVersion.V5,
    )
    async with client:
        hub = Hub(client, rig.gateway)
        for leaf in ("activation", "telemetry", "status"):
            await client.subscribe(topic(rig.gateway, leaf), qos=1)
        listening = asyncio.create_task(hub.listen())
        yield hub
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
async def gateway(rig: Rig, hub: Hub) -> AsyncIterator[Gateway]:
    made = Gateway(load(rig.config), Clock(), rig.log)
    running = asyncio.create_task(made.run())
    await until(lambda: True in hub.online, "online")
    await until(lambda: any(line.startswith("serial_open") for line in rig.logged), "the line")
    yield made
    made.end("stop")
    assert await running == "stop"


async def test_a_press_sounds_only_when_it_is_on_the_disk_and_stays_until_acknowledged(
    rig: Rig, hub: Hub, gateway: Gateway
) -> None:
    rig.radio.press("b1e1e8")
    await until(lambda: len(hub.heard("button-1")) >= 2, "sent, and sent again")
    await until(lambda: rig.heard_at_home() == ["button-1 sos True"], "the tone")
    first, again = hub.heard("button-1")[:2]
    assert first.id == again.id
    assert (first.kind, first.attrs["action"], first.seq) == ("sos", "press", 1)
    assert rig.acknowledged() == [False]
    await hub.acknowledge()
    await until(lambda: rig.acknowledged() == [True], "acknowledged on the disk")
    assert rig.heard_at_home() == ["button-1 sos True"]  # once, whatever was sent again


async def test_a_fault_reaches_the_hub_and_is_not_heard_at_home(
    rig: Rig, hub: Hub, gateway: Gateway
) -> None:
    os.write(rig.radio.near, bytes.fromhex("aaa4" + "00" * 9 + "66"))  # no end where one must be
    await until(lambda: bool(hub.heard("rf")), "the report of the damage")
    assert hub.heard("rf")[0].attrs["fault"] == "undecodable"
    rig.radio.press("b1e1e8")
    await until(lambda: rig.heard_at_home() != [], "the tone")
    assert rig.heard_at_home() == ["button-1 sos True"]


async def test_somebody_comes_is_said_once_for_a_command(
    rig: Rig, hub: Hub, gateway: Gateway
) -> None:
    for _ in range(3):
        await hub.command("c-1", "reassure", "button-1")
    await hub.command("c-2", "reassure", "--help")  # no name of a device: no program's option
    await hub.command("c-3", "reassure", "button-2")
    await until(lambda: len(rig.heard_at_home()) == 2, "the sounds")
    assert sorted(rig.heard_at_home()) == ["button-1 coming False", "button-2 coming False"]


async def test_a_test_travels_the_whole_way_and_is_marked(
    rig: Rig, hub: Hub, gateway: Gateway
) -> None:
    await hub.command("c-1", "test", "button-1")
    await until(lambda: bool(hub.heard("button-1")), "the test at the hub")
    item = hub.heard("button-1")[0]
    assert (item.kind, item.attrs["action"]) == ("sos", "test")
    await until(lambda: rig.heard_at_home() == ["button-1 sos True"], "the tone")


async def test_a_question_is_put_and_the_elders_key_answers_it(
    rig: Rig, hub: Hub, broker: Broker
) -> None:
    """From the hub's command to the outputs and back as a reading, on its own connection."""
    rig.write_config(broker, 'id = "B1E1E"\ndevice = "button-1"\nkeys = { "4" = "well" }\n')
    output = Recorded()
    spoken = FeedbackCommands(outputs=(bound(output),))
    edges = Edges(feedback=lambda _commands, log: Feedback(spoken, log))
    gateway = Gateway(load(rig.config), Clock(), rig.log, edges=edges)
    running = asyncio.create_task(gateway.run())
    await until(lambda: True in hub.online, "online")
    await until(lambda: any(line.startswith("serial_open") for line in rig.logged), "the line")
    for _ in range(2):
        await hub.command("q-1", "ask", "button-1", alarm="a-1", for_s=300, devices="button-1")
    await until(lambda: bool(output.played), "the question")
    rig.radio.press("b1e1e4")
    await until(lambda: bool(hub.heard("button-1")), "the answer at the hub")
    said = hub.heard("button-1")[0]
    assert (said.kind, dict(said.values)) == ("presence", {"present": 1})
    assert (said.attrs["action"], said.attrs["asks"]) == ("well", True)
    await until(lambda: len(output.played) == 2, "the thanks")
    assert [(o.name, o.device) for o in output.played] == [
        ("ask", "button-1"),
        ("well", "button-1"),
    ]
    assert len(gateway._questions) == 0
    rig.radio.press("b1e1e8")
    await until(lambda: any(i.kind == "sos" for i in hub.heard("button-1")), "a call is a call")
    gateway.end("stop")
    assert await running == "stop"


async def test_the_status_tells_what_the_spool_holds(rig: Rig, hub: Hub, gateway: Gateway) -> None:
    assert hub.statuses[-1].last_seq == 0
    rig.radio.press("b1e1e8")
    await until(lambda: bool(hub.heard("button-1")), "the press at the hub")
    await gateway._heartbeat.beat()
    await until(lambda: hub.statuses[-1].last_seq == 1, "the next heartbeat")
    status = hub.statuses[-1]
    assert status.spool == hub.items[0][0]
    assert status.oldest_unacked_s is not None
    assert [device.device for device in status.devices] == ["button-1"]
    assert status.spool_free_bytes > 0


async def test_a_clean_stop_says_offline_and_closes_the_spool(rig: Rig, hub: Hub) -> None:
    gateway = Gateway(load(rig.config), Clock(), rig.log)
    running = asyncio.create_task(gateway.run())
    await until(lambda: True in hub.online, "online")
    gateway.end("stop")
    assert await running == "stop"
    await until(lambda: hub.online[-1] is False, "offline")
    assert not any("task_ended" in line or "part_failed" in line for line in rig.logged)


async def test_the_hub_can_have_the_configuration_read_again(rig: Rig, hub: Hub) -> None:
    gateway = Gateway(load(rig.config), Clock(), rig.log)
    running = asyncio.create_task(gateway.run())
    await until(lambda: True in hub.online, "online")
    await hub.command("c-9", "reload")
    assert await running == "reload"


async def test_heartbeats_follow_the_plan_of_a_demonstration(
    rig: Rig, hub: Hub, broker: Broker
) -> None:
    """An hour of simulated time in a few real milliseconds: heartbeats are of simulated time."""
    clock = Clock(ClockPlan((Segment(real_ms=0, sim_ms=0, speed=600.0),)))
    gateway = Gateway(load(rig.config), clock, rig.log)
    running = asyncio.create_task(gateway.run())
    await until(lambda: len(hub.statuses) >= 10, "ten heartbeats, five simulated minutes")
    gateway.end("stop")
    await running


class Program:
    """`python -m gateway` as its own process, with its words in a file; ends with the test."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.log = rig.folder / "gateway.log"
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "--config", str(self.rig.config),
                env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process

    async def end(self, process: asyncio.subprocess.Process, number: int | None) -> int | None:
        """Send a signal, if any, and wait; returns the exit code."""
        if number is not None:
            process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            return await process.wait()


@pytest.fixture
async def program(rig: Rig) -> AsyncIterator[Program]:
    made = Program(rig)
    yield made
    for process in made.processes:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_kill_and_signals_of_the_real_program(
    rig: Rig, hub: Hub, broker: Broker, program: Program
) -> None:
    first = await program.start()
    await until(lambda: hub.online == [True], "online")
    second = await program.start()  # on the same folder: refused, and the first is not disturbed
    assert await program.end(second, None) == EXIT_SPOOL
    assert "another gateway" in program.log.read_text()
    await program.end(first, signal.SIGKILL)
    await until(lambda: hub.online == [True, False], "the last will")
    third = await program.start()
    await until(lambda: hub.online == [True, False, True], "online again")
    rig.write_config(broker, 'id = "B1E1E"\ndevice = "button-renamed"\n')
    third.send_signal(signal.SIGHUP)
    await until(lambda: hub.online == [True, False, True, False, True], "configured anew")
    await until(lambda: program.log.read_text().count("serial_open") == 3, "the line")
    rig.radio.press("b1e1e8")
    await until(lambda: bool(hub.heard("button-renamed")), "the press under its new name")
    assert await program.end(third, signal.SIGTERM) == 0


def test_a_wrong_configuration_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "none.toml")]) == EXIT_CONFIG
    assert "no such file" in capsys.readouterr().err
    path = tmp_path / "gateway.toml"
    path.write_text(
        'gateway = "gw-1"\ndata_dir = "d"\nclock_plan = "gone.json"\n[uplink]\nhost="h"'
    )
    assert main(["--config", str(path), "--check"]) == EXIT_CONFIG
    assert "gone.json" in capsys.readouterr().err
    path.write_text('gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost="h"')
    assert main(["--config", str(path), "--check"]) == 0
    assert "ok" in capsys.readouterr().out
