"""Readings at a steady rate, or as fast as the broker takes them.

`python -m bench.load PORT PASSWORD_FILE RATE MESSAGES PER_ENVELOPE HOMES BASE` prints a JSON line
at the end. RATE 0 is flat out. Numbers go on from BASE, so that runs don't repeat each other.
"""

import json
import select
import socket
import sys
import time
from pathlib import Path

from bench.wire import connect, publish
from contract.moment import to_iso

GATEWAYS = 20
BURST_S = 0.005


def message(number: int, per_envelope: int, homes: int) -> bytes:
    """One envelope; reading n is of home n mod homes and has a moment of its own."""
    gateway = number % GATEWAYS
    items = []
    for at in range(per_envelope):
        reading = number * per_envelope + at
        moment = to_iso(
            1_780_000_000_000
            + per_envelope * 100_000_000
            + (reading // homes) * 1000
            + reading % 1000
        )
        items.append(
            f'{{"id":"r{reading:x}-{gateway}","seq":{(number // GATEWAYS) * per_envelope + at + 1},'
            f'"device":"meter-{reading % homes:05d}","kind":"power","measured_at":"{moment}",'
            f'"received_at":"{moment}","values":{{"energy_kwh":{reading / 1000}}},"attrs":{{}}}}'
        )
    return (
        f'{{"v":1,"gateway":"gw-{gateway:04d}","spool":"bench-{gateway}-{per_envelope}",'
        f'"sent_at":"2026-11-23T08:00:00.000Z","clock":"synced","items":[{",".join(items)}]}}'
    ).encode()


def drain(raw: socket.socket) -> None:
    while select.select([raw], [], [], 0)[0]:
        if not raw.recv(1 << 20):
            raise ConnectionError("the broker closed the connection")


def main() -> None:
    port, password_file, rate, count, per_envelope, homes, base = sys.argv[1:]
    raw = connect(int(port), f"bench-load-{base}", Path(password_file), [])
    total, each, n_homes, first = int(count), int(per_envelope), int(homes), int(base)
    per_s = float(rate)
    started = time.perf_counter()
    sent = 0
    while sent < total:
        due = total if per_s == 0 else min(total, int((time.perf_counter() - started) * per_s) + 1)
        batch: list[bytes] = []
        while sent < due and len(batch) < 400:
            number = first + sent
            topic = f"hw/v1/gw-{number % GATEWAYS:04d}/telemetry"
            batch.append(publish(topic, message(number, each, n_homes), number))
            sent += 1
        if batch:
            raw.sendall(b"".join(batch))
        drain(raw)
        if per_s and sent >= due:
            select.select([raw], [], [], BURST_S)
    seconds = time.perf_counter() - started
    print(json.dumps({"messages": sent, "seconds": seconds, "ended": time.time()}), flush=True)
    select.select([], [], [], 1.0)
    drain(raw)


if __name__ == "__main__":
    main()
