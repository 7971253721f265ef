"""`./dev bench`: press → committed → screen, and readings stored, beside the broker's own echo.

./dev bench --week    a week of 1,000 simulated homes through drivers, codec and rules
./dev bench --engine  the rule engine alone with 100,000 homes in memory
./dev bench --replay  reading and playing the past on one core
./dev bench --persons  a county's list imported, and people searched (--postgres: on PostgreSQL)
./dev bench --ledger  questions to a book with 20,000 people and 1.5 million visits
./dev bench --scale   a reading, a home and a start from 1,000 homes to 100,000, in both stores, and
                      then as --workers
./dev bench --workers  one worker and two that take what lies in RabbitMQ's queues (--readings)
./dev bench --parts   where a press spends its time on the way to the screen
./dev bench --rounds  what a reading costs one worker with 1,000 homes, 10,000 and 100,000
./dev bench --boards 200  press → all open boards, one of them in Chromium
./dev bench --screens  key or click → painted, with 5,000 persons and 200 open alarms
./dev bench --enrol  a code made -> used by a new machine -> its first press acknowledged, over TLS
./dev bench --shared  a press where several processes write one book on PostgreSQL
./dev bench --units  what a message, a heartbeat, a reading and a call cost (--result FILE)
./dev bench --notify  a hundred presses at once until the first provider has its message
"""

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
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench import (
    boards,
    draining,
    engine,
    enrol,
    ledger,
    notify,
    parts,
    persons,
    replay,
    rounds,
    scale,
    screens,
    shared_book,
    units,
    week,
)
from bench.county import MONTHS, PEOPLE
from bench.gateway_cost import gateway_cost
from bench.latency import REST_S, echo_floor, presses, quantiles
from bench.processes import HOMES, HubProcess, cpu_s, rss_mb
from hearthwatch import embedded_broker
from ingest.readings.sqlite_reader import SqliteReader

ROOT: Final = Path(__file__).resolve().parents[1]
RATES: Final = (1000, 5000, 10_000)
TURNS: Final = 5
WEEK_HOMES: Final = 1000
ENGINE_HOMES: Final = 100_000
PERSONS: Final = 20_000


def load(hub: HubProcess, rate: float, count: int, each: int, base: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.load", str(hub.broker.port)]
    command += [str(hub.broker.password_file), str(rate), str(count), str(each), str(HOMES)]
    return subprocess.Popen([*command, str(base)], stdout=subprocess.PIPE, text=True, cwd=ROOT)


class Lag(threading.Thread):
    """Waits beside the presses for the end of the load, and then for its last reading."""

    def __init__(self, hub: HubProcess, generator: "subprocess.Popen[str]", wanted: int) -> None:
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


def idle(hub: HubProcess, results: dict[str, Any]) -> None:
    """Floor and press in turns at the same two paces, nothing else going on: what else the machine
    does for a while meets both."""
    for pace, rest_s, count in (("one after the other", 0.0, 400), ("at rest", REST_S, 60)):
        echoes: list[float] = []
        pressed: list[float] = []
        for turn in range(TURNS):
            echoes += echo_floor(hub, count=count, rest_s=rest_s)
            pressed += presses(hub, count=count // 2, tag=f"idle{rest_s}-{turn}", rest_s=rest_s)
        floor, figures = quantiles(echoes), quantiles(pressed)
        print(
            f"{'floor, ' + pace:28} p50 {floor['p50_ms']:7.2f} ms"
            f"                 p99 {floor['p99_ms']:7.2f} ms",
            flush=True,
        )
        _show(f"press, {pace}", figures, floor)
        results["idle"][pace] = {"floor": floor, "press": figures}


def loaded(hub: HubProcess, results: dict[str, Any], seconds: int) -> int:
    """Press latency under load; returns the next free message number."""
    base, expected = 0, hub.stored()
    floor = results["idle"]["one after the other"]["floor"]
    for rate in RATES:
        generator = load(hub, rate, rate * seconds, 1, base)
        cpu, began = cpu_s(hub.process.pid), time.monotonic()
        lag = Lag(hub, generator, expected + rate * seconds)
        figures = quantiles(presses(hub, count=seconds * 18, tag=str(rate), rest_s=REST_S))
        figures.update(lag.result())
        expected += rate * seconds
        base += rate * seconds
        used = cpu_s(hub.process.pid) - cpu
        figures["hub_cpu_pct"] = 100 * used / (time.monotonic() - began)
        results["press"][str(rate)] = figures
        _show(f"press, {rate} readings/s", figures, floor)
    return base


class Pressing(threading.Thread):
    """Presses one after the other until told to stop: what flat out does to a call for help."""

    def __init__(self, hub: HubProcess, tag: str) -> None:
        super().__init__(daemon=True)
        self._hub, self._tag = hub, tag
        self._stopping = threading.Event()
        self._samples: list[float] = []
        self.start()

    def run(self) -> None:
        while not self._stopping.is_set():
            tag = f"{self._tag}-{len(self._samples)}"
            self._samples += presses(self._hub, count=20, tag=tag, rest_s=REST_S, warm_up=0)

    def result(self) -> dict[str, float]:
        """The slowest of all, and how many there were."""
        self._stopping.set()
        self.join()
        return {
            "press_slowest_ms": 1000 * max(self._samples),
            "presses": len(self._samples),
        }


def throughput(hub: HubProcess, each: int, count: int, base: int) -> dict[str, float]:
    """Readings stored a second with the hub on one core, and presses meanwhile."""
    before = hub.stored()
    generator = load(hub, 0, count, each, base)
    os.sched_setaffinity(generator.pid, {1})
    began, cpu = time.time(), cpu_s(hub.process.pid)
    pressing = Pressing(hub, f"flat-out-{each}")
    generator.communicate()
    ended = hub.wait_stored(before + count * each)
    return {
        **pressing.result(),
        "stored_per_s": count * each / (ended - began),
        "hub_cpu_pct": 100 * (cpu_s(hub.process.pid) - cpu) / (ended - began),
        "readings": count * each,
    }


def _show(name: str, figures: dict[str, float], floor: dict[str, float]) -> None:
    times = {q: figures[f"{q}_ms"] / floor["p50_ms"] for q in ("p50", "p99")}
    figures.update({f"{q}_floors": times[q] for q in times})
    text = f"{name:28} p50 {figures['p50_ms']:7.2f} ms ({times['p50']:.1f} x floor)"
    text += f"  p99 {figures['p99_ms']:7.2f} ms ({times['p99']:.1f} x)"
    if "store_lag_s" in figures:
        text += f"  hub {figures['hub_cpu_pct']:.0f} % cpu"
        text += f"  store lag {figures['store_lag_s']:.2f} s"
    print(text, flush=True)


def _say(name: str, figures: dict[str, float]) -> None:
    print(
        f"{name:34} {figures['stored_per_s']:9.0f} readings/s"
        f"  slowest of {figures['presses']:.0f} presses meanwhile"
        f" {figures['press_slowest_ms']:.0f} ms",
        flush=True,
    )


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
        "load_average": round(os.getloadavg()[0], 2),
    }


def hub_figures(folder: Path, results: dict[str, Any], seconds: int) -> None:
    hub = HubProcess(folder / "county")
    try:
        idle(hub, results)
        base = loaded(hub, results, seconds)
        hub.pin(0, 1)
        results["single"] = throughput(hub, 1, 200_000, base)
        _say("single messages, hub on one core", results["single"])
        results["envelopes"] = throughput(hub, 20, 50_000, 0)
        _say("envelopes of 20, hub on one core", results["envelopes"])
        results["hub_rss_mb"] = rss_mb(hub.process.pid)
    finally:
        hub.close()
    sent = sum(RATES) * seconds + 200_000 + 50_000 * 20
    reader = SqliteReader(hub.folder / "hub" / "readings.db")
    counted = reader.count()
    reader.close()
    results["sent"], results["counted_in_store"] = sent, counted
    print(f"sent {sent}, counted in the store afterwards {counted}")
    if counted != sent:
        raise SystemExit("readings were lost or doubled")


def gateway_figures(folder: Path, results: dict[str, Any], seconds: int) -> None:
    hub = HubProcess(folder / "village")
    try:
        results["gateway"] = cost = gateway_cost(hub, seconds)
    finally:
        hub.close()
    print(
        f"gateway, {cost['devices']:.0f} devices: {cost['rss_mb']:.0f} MiB,"
        f" {cost['cpu_pct']:.2f} % of one core over {cost['seconds']:.0f} s",
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of each load")
    parser.add_argument("--gateway-seconds", type=int, default=60, help="that the gateway is timed")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--week", action="store_true", help="instead: a week of simulated homes")
    parser.add_argument("--engine", action="store_true", help="instead: the rule engine alone")
    parser.add_argument("--replay", action="store_true", help="instead: playing the past")
    parser.add_argument("--ledger", action="store_true", help="instead: questions to a full book")
    parser.add_argument("--people", type=int, default=PEOPLE, help="of the full book")
    parser.add_argument("--months", type=int, default=MONTHS, help="of visits in the full book")
    parser.add_argument("--enrol", action="store_true", help="instead: code to first press")
    parser.add_argument("--notify", action="store_true", help="instead: press to first provider")
    parser.add_argument("--persons", action="store_true", help="instead: import and search")
    parser.add_argument("--postgres", action="store_true", help="of --persons: on PostgreSQL")
    parser.add_argument(
        "--homes", type=int, help="of the week (1,000), of the engine (100,000), of the past (40)"
    )
    parser.add_argument("--days", type=int, default=7, help="of the week")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="of the week")
    parser.add_argument("--shared", action="store_true", help="instead: several at one book")
    parser.add_argument("--units", action="store_true", help="instead: what each thing costs")
    parser.add_argument("--result", type=Path, help="of --units: docs/capacity.json")
    parser.add_argument("--boards", type=int, default=0, help="instead: so many open boards")
    parser.add_argument("--scale", action="store_true", help="instead: from few homes to many")
    parser.add_argument("--workers", action="store_true", help="instead: several real workers")
    parser.add_argument("--readings", type=int, default=draining.READINGS, help="for the workers")
    parser.add_argument("--parts", action="store_true", help="instead: a press, part by part")
    parser.add_argument("--rounds", action="store_true", help="instead: few homes, then many")
    parser.add_argument("--screens", action="store_true", help="instead: the page in Chromium")
    return parser


def _other(args: argparse.Namespace) -> Callable[[], object] | None:
    """What is measured instead of presses and readings."""
    asked: tuple[tuple[object, Callable[[], object]], ...] = (
        (args.week, lambda: week.report(args.homes or WEEK_HOMES, args.days, 1, args.processes)),
        (args.engine, lambda: engine.report(args.homes or ENGINE_HOMES)),
        (args.ledger, lambda: ledger.report(args.people, args.months)),
        (args.enrol, enrol.report),
        (args.notify, notify.report),
        (args.persons, lambda: persons.report(args.homes or PERSONS, postgres=args.postgres)),
        (args.replay, lambda: replay.report(args.homes or replay.HOMES)),
        (args.boards, lambda: boards.report(args.boards)),
        (args.scale, lambda: _scale(args.homes, args.readings)),
        (args.workers, lambda: draining.report(args.homes, args.readings)),
        (args.parts, parts.report),
        (args.rounds, lambda: rounds.report(args.homes)),
        (args.screens, screens.report),
        (args.shared, shared_book.report),
        (args.units, lambda: units.report(args.result)),
    )
    return next((report for wanted, report in asked if wanted), None)


def _scale(homes: int | None, readings: int) -> None:
    scale.report((homes,) if homes else scale.SIZES)
    draining.report(homes, readings)


def main() -> None:
    args = _parser().parse_args()
    other = _other(args)
    if other is not None:
        print(json.dumps(machine()), flush=True)
        other()
        return
    if embedded_broker.find_mosquitto() is None:
        raise SystemExit("the benchmark needs mosquitto: apt-get install mosquitto")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=args.out.parent))
    results: dict[str, Any] = {"machine": machine(), "idle": {}, "press": {}}
    print(json.dumps(results["machine"]), flush=True)
    hub_figures(folder, results, args.seconds)
    gateway_figures(folder, results, args.gateway_seconds)
    args.out.write_text(json.dumps(results, indent=2))
    print(f"written to {args.out}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
