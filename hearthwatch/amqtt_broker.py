"""amqtt as a process of its own: `python -m hearthwatch.amqtt_broker PORT PASSWORD_FILE`.

It speaks MQTT 3.1.1, forgets unacknowledged messages and never drops dead clients: good enough
to look at, because nothing is forgotten before the hub's own acknowledgement.
"""

import asyncio
import logging
import signal
import sys
import tempfile
from pathlib import Path

from amqtt.broker import Broker
from argon2 import PasswordHasher

USERNAME = "hearthwatch"


def main(port: int, password: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder, "users")
        users.write_text(f"{USERNAME}:{PasswordHasher().hash(password)}\n")
        asyncio.run(serve(port, str(users)))


async def serve(port: int, users: str) -> None:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": users},
            },
        }
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await broker.start()
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    main(int(sys.argv[1]), Path(sys.argv[2]).read_text().strip())
