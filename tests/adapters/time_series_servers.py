"""Real servers as child processes: VictoriaMetrics for the write path over HTTP, InfluxDB 1.6 for
its line parser. Debian has both; InfluxDB 2 itself is in no registry of packages."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from hearthwatch.embedded_broker import free_port

START_TIMEOUT_S = 60.0


def call(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and text of an answer, whatever it is."""
    answer = httpx2.request("GET" if body is None else "POST", url, content=body, timeout=30)
    return answer.status_code, answer.content


@contextmanager
def _running(command: list[str], health: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                if call(health)[0] < 300:
                    break
            except httpx2.TransportError:
                pass
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline_s, log.read_text()[-2000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


class VictoriaMetrics:
    def __init__(self, url: str) -> None:
        self.url = url

    def samples(self) -> dict[tuple[str, str, str], list[tuple[int, float]]]:
        """(metric, device, gateway) to its (moment, value) pairs; metric is `<kind>_<field>`."""
        call(f"{self.url}/internal/force_flush")
        match = urllib.parse.quote('{__name__!=""}')
        text = call(f"{self.url}/api/v1/export?match[]={match}")[1].decode()
        found = {}
        for line in text.splitlines():
            row = json.loads(line)
            labels = row["metric"]
            key = (labels["__name__"], labels.get("device", ""), labels.get("gateway", ""))
            found[key] = list(zip(row["timestamps"], row["values"], strict=True))
        return found


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[VictoriaMetrics]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        shutil.which("victoria-metrics") or "/usr/bin/victoria-metrics",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'vm'}",
        "-retentionPeriod=100y",
        "-memory.allowedPercent=5",
    ]
    with _running(command, f"{url}/health", folder / "vm.log"):
        yield VictoriaMetrics(url)


class Influx16:
    def __init__(self, url: str) -> None:
        self.url = url
        self.ask("CREATE DATABASE lines")

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        query = urllib.parse.urlencode({"db": "lines", "epoch": "ms", "q": influxql})
        status, text = call(f"{self.url}/query?{query}", b"")
        assert status == 200, text
        return json.loads(text)["results"][0].get("series", [])

    def write(self, lines: list[str]) -> tuple[int, str]:
        status, text = call(f"{self.url}/write?db=lines&precision=ms", "\n".join(lines).encode())
        return status, text.decode()


_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
"""


@contextmanager
def influx_1_6(folder: Path) -> Iterator[Influx16]:
    port = free_port()
    config = folder / "influx.conf"
    config.write_text(_CONFIG.format(rpc=free_port(), port=port, folder=folder))
    url = f"http://127.0.0.1:{port}"
    command = [shutil.which("influxd") or "/usr/bin/influxd", "-config", str(config)]
    with _running(command, f"{url}/ping", folder / "influx.log"):
        yield Influx16(url)
