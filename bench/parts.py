"""`./dev bench --parts`: where a press spends its time between the button's message and the screen.

The press of `./dev bench`, at its two paces, through a hub that notes when it passes each part
(`bench.stamped_hub`), beside the broker's echo and a sync of the disk alone at the same pace.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.latency import REST_S, echo_floor, presses_between, quantiles
from bench.processes import HubProcess
from bench.stamped_hub import PARTS

COUNT: Final = 300
# Until everything has been used once.
WARM_UP: Final = 60
_SAID: Final = (
    "published by the button -> read by the hub",
    "decoded, on its way to the writer",
    "the writer wakes up",
    "the transaction has the book",
    "rules, alarm, rows",
    "COMMIT with its sync",
    "the loop wakes up",
    "the stream's turn",
    "written to the screen",
)


def report() -> None:
    for rest_s in (0.0, REST_S):
        _paced(rest_s)


def _paced(rest_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="hw-parts-") as name:
        stamps = Path(name) / "stamps.json"
        os.environ["HEARTHWATCH_STAMPS"] = str(stamps)
        hub = HubProcess(Path(name) / "county", program="bench.stamped_hub")
        try:
            floor = quantiles(echo_floor(hub, count=COUNT, rest_s=rest_s))
            pressed = presses_between(hub, count=COUNT, tag="parts", rest_s=rest_s)
        finally:
            hub.close()
        noted = [(part, at_s) for part, at_s in json.loads(stamps.read_text())]
        sync = quantiles(_syncs(Path(name) / "sync", rest_s))
    whole = quantiles([ended - began for began, ended in pressed[WARM_UP:]])
    print(f"\n{'after a rest' if rest_s else 'one after the other'}:")
    for what, figures in (("the broker's echo", floor), ("a sync of 4 kB", sync), ("press", whole)):
        _line(what, figures)
    rows = [
        row
        for began, ended in pressed[WARM_UP:]
        if (row := _passed(noted, began, ended)) is not None
    ]
    for n, what in enumerate(_SAID):
        _line(f"  {what}", quantiles([row[n + 1] - row[n] for row in rows]))


def _line(what: str, figures: dict[str, float]) -> None:
    print(f"{what:46} p50 {figures['p50_ms']:6.3f} ms  p99 {figures['p99_ms']:6.3f} ms", flush=True)


def _passed(noted: list[tuple[str, float]], began: float, ended: float) -> list[float] | None:
    """When one press passed each part; None where something else was there meanwhile."""
    first: dict[str, float] = {}
    for part, at_s in noted:
        if began <= at_s <= ended:
            first.setdefault(part, at_s)
    passed = [began, *(first.get(part, 0.0) for part in PARTS), ended]
    return passed if passed == sorted(passed) else None


def _syncs(path: Path, rest_s: float) -> list[float]:
    """Seconds of a page that is written over and synced, as the least that a commit can be."""
    samples = []
    with path.open("w+b") as file:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
        for number in range(COUNT):
            # The rest is what is measured: after it a processor and a disk must wake up.
            time.sleep(rest_s)
            began = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, number % 256 * 4096)
            os.fdatasync(file.fileno())
            samples.append(time.perf_counter() - began)
    return samples
