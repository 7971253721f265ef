"""The discover command: what a broker tells, the table, and tables that gateway.toml takes."""

import asyncio
import json
import os
import signal
import sys
import tomllib
from pathlib import Path

import aiomqtt
import pytest

from contract.config import EXIT_CONFIG
from device_sims.devices import ble_cuff, zigbee_bridge, zigbee_button, zigbee_plug
from gateway.__main__ import main
from gateway.config import load
from gateway.discover.command import EXIT_NOTHING, EXIT_STOPPED, BrokerSearch
from gateway.discover.finding import Finding, PlaceReport, shown
from gateway.discover.heard import Heard, matches
from gateway.discover.holders import holders
from gateway.discover.listening import Chunk, lines, recognise
from gateway.discover.report import table, toml
from gateway.driver import LineSettings
from gateway.registry import DRIVERS
from gateway.sources.local_mqtt import LocalMqttSettings
from hearthwatch.embedded_broker import Broker, find_mosquitto, free_port
from tests.adapters.processes import DEADLINE_S, until

ROOT = Path(__file__).resolve().parents[2]
NOW_MS = 1_795_420_800_000
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
HEAD = 'gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost = "127.0.0.1"\n'


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_a_real_broker_has(broker: Broker, protocol: str) -> None:
    secret = broker.password_file.read_text()
    settings = LocalMqttSettings(
        name="d", host="127.0.0.1", port=broker.port, username=broker.username,
        password=secret, protocol=protocol,
    )  # fmt: skip
    paired = [
        zigbee_bridge.Paired(name="堂屋/sos", model=zigbee_button.MODEL, battery=True),
        zigbee_bridge.Paired(name="tv", model=zigbee_plug.MODEL, battery=False),
    ]
    search = BrokerSearch(settings, DEADLINE_S, lambda: NOW_MS)
    running = asyncio.create_task(search.run())
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, username=broker.username, password=secret
    ) as bridge:
        # Retained, as a bridge publishes its list: here before or after the search began.
        await bridge.publish("zigbee2mqtt/bridge/devices", zigbee_bridge.devices(paired), 1, True)
        await bridge.publish("up/bridge/devices", zigbee_bridge.devices(paired[1:]), 1, True)
        await bridge.publish("zigbee2mqtt/堂屋/sos", zigbee_button.announce(83, 120), 1, True)
        await bridge.publish("homeassistant/x", "{}", 1, True)

        def complete() -> bool:
            report = search.report()
            said = any("battery 83 %" in found.quality for found in report.findings)
            return len(report.findings) == 3 and said and bool(report.notes)

        await until(complete, "all that was published")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    report = search.report()
    by_name = {found.address.split(" ")[0]: found for found in report.findings if not found.row}
    assert by_name["tv"].quality == "paired, not heard"
    (button,) = [found for name, found in by_name.items() if name.startswith("sos-")]
    assert button.what == f"{zigbee_button.MODEL}: device_health"
    assert "link quality 120" in button.quality
    assert [f.row for f in report.findings if f.row] == [{"base_topic": "up"}]
    assert report.notes == ("topics no driver reads: homeassistant",)


async def test_a_broker_that_is_not_there() -> None:
    search = BrokerSearch(LocalMqttSettings(name="d", port=free_port()), DEADLINE_S, lambda: NOW_MS)
    await search.run()
    assert search.report().state == "failed"
    assert "is the broker running" in search.report().notes[0]


def test_values_forwarded_over_bluetooth_are_told() -> None:
    heard = Heard()
    value = ble_cuff.measurement(NOW_MS, 132, 84, 71)
    heard.take("ble/cuff-1/2A35", value, NOW_MS)
    (device,) = heard.findings()
    assert (device.driver, device.address) == ("ble-health", "cuff-1")
    assert device.what == "blood_pressure"


def test_what_gateway_toml_has_is_marked_and_not_given_again() -> None:
    state = zigbee_plug.state(60.0, 12.5, 230.0, 99).encode()
    for configured in ([], [("zigbee2mqtt", {"base_topic": "zigbee2mqtt"})]):
        heard = Heard(configured)
        heard.take("zigbee2mqtt/tv", state, NOW_MS)
        (found,) = heard.findings()
        report = PlaceReport(transport="mqtt", place="127.0.0.1:1883", state="ok", findings=[found])
        assert found.configured is bool(configured)
        assert bool(toml([report])) is not bool(configured)
        assert ("in gateway.toml" in table([report])[1]) is bool(configured)


def test_topics_match_filters_as_brokers_do() -> None:
    for topic_filter, topic, expected in [
        ("a/#", "a/b/c", True), ("a/#", "a", True), ("a/+", "a/b", True), ("a/+", "a/b/c", False),
        ("+/+/x", "a/b/x", True), ("a/b", "a", False), ("#", "$SYS/x", False), ("#", "a/b", True),
    ]:  # fmt: skip
        assert matches(topic_filter, topic) is expected, (topic_filter, topic)


def finding(driver: str, **more: object) -> Finding:
    return Finding(driver=driver, address="1", what="x", **more)


def test_the_tables_are_taken_by_gateway_toml(tmp_path: Path) -> None:
    """Every driver's tables, with hostile names, load as they were printed."""
    evil = 'x"\n[uplink]\n\x1b[2J'
    serial = [
        [
            finding("dlt645", line=LineSettings(baud=9600, parity="E"), table="meters",
                    row={"address": f"{n:012d}", "device": f"m-{n}"})
            for n in (1, 2)
        ],
        [finding("ev1527", table="buttons", row={"id": "B1E1E", "device": "b"})],
        [
            finding("modbus", table="meters", row={"unit": 3, "device": "m3", "map": "sdm120"}),
            finding("modbus", table="meters", row={"unit": 4, "device": "m4"}, needs="a map"),
        ],
        [finding("dsmr", row={"device": "p1"})],
        [finding("pulse-counter", row={"device": "p"}, needs="impulses_per_kwh")],
    ]  # fmt: skip
    reports = [
        PlaceReport(transport="serial", place=f"/dev/tty{n}", state="ok", findings=found)
        for n, found in enumerate(serial)
    ]
    mqtt = [
        Finding(driver="zigbee2mqtt", address=evil, what=evil, quality=evil),
        finding("zigbee2mqtt", row={"base_topic": evil.replace("\n", "")}),
        finding("ble-health"),
    ]
    reports.append(PlaceReport(transport="mqtt", place="localhost:1884", state="ok", findings=mqtt))
    path = tmp_path / "gateway.toml"
    path.write_text(HEAD + "\n".join(toml(reports)))
    config = load(path)
    assert [s.name for s in config.sources] == [
        "dlt645", "ev1527", "modbus", "dsmr", "zigbee2mqtt", "zigbee2mqtt-2", "ble-health",
    ]  # fmt: skip
    assert config.uplink.host == "127.0.0.1"
    first = config.sources[0]
    assert first.serial is not None
    assert first.serial.line == LineSettings(baud=9600, parity="E")
    assert [row["address"] for row in first.config["meters"]] == ["000000000001", "000000000002"]
    assert "impulses_per_kwh" in path.read_text()
    assert tomllib.loads(path.read_text())["mqtt"][0]["port"] == 1884
    assert "\x1b" not in "".join(table(reports))


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\nb", "a\x00b"])
def test_words_of_strangers_move_no_cursor(text: str) -> None:
    assert shown(text).isprintable()


def test_streams_are_told_apart() -> None:
    dsmr = json.loads((VECTORS / "dsmr_p1.json").read_text())
    telegram = dsmr[0]["input"]["text"].encode()
    cms50 = bytes((0x85, 0x40, 0x05, 72, 97)) * 60
    for line in lines():
        told = {
            name: [f.driver for f in recognise([Chunk(line_ms=0, data=data)], line)]
            for name, data in (
                ("dsmr", telegram),
                ("cms50", cms50),
                ("noise", b"\x80\x11" * 40),
                ("by chance", (cms50[:5] + b"\xff" * 5) * 20),
            )
        }
        assert told["dsmr"] == (["dsmr"] if line.baud in (115_200, 9600) else [])
        assert told["cms50"] == (["cms50"] if line.parity == "O" else [])
        assert told["noise"] == told["by chance"] == []
    assert DRIVERS["pulse-counter"].line == lines()[-1]


def test_pulses_are_single_bytes_with_pauses() -> None:
    line = lines()[-1]

    def heard(*times_ms: int, data: bytes = b"\x00") -> list[str]:
        return [f.driver for f in recognise([Chunk(line_ms=t, data=data) for t in times_ms], line)]

    assert heard(0, 1200, 2400) == ["pulse-counter"]
    assert heard(0) == []  # a glitch
    assert heard(0, 20, 40) == []
    assert heard(0, 1200, data=b"\x01\x02\x03") == []


def test_who_has_a_port(tmp_path: Path) -> None:
    """A folder as /proc is one: processes of other users can't be looked into."""
    port = tmp_path / "ttyUSB0"
    port.touch()
    fds = tmp_path / "proc" / "4242" / "fd"
    fds.mkdir(parents=True)
    (fds / "5").symlink_to(port)
    (tmp_path / "proc" / "4242" / "cmdline").write_bytes(b"minicom\0-D\0/dev/x\x1b")
    (tmp_path / "proc" / "77").mkdir()
    assert holders(str(port), tmp_path / "proc") == ["minicom -D /dev/x (pid 4242)"]
    assert holders(str(tmp_path / "other"), tmp_path / "proc") == []


def test_the_command_says_what_is_wrong_with_its_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in (["--units", "0-5"], ["--mqtt", "nowhere"], ["--listen", "0"]):
        assert main(["discover", "--no-serial", *wrong]) == EXIT_CONFIG
        assert wrong[0] in capsys.readouterr().err
    missing = ["discover", "--no-mqtt", "--serial", str(tmp_path / "none"), "--json"]
    assert main(missing) == EXIT_NOTHING
    (place,) = json.loads(capsys.readouterr().out)["places"]
    assert (place["state"], place["findings"]) == ("missing", [])


async def test_ctrl_c_prints_what_is_known(tmp_path: Path) -> None:
    """The real program on a silent line: it ends at once, with a table."""
    near, far = os.openpty()
    (tmp_path / "silent").symlink_to(os.ttyname(far))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "discover", "--no-mqtt", "--serial",
        str(tmp_path / "silent"), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            while b"listening at" not in await process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        assert process.returncode == EXIT_STOPPED
        assert b"stopped" in out
        assert b"Traceback" not in err
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(near)
        os.close(far)
