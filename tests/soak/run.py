"""`./dev soak`: hub and gateway as they are under hours of load, made in minutes; nothing may grow.

./dev soak                    eight hours of 100 meters (every 15 s) and 200 buttons (every 10 min)
./dev soak HOURS=1            less of it
./dev soak RESULT=FILE.json   what came out, for docs/promise.md
"""

import os
import random
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from contract.codec import encode_envelope
from contract.envelope import Envelope
from contract.ids import item_id
from contract.item import Item
from tests.acceptance.rig import Rig, wait_until
from tests.results import write_result
from tests.soak.flat import growth, judged

HOURS: Final = 8.0
METERS, METER_EVERY_S = 100, 15
BUTTONS, BUTTON_EVERY_S = 200, 600
# A serial line at 9600 baud has no more room; a button's repetitions are one press.
PRESSES_A_SECOND: Final = 30
READINGS_AT_ONCE: Final = 100
SAMPLES: Final = 60
# The hub's answers to these are nobody's; it takes them all the same.
METER_GATEWAY: Final = "gw-meters"
_NAMES: Final = ("HOURS", "RESULT")


class Meters:
    """Envelopes of readings, as fast as the presses go."""

    def __init__(self, rig: Rig) -> None:
        self._spool, self._seq = uuid.uuid4(), 0
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=METER_GATEWAY, protocol=paho.MQTTv5
        )
        self._client.username_pw_set(rig.broker.username, rig.broker.password_file.read_text())
        self._client.connect("127.0.0.1", rig.broker.port)
        self._client.loop_start()

    def tell(self, readings: int) -> None:
        while readings > 0:
            items = [self._item() for _ in range(min(readings, READINGS_AT_ONCE))]
            envelope = Envelope(
                gateway=METER_GATEWAY,
                spool=str(self._spool),
                sent_at_ms=_wall_ms(),
                clock="synced",
                items=items,
            )
            topic = f"hw/v1/{METER_GATEWAY}/telemetry"
            self._client.publish(topic, encode_envelope(envelope), qos=1).wait_for_publish(60)
            readings -= len(items)

    def _item(self) -> Item:
        self._seq += 1
        now_ms = _wall_ms()
        return Item(
            id=item_id(self._spool, self._seq, now_ms),
            seq=self._seq,
            device=f"meter-{self._seq % METERS}",
            kind="power",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values={"power_w": self._seq % 3000},
        )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def sample(rig: Rig, samples: dict[str, list[float]]) -> None:
    for name, folder in (("hub", "hub"), ("gateway", "spool")):
        program = rig.programs[name].process
        assert program is not None
        process = psutil.Process(program.pid)
        figures = {
            "rss": process.memory_info().rss,
            "fds": process.num_fds(),
            "log": sum(path.stat().st_size for path in (rig.folder / folder).glob("*-wal")),
        }
        for what, value in figures.items():
            samples.setdefault(f"{name} {what}", []).append(float(value))


def soak(hours: float, folder: Path) -> dict[str, Any]:
    presses = int(hours * 3600 / BUTTON_EVERY_S * BUTTONS)
    readings = int(hours * 3600 / METER_EVERY_S * METERS)
    samples: dict[str, list[float]] = {}
    rng, pace = random.Random(0), threading.Event()
    rig = Rig(folder)
    try:
        rig.start()
        wait_until(rig.ready, 120, "the hub answers")
        wait_until(rig.listening, 120, "the gateway listens")
        meters = Meters(rig)
        for number in range(presses):
            rig.press(1 + (number + rng.randrange(3)) % BUTTONS)
            if number % PRESSES_A_SECOND == 0:
                meters.tell(readings * PRESSES_A_SECOND // presses)
            if number % max(1, presses // SAMPLES) == 0:
                sample(rig, samples)
                _say(f"{number:,} of {presses:,} presses")
            pace.wait(1 / PRESSES_A_SECOND)
        wait_until(lambda: rig.unacknowledged() == 0, 120, "all is acknowledged")
        meters.close()
        accepted, found = set(rig.accepted()), {event for event, _alarm in rig.events()}
    finally:
        rig.close()
    return {
        "hours": hours,
        "presses_accepted": len(accepted),
        "presses_lost": len(accepted - found),
        "readings_told": readings,
        "grew": judged(samples),
        "usual": {name: [round(v) for v in growth(values)] for name, values in samples.items()},
    }


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}    ")


def main(arguments: list[str]) -> int:
    given = dict(word.split("=", 1) for word in arguments if "=" in word)
    if len(given) != len(arguments) or set(given) - set(_NAMES):
        sys.stderr.write(__doc__ or "")
        return 2
    with tempfile.TemporaryDirectory(prefix="hearthwatch-soak-") as name:
        counts = soak(float(given.get("HOURS", HOURS)), Path(name))
    sys.stdout.write(
        f"{counts['hours']:g} hours of load: {counts['presses_accepted']:,} presses accepted,"
        f" {counts['presses_lost']} lost, {counts['readings_told']:,} readings\n"
    )
    for what, (middle, end) in counts["usual"].items():
        sys.stdout.write(f"{what:12} {middle:>14,} -> {end:>14,}\n")
    sys.stdout.writelines(f"GREW: {line}\n" for line in counts["grew"])
    if "RESULT" in given:
        command = " ".join(("./dev soak", *arguments))
        write_result(Path(given["RESULT"]), command=command, seed=0, counts=counts)
    return 1 if counts["grew"] or counts["presses_lost"] else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main(sys.argv[1:]))
