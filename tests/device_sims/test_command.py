"""`python -m device_sims`: its commands, its mistakes, and a run against a real broker."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import aiomqtt
import pytest
import serial

from device_sims import devices
from device_sims.__main__ import main
from device_sims.devices.dlt645_meter import frame
from device_sims.registry import SIMULATED
from device_sims.roster import households

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
DEADLINE_S = 30.0


def test_every_device_file_is_registered() -> None:
    folder = Path(next(iter(devices.__path__)))
    files = {p.stem for p in folder.glob("*.py")} - {"__init__"}
    registered = {s.module.__name__.rpartition(".")[2] for s in SIMULATED.values()}
    # The bridge speaks for itself, the modem belongs to a gateway: neither is a home's device.
    assert files == registered | {"zigbee_bridge", "gsm_modem"}


@pytest.mark.parametrize("command", ["run", "roster", "readings"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    assert f"python -m device_sims {command}" in capsys.readouterr().out


def test_a_roster_and_its_gateways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "homes.toml"
    assert main(["roster", "--homes=9", f"--out={out}"]) == 0
    assert out.read_text().count("[[home]]") == 9
    assert main(["roster", f"--out={out}", f"--gateways={tmp_path}"]) == 2
    assert "--broker, --username, --password-file, --pty-dir" in capsys.readouterr().err
    more = ["--broker=127.0.0.1:1883", "--username=u", "--password-file=p", "--pty-dir=l"]
    assert main(["roster", "--homes=9", f"--out={out}", f"--gateways={tmp_path}", *more]) == 0
    assert (tmp_path / "gw-0002.toml").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["run", "--broker=nowhere", "--pty-dir=l"], "is not HOST:PORT"),
        (["readings", "--homes=0", "--out=r.csv"], "0 is not above 0"),
        (["readings", "--fault=gap", "--out=r.csv"], "invalid choice: 'gap'"),
        (["readings", "--step-kwh=0", "--out=r.csv"], "0 is not from 0.001 to 10"),
    ],
)
def test_wrong_options(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(options)
    assert done.value.code == 2
    assert says in capsys.readouterr().err


def test_wrong_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "tale.toml"
    scenario.write_text('[[pace]]\nat = "0s"\nsped = 1\n')
    run = ["run", "--broker=127.0.0.1:1", f"--pty-dir={tmp_path}"]
    assert main([*run, f"--scenario={scenario}"]) == 2
    assert "tale.toml: pace[1].sped: unknown key, did you mean 'speed'?" in capsys.readouterr().err
    assert main([*run, f"--clock-plan={tmp_path / 'none.json'}"]) == 2
    assert "none.json" in capsys.readouterr().err


def test_more_lines_than_the_machine_gives(tmp_path: Path) -> None:
    """In a process of its own, whose limits are low: it says what to do."""
    run = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (90, 90)); "
        "from device_sims.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = ["run", "--homes=800", "--broker=127.0.0.1:1", f"--pty-dir={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-c", run, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 2
    assert "100 gateways need 464 open files and at most 90 are allowed" in done.stderr
    assert "--no-lines" in done.stderr


def test_a_soft_limit_is_raised() -> None:
    run = (
        "import resource; hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (70, hard)); "
        "from device_sims.transports.descriptors import allow_lines; allow_lines(20); "
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 144


def test_a_run_needs_lines_or_says_that_it_wants_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--broker=127.0.0.1:1"]) == 2
    assert "--pty-dir, or --no-lines" in capsys.readouterr().err


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def answered(link: Path, address: str) -> bytes:
    """The reply of a simulated meter to one request for its energy."""
    request = frame(address, 0x11, bytes.fromhex("00000100"))

    def ask() -> bytes:
        with serial.Serial(str(link), timeout=DEADLINE_S) as port:
            port.write(request)
            return bytes(port.read_until(b"\x16"))

    return await asyncio.to_thread(ask)


@pytest.mark.mosquitto
@pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto on this machine")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_run_speaks_on_lines_and_to_a_broker(tmp_path: Path, protocol: str) -> None:
    port = free_port()
    scenario = tmp_path / "tale.toml"
    scenario.write_text(
        '[[pace]]\nat = "0s"\nspeed = 1\n'
        '[[event]]\nat = "0s"\nkind = "press"\nhome = "home-0002"\n'
        '[[event]]\nat = "0s"\nkind = "cuff"\nhome = "home-0001"\n'
        "systolic = 192\ndiastolic = 118\npulse = 88\n"
    )
    run = ["-m", "device_sims", "run", "--homes=8", f"--pty-dir={tmp_path}"]
    run += [f"--broker=127.0.0.1:{port}", f"--protocol={protocol}", f"--scenario={scenario}"]
    broker = await asyncio.create_subprocess_exec(
        str(MOSQUITTO), "-p", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    simulator = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            subscribed = asyncio.Event()
            collecting = asyncio.create_task(
                collected(port, {"button-0002", "2A35", "devices"}, subscribed)
            )
            await subscribed.wait()
            simulator = await asyncio.create_subprocess_exec(
                sys.executable, *run, stdout=asyncio.subprocess.DEVNULL
            )
            heard = await collecting
            assert json.loads(heard["button-0002"])["action"] == "emergency"
            assert heard["2A35"][0] & 0x04
            assert len(json.loads(heard["devices"])) > 8
            late = await collected(port, {"devices", "availability"}, asyncio.Event())
            assert late["devices"] == heard["devices"], "retained for whoever comes later"
            meter = households(8, 1)[0].devices[0]
            reply = await answered(tmp_path / "gw-0001-meters", meter.address)
            assert bytes.fromhex(meter.address)[::-1] in reply
            simulator.terminate()
            assert await simulator.wait() == 0
        assert not (tmp_path / "gw-0001-meters").exists()
    finally:
        await ended(simulator, broker)


async def test_without_a_broker_it_says_so_and_goes_on(tmp_path: Path) -> None:
    port = free_port()
    simulator = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "device_sims", "run", "--homes=8", f"--pty-dir={tmp_path}"),
        f"--broker=127.0.0.1:{port}",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            assert simulator.stdout is not None
            told = {}
            while told.get("event") != "broker":
                told = json.loads(await simulator.stdout.readline())
            assert f"127.0.0.1:{port}" in told["trouble"]
            meter = households(8, 1)[0].devices[0]
            assert await answered(tmp_path / "gw-0001-meters", meter.address)
    finally:
        await ended(simulator)


async def ended(*processes: asyncio.subprocess.Process | None) -> None:
    for process in processes:
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def collected(port: int, endings: set[str], subscribed: asyncio.Event) -> dict[str, bytes]:
    """One message of each topic ending, from a broker that may just be starting."""
    found: dict[str, bytes] = {}
    while True:
        try:
            async with aiomqtt.Client("127.0.0.1", port) as client:
                await client.subscribe("#", qos=1)
                subscribed.set()
                async for message in client.messages:
                    found[str(message.topic).rpartition("/")[2]] = bytes(message.payload)
                    if endings <= set(found):
                        return found
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)
