"""`./dev bench`: press → committed → screen, and readings stored, beside the broker's own echo."""

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.latency import echo_floor, presses
from hearthwatch import embedded_broker
from hearthwatch.admin import add_user
from ingest.readings.sqlite_reader import SqliteReader

PASSWORD = "correct horse battery staple"
HOMES = 1000
ROOT = Path(__file__).resolve().parents[1]


class Hub:
    """Broker and hub as processes, as in production on one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = embedded_broker.start(folder / "broker")
        self.port = embedded_broker.free_port()
        (folder / "homes.toml").write_text(_homes())
        (folder / "hub.toml").write_text(
            f'data_dir = "hub"\nhomes = "homes.toml"\n[http]\nport = {self.port}\n[broker]\n'
            f'port = {self.broker.port}\nusername = "{self.broker.username}"\n'
            f'password_file = "{self.broker.password_file}"\n'
        )
        add_user(folder / "hub" / "hub.db", "bench", "bench", "duty", "", PASSWORD)
        with (folder / "hub.log").open("wb") as log:
            command = [sys.executable, "-m", "hearthwatch", "hub", "--config"]
            self.process = subprocess.Popen([*command, str(folder / "hub.toml")], stderr=log)
        self._wait_ready()
        self.token = self._login()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the hub did not start: {(self.folder / 'hub.log').read_text()[-2000:]}")

    def _login(self) -> str:
        body = json.dumps({"username": "bench", "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/login",
            body,
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.loads(answer.read())["token"])

    def stored(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("hearthwatch_readings_stored "):
                    return int(float(line.split()[1]))
        return 0

    def wait_stored(self, wanted: int) -> float:
        """The moment at which that many readings were durable."""
        deadline = time.monotonic() + 180
        while self.stored() < wanted:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {self.stored()} of {wanted} readings were stored")
            time.sleep(0.02)
        return time.time()

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def pin(self, hub_core: int, broker_core: int) -> None:
        """The hub on one core, the broker on another."""
        for pid, core in ((self.process.pid, hub_core), (self.broker.process.pid, broker_core)):
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), {core})

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.broker.process.terminate()


def _homes() -> str:
    lines = ['[[region]]\ncode = "1"\nname = "bench"\nlevel = "county"']
    lines += [f'[[gateway]]\nid = "gw-{n:04d}"\nregion = "1"' for n in range(20)]
    for n in range(HOMES):
        lines.append(f'[[home]]\nid = "home-{n:05d}"\nregion = "1"\naddress = "bench {n}"')
        for kind, device in (("power", f"meter-{n:05d}"), ("sos", f"button-{n:05d}")):
            lines.append(
                f'[[home.device]]\ngateway = "gw-{n % 20:04d}"\ndevice = "{device}"\n'
                f'kind = "{kind}"'
            )
    return "\n".join(lines) + "\n"


def load(hub: Hub, rate: float, count: int, each: int, base: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.load", str(hub.broker.port)]
    command += [str(hub.broker.password_file), str(rate), str(count), str(each), str(HOMES)]
    return subprocess.Popen([*command, str(base)], stdout=subprocess.PIPE, text=True, cwd=ROOT)


class Lag(threading.Thread):
    """Waits beside the presses for the end of the load, and then for its last reading."""

    def __init__(self, hub: Hub, generator: "subprocess.Popen[str]", wanted: int) -> None:
        super().__init__(daemon=True)
        self._hub, self._generator, self._wanted = hub, generator, wanted
        self._figures: dict[str, float] = {}
        self.start()

    def run(self) -> None:
        line = self._generator.stdout.readline() if self._generator.stdout else ""
        sent = json.loads(line)
        lag_s = self._hub.wait_stored(self._wanted) - sent["ended"]
        self._figures = {
            "store_lag_s": max(0.0, lag_s),
            "sent_per_s": sent["messages"] / sent["seconds"],
        }

    def result(self) -> dict[str, float]:
        self.join()
        self._generator.wait()
        return self._figures


def latency_table(hub: Hub, results: dict[str, Any], rates: list[int], seconds: int) -> int:
    """Press latency idle and under load; returns the next free message number."""
    base, expected = 0, hub.stored()
    for rate in [0, *rates]:
        generator = load(hub, rate, rate * seconds, 1, base) if rate else None
        cpu, began = hub.cpu_s(), time.monotonic()
        lag = Lag(hub, generator, expected + rate * seconds) if generator is not None else None
        figures = presses(
            hub.port,
            hub.token,
            hub.broker.port,
            hub.broker.password_file,
            count=600 if not rate else seconds * 18,
            tag=str(rate),
            homes=HOMES,
        )
        if lag is not None:
            figures.update(lag.result())
            expected += rate * seconds
            base += rate * seconds
        figures["hub_cpu_pct"] = 100 * (hub.cpu_s() - cpu) / (time.monotonic() - began)
        results["press"][str(rate)] = figures
        _show(f"press, {rate or 'no'} readings/s", figures, results["floor"])
    return base


def throughput(hub: Hub, each: int, count: int, base: int) -> dict[str, float]:
    """Readings stored a second with the hub on one core; every one counted afterwards."""
    before = hub.stored()
    generator = load(hub, 0, count, each, base)
    os.sched_setaffinity(generator.pid, {1})
    began, cpu = time.time(), hub.cpu_s()
    generator.communicate()
    ended = hub.wait_stored(before + count * each)
    return {
        "stored_per_s": count * each / (ended - began),
        "hub_cpu_pct": 100 * (hub.cpu_s() - cpu) / (ended - began),
        "readings": count * each,
    }


def _show(name: str, figures: dict[str, float], floor: dict[str, float]) -> None:
    times = {q: figures[f"{q}_ms"] / floor["p50_ms"] for q in ("p50", "p99")}
    text = f"{name:28} p50 {figures['p50_ms']:7.2f} ms ({times['p50']:.1f} x floor)"
    text += f"  p99 {figures['p99_ms']:7.2f} ms ({times['p99']:.1f} x)"
    text += f"  hub {figures['hub_cpu_pct']:.0f} % cpu"
    if "store_lag_s" in figures:
        text += f"  store lag {figures['store_lag_s']:.2f} s"
    print(text, flush=True)


def _say(name: str, figures: dict[str, float]) -> None:
    print(f"{name:34} {figures['stored_per_s']:9.0f} readings/s", flush=True)


def machine() -> dict[str, Any]:
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    program = embedded_broker.find_mosquitto() or "mosquitto"
    version = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "mosquitto": version.split("\n")[0].removeprefix("mosquitto version "),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of each load")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    args = parser.parse_args()
    if embedded_broker.find_mosquitto() is None:
        raise SystemExit("the benchmark needs mosquitto: apt-get install mosquitto")
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-bench-", dir=ROOT))
    results: dict[str, Any] = {"machine": machine(), "press": {}}
    print(json.dumps(results["machine"]), flush=True)
    hub = Hub(folder)
    try:
        results["floor"] = echo_floor(hub.broker.port, hub.broker.password_file)
        print(
            f"{'floor: raw MQTT QoS 1 echo':28} p50 {results['floor']['p50_ms']:7.2f} ms"
            f"                 p99 {results['floor']['p99_ms']:7.2f} ms",
            flush=True,
        )
        base = latency_table(hub, results, [1000, 5000, 10_000], args.seconds)
        hub.pin(0, 1)
        results["single"] = throughput(hub, 1, 200_000, base)
        _say("single messages, hub on one core", results["single"])
        results["envelopes"] = throughput(hub, 20, 50_000, 0)
        _say("envelopes of 20, hub on one core", results["envelopes"])
        results["hub_rss_mb"] = hub.rss_mb()
        wanted = hub.stored()
    finally:
        hub.close()
    reader = SqliteReader(folder / "hub" / "readings.db")
    results["counted_in_store"], results["sent"] = reader.count(), wanted
    reader.close()
    print(f"sent {wanted}, counted in the store afterwards {results['counted_in_store']}")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results, indent=2))
    print(f"written to {args.out}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
