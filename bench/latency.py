"""How long a message takes: the broker's echo (the floor), and a press until the screen hears.

Both are closed loops of one message at a time, and both are measured at the same two paces: one
after the other, and with a rest before each. After a rest a processor first has to wake up, which
on a virtual machine costs several times what the message itself costs.
"""

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from bench.processes import HOMES, HubProcess
from bench.wire import connect, puback, publish
from contract.moment import to_iso
from ingest.mqtt.session import Session, SessionConfig

ROOT: Final = Path(__file__).resolve().parents[1]
WARM_UP: Final = 50
REST_S: Final = 0.05
# Nothing here takes seconds; a press that is not heard fails the benchmark instead of hanging it.
ANSWER_S: Final = 20.0


def quantiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)

    def at(q: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]

    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": 1000 * ordered[-1], "n": len(ordered)}


def echo_floor(hub: HubProcess, *, count: int, rest_s: float = 0.0) -> list[float]:
    """Seconds there and back through the broker at QoS 1: raw sockets, two processes."""
    port, password_file = hub.broker.port, hub.broker.password_file
    command = [sys.executable, "-m", "bench.echo", str(port), str(password_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as other:
        if other.stdout is not None:
            other.stdout.readline()
        raw = connect(port, "bench-floor", password_file, ["bench/back"])
        raw.settimeout(ANSWER_S)
        session = Session(SessionConfig(client_id="x", subscriptions=[]))
        payload = envelope("floor", 0)
        samples = []
        for number in range(count + WARM_UP):
            time.sleep(rest_s)
            began = time.perf_counter()
            raw.sendall(publish("bench/there", payload, number))
            back: list[tuple[bytes, bytes, int]] = []
            while not back:
                back = session.feed(raw.recv(65536)).messages
            samples.append(time.perf_counter() - began)
            raw.sendall(puback(back[0][2]))
        other.terminate()
    return samples[WARM_UP:]


def envelope(tag: str, number: int) -> bytes:
    now = to_iso(time.time_ns() // 1_000_000)
    home = number % HOMES
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
    hub: HubProcess, *, count: int, tag: str, rest_s: float, warm_up: int = WARM_UP
) -> list[float]:
    """Seconds from publishing through the commit to the server-sent event, each press alone."""
    pressed = presses_between(hub, count=count + warm_up, tag=tag, rest_s=rest_s)
    return [ended - began for began, ended in pressed[warm_up:]]


def presses_between(
    hub: HubProcess, *, count: int, tag: str, rest_s: float
) -> list[tuple[float, float]]:
    """When each press was published, and when the screen had heard of it."""
    stream = _stream(hub)
    raw = connect(hub.broker.port, f"bench-press-{tag}", hub.broker.password_file, [])
    samples = []
    for number in range(count):
        payload = envelope(tag, number)
        topic = f"hw/v1/gw-{number % HOMES % 20:04d}/activation"
        time.sleep(rest_s)
        _drain(raw, stream)
        began = time.perf_counter()
        raw.sendall(publish(topic, payload, number))
        heard = b""
        while b"event: alarm" not in heard:
            part = stream.recv(1 << 20)
            if not part:
                raise SystemExit("the hub closed the stream")
            heard = heard[-20:] + part
        samples.append((began, time.perf_counter()))
    stream.close()
    raw.close()
    return samples


def _stream(hub: HubProcess) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", hub.port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.settimeout(ANSWER_S)
    head = f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {hub.token}\r\n\r\n"
    stream.sendall(head.encode())
    # Only a stream that is ready hears what is committed from now on.
    heard = b""
    while b": ready" not in heard:
        heard += stream.recv(65536)
    return stream


def _drain(*lines: socket.socket) -> None:
    """What came behind the last answer: the task's event, the broker's acknowledgement."""
    for line in lines:
        line.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            line.recv(1 << 20)
        line.settimeout(ANSWER_S)
