"""`hearthwatch authority`: the process that has the key of gateways' certificates."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from contract.config import EXIT_CONFIG, ConfigError
from hearthwatch.authority import keys
from hearthwatch.authority.door import Door
from hearthwatch.logs import configure, say


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "authority",
        help="the process that signs gateways' certificates, apart from the hub",
        epilog="example: hearthwatch authority --dir /etc/hearthwatch/authority "
        "--socket /run/hearthwatch-authority/socket",
    )
    parser.add_argument("--dir", type=Path, required=True, help="ca.key and ca.pem (admin ca-init)")
    parser.add_argument("--socket", type=Path, required=True, help="where the hub asks")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    configure()
    try:
        door = Door(args.socket, keys.load(args.dir), say)
    except ConfigError as error:
        sys.stderr.write(f"hearthwatch authority: {error}\n")
        return EXIT_CONFIG
    except OSError as error:
        sys.stderr.write(f"hearthwatch authority: {error}\n")
        return 2

    def stop(_number: int, _frame: FrameType | None) -> None:
        # From another thread: it waits for the loop that this signal has interrupted.
        threading.Thread(target=door.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with door:
        say("authority_started", str(args.socket))
        door.serve_forever()
    args.socket.unlink(missing_ok=True)
    return 0
