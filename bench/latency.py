"""How long a message takes: the broker's echo (the floor), and a press until the screen hears."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench.wire import connect, puback, publish
from contract.moment import to_iso
from ingest.mqtt.session import Session, SessionConfig

ROOT = Path(__file__).resolve().parents[1]
WARM_UP = 50
PAUSE_S = 0.05


def quantiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    at = lambda q: 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]  # noqa: E731
    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": 1000 * ordered[-1], "n": len(ordered)}


def echo_floor(port: int, password_file: Path, count: int = 2000) -> dict[str, float]:
    """There and back through the broker at QoS 1, raw sockets with TCP_NODELAY, two processes."""
    command = [sys.executable, "-m", "bench.echo", str(port), str(password_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as other:
        if other.stdout is not None:
            other.stdout.readline()
        raw = connect(port, "bench-floor", password_file, ["bench/back"])
        session = Session(SessionConfig(client_id="x", subscriptions=[]))
        payload = envelope("floor", 0, 1)
        samples = []
        for number in range(count + WARM_UP):
            began = time.perf_counter()
            raw.sendall(publish("bench/there", payload, number))
            back: list[tuple[bytes, bytes, int]] = []
            while not back:
                back = session.feed(raw.recv(65536)).messages
            samples.append(time.perf_counter() - began)
            raw.sendall(puback(back[0][2]))
        other.terminate()
    return quantiles(samples[WARM_UP:])


def envelope(tag: str, number: int, homes: int) -> bytes:
    now = to_iso(time.time_ns() // 1_000_000)
    home = number % homes
    item = {
        "id": f"press-{tag}-{number}",
        "seq": number // 20 + 1,
        "device": f"button-{home:05d}",
        "kind": "sos",
        "measured_at": now,
        "received_at": now,
        "values": {},
        "attrs": {"action": "press"},
    }
    document = {
        "v": 1,
        "gateway": f"gw-{home % 20:04d}",
        "spool": f"bench-press-{tag}-{home % 20}",
        "sent_at": now,
        "clock": "synced",
        "items": [item],
    }
    return json.dumps(document).encode()


def presses(
    http_port: int,
    token: str,
    mqtt_port: int,
    password_file: Path,
    *,
    count: int,
    tag: str,
    homes: int,
) -> dict[str, float]:
    """Publish → committed in the book → server-sent event received, one press after the other."""
    stream = socket.create_connection(("127.0.0.1", http_port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(
        f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    while b"\r\n\r\n" not in stream.recv(65536):
        pass
    raw = connect(mqtt_port, f"bench-press-{tag}", password_file, [])
    samples = []
    for number in range(count + WARM_UP):
        payload = envelope(tag, number, homes)
        topic = f"hw/v1/gw-{number % homes % 20:04d}/activation"
        began = time.perf_counter()
        raw.sendall(publish(topic, payload, number))
        heard = b""
        while b"event: alarm" not in heard:
            heard = heard[-20:] + stream.recv(1 << 20)
        samples.append(time.perf_counter() - began)
        # The task's event and the broker's answers come behind; the next press starts quiet.
        time.sleep(PAUSE_S)
        for line in (raw, stream):
            line.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                line.recv(1 << 20)
            line.setblocking(True)
    stream.close()
    raw.close()
    return quantiles(samples[WARM_UP:])
