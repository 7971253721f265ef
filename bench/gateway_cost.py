"""What a gateway costs a Raspberry Pi: memory and processor with a dozen devices.

A real gateway process reads simulated devices over pseudo-terminals and a local MQTT tree: three
meters polled every minute, radio and Zigbee call buttons, plugs, contacts, motion, cuffs; somebody
presses every ten seconds. The hub answers, so the spool is emptied as in daily use.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.processes import HubProcess, cpu_s, rss_mb

ROOT: Final = Path(__file__).resolve().parents[1]
HOMES: Final = 3
POLL_S: Final = 60
# The first round of every meter, the sign-in and the imports are not daily use.
SETTLE_S: Final = 20.0

_SCENARIO: Final = """\
[[pace]]
at = "0s"
speed = 1

[[chance]]
after = "0s"
every = "10s"
kind = "press"
"""


def gateway_cost(hub: HubProcess, seconds: float) -> dict[str, float]:
    """Resident memory and share of one core over `seconds`, after the start has settled."""
    folder = hub.folder / "home-side"
    folder.mkdir()
    login = ["--broker", f"127.0.0.1:{hub.broker.port}", "--username", hub.broker.username]
    login += ["--password-file", str(hub.broker.password_file)]
    lines = ["--homes", str(HOMES), "--pty-dir", str(folder / "lines")]
    roster = folder / "homes.toml"
    write = ["roster", *lines, *login, "--out", str(roster), "--gateways", str(folder)]
    subprocess.run([sys.executable, "-m", "device_sims", *write], cwd=ROOT, check=True)
    config = folder / "gw-0001.toml"
    config.write_text(config.read_text().replace("poll_s = 900", f"poll_s = {POLL_S}"))
    scenario = folder / "presses.toml"
    scenario.write_text(_SCENARIO)
    simulate = ["device_sims", "run", *lines, *login, "--scenario", str(scenario)]
    with (
        _process(folder / "homes.log", *simulate),
        _process(folder / "gateway.log", "gateway", "--config", str(config)) as gateway,
    ):
        time.sleep(SETTLE_S)
        before_s, began_s = cpu_s(gateway.pid), time.monotonic()
        time.sleep(seconds)
        used_s = cpu_s(gateway.pid) - before_s
        share = 100 * used_s / (time.monotonic() - began_s)
        if gateway.poll() is not None:
            raise SystemExit(f"the gateway ended: {(folder / 'gateway.log').read_text()[-2000:]}")
        return {
            "devices": roster.read_text().count("[[home.device]]"),
            "rss_mb": rss_mb(gateway.pid),
            "cpu_pct": share,
            "seconds": seconds,
        }


@contextmanager
def _process(log: Path, *module: str) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        command = [sys.executable, "-m", *module]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=env)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
