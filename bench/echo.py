"""The other end of the floor: sends every message straight back."""

import sys
from pathlib import Path

from bench.wire import connect, puback, publish
from ingest.mqtt.session import Session, SessionConfig


def main() -> None:
    raw = connect(int(sys.argv[1]), "bench-echo", Path(sys.argv[2]), ["bench/there"])
    session = Session(SessionConfig(client_id="x", subscriptions=[]))
    print("ready", flush=True)
    number = 0
    while data := raw.recv(1 << 20):
        for _topic, payload, packet_id in session.feed(data).messages:
            number += 1
            raw.sendall(publish("bench/back", payload, number) + puback(packet_id))


if __name__ == "__main__":
    main()
