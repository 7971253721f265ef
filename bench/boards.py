"""`./dev bench --boards N`: N boards hear of a press at the same time, one of them in Chromium.

A real hub and broker; N streams over HTTP in a process of their own, each event taken apart and
parsed on each. Measured from publishing a press (its commit is within it) until the first and the
last board have it, and until Chromium has painted its line. The floor is a process that sends as
many bytes to as many sockets and does nothing else. Then the same beside boards that read
nothing, and the counters that every board asks for after a change, all at once.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from bench.board_clients import Heard, boards, broadcaster, summaries
from bench.chromium import Window, window
from bench.latency import envelope, quantiles
from bench.processes import HubProcess, cpu_s, rss_mb
from bench.wire import connect, publish
from dashboard.ports import STREAMS_MAX
from dashboard.stream import STREAMS_PER_ACCOUNT_MAX

PRESSES: Final = 200
WARM_UP: Final = 20
SUMMARY_ROUNDS: Final = 10
# Few enough that all their lines are on the page: what is painted can be seen there.
HOMES: Final = 30
DEAF: Final = 20
# What a browser shows, an event of an alarm of a home with a person in it.
PAYLOAD: Final = b"x" * 3_000
GOAL_MS: Final = 200.0

# When the board shows a line more or another number of presses: after the frame is painted.
PAINTED: Final = """
window.painted = [];
const badges = (card) => [...card.querySelectorAll(".badge")].map((one) => one.textContent);
const shown = () => [...document.querySelectorAll(".queue li[data-alarm]")]
  .map((card) => [card.dataset.alarm, ...badges(card)].join()).join("|");
let before = shown();
new MutationObserver(() => {
  const now = shown();
  if (now === before) return;
  before = now;
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => window.painted.push(performance.timeOrigin + performance.now());
    port2.postMessage(null);
  });
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


def report(count: int, *, chromium: bool = True) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-boards-") as folder:
        accounts = -(-(count + DEAF + 1) // (STREAMS_PER_ACCOUNT_MAX - 2))
        if count + DEAF + 1 > STREAMS_MAX:
            raise SystemExit(f"a hub carries {STREAMS_MAX} streams, {DEAF + 1} of them used here")
        hub = HubProcess(Path(folder) / "hub", accounts=accounts)
        try:
            return _measure(hub, count, chromium=chromium)
        finally:
            hub.close()


def _measure(hub: HubProcess, count: int, *, chromium: bool) -> dict[str, Any]:
    results: dict[str, Any] = {"boards": count}
    tokens = [hub.tokens[n % len(hub.tokens)] for n in range(count - 1 if chromium else count)]
    sender, port = _process(broadcaster, len(tokens), PAYLOAD)
    clients, _ready = _process(boards, port, tokens, 0)
    floor = [_floor_s(sender, clients, number) for number in range(PRESSES)]
    clients.send(None)
    sender.send(None)
    results["floor"] = _show(f"floor, {len(tokens)} sockets", floor)
    press = Presses(hub)
    seen = window(hub.address, hub.tokens[-1]) if chromium else nullcontext()
    with seen as page:
        if page is not None:
            page.evaluate(PAINTED)
        clients, _ready = _process(boards, hub.port, tokens, 0)
        began = cpu_s(hub.process.pid)
        first, last, painted = press.heard(clients, PRESSES, page)
        used = cpu_s(hub.process.pid) - began
        clients.send(None)
        results["first"] = _show("press -> the first board", first)
        results["all"] = _show("press -> all boards", last)
        if painted:
            results["painted"] = _show("press -> painted in Chromium", painted)
        results["hub_cpu_ms"] = 1000 * used / (PRESSES + WARM_UP)
        print(f"{'':34} the hub's processor: {results['hub_cpu_ms']:.1f} ms a press", flush=True)
    clients, _ready = _process(boards, hub.port, tokens, DEAF)
    _first, last, _painted = press.heard(clients, PRESSES, None)
    clients.send(None)
    results["beside_deaf"] = _show(f"the same beside {DEAF} that do not read", last)
    results["summary"] = _counters(hub, tokens)
    results["rss_mb"] = rss_mb(hub.process.pid)
    print(f"{'':34} the hub's memory: {results['rss_mb']:.0f} MiB")
    slowest = results.get("painted", results["all"])["p99_ms"]
    print(f"goal: p99 <= {GOAL_MS:.0f} ms: {'met' if slowest <= GOAL_MS else 'MISSED'}", flush=True)
    return results


class Presses:
    """One press after the other, each waited for; thirty homes in turn, each again and again."""

    def __init__(self, hub: HubProcess) -> None:
        self._line = connect(hub.broker.port, "bench-boards", hub.broker.password_file, [])
        self._number = 0

    def heard(
        self, clients: Connection, count: int, page: Window | None
    ) -> tuple[list[float], list[float], list[float]]:
        """Seconds until the first board, until the last, and until Chromium's frame."""
        first, last, painted = [], [], []
        for number in range(count + WARM_UP):
            home = self._number % HOMES
            clients.send((f"home-{home:05d}", self._number // HOMES + 1))
            payload = envelope(f"boards-{self._number // HOMES}", home)
            before = page.evaluate("window.painted.length") if page is not None else 0
            began, wall = time.perf_counter(), time.time()
            self._line.sendall(
                publish(f"hw/v1/gw-{home % 20:04d}/activation", payload, self._number % 60_000 + 1)
            )
            self._number += 1
            heard: Heard = clients.recv()
            at = None if page is None else page.wait_number(f"window.painted[{before}]")
            if number >= WARM_UP:
                first.append(heard.first - began)
                last.append(heard.last - began)
                if at is not None:
                    painted.append(at / 1000 - wall)
        return first, last, painted


def _floor_s(sender: Connection, clients: Connection, number: int) -> float:
    asked = ("home-00000", number + 1)
    clients.send(asked)
    began = time.perf_counter()
    sender.send(asked)
    heard: Heard = clients.recv()
    return heard.last - began


def _counters(hub: HubProcess, tokens: Sequence[str]) -> dict[str, float]:
    """Every board asks for the counters soon after a change: all of them at the same moment."""
    clients, _ready = _process(summaries, hub.port, list(tokens))
    took: list[float] = []
    began = cpu_s(hub.process.pid)
    for _round in range(SUMMARY_ROUNDS):
        clients.send("now")
        took += clients.recv()
    clients.send(None)
    used = 1000 * (cpu_s(hub.process.pid) - began) / SUMMARY_ROUNDS
    figures = _show("counters, asked for by all at once", took)
    print(f"{'':34} the hub's processor: {used:.0f} ms for all", flush=True)
    return {**figures, "hub_cpu_ms": used}


def _process(work: Callable[..., None], *arguments: Any) -> tuple[Connection, Any]:
    """Started, and what it said first."""
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    spawn.Process(target=work, args=(theirs, *arguments), daemon=True).start()
    return mine, mine.recv()


def _show(name: str, took: list[float]) -> dict[str, float]:
    figures = quantiles(took)
    print(
        f"{name:34} p50 {figures['p50_ms']:7.2f} ms  p99 {figures['p99_ms']:7.2f} ms"
        f"  slowest {figures['max_ms']:7.2f} ms",
        flush=True,
    )
    return figures
