"""`gateway enrol`: what an installer runs once on a new machine."""

import argparse
import asyncio
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from contract.config import ConfigError
from contract.enrolment import EnrolmentCode, parse_code
from contract.errors import ContractError
from gateway.belonging import give_over
from gateway.clock import Clock
from gateway.enrol.hub_calls import EnrolmentFailed
from gateway.enrol.identity import FOLDER, Identity
from gateway.enrol.openssl import OpensslFailed
from gateway.enrol.steps import enrol

CONFIG: Final = Path("/etc/hearthwatch/gateway.toml")
DATA_DIR: Final = Path("/var/lib/hearthwatch-gateway")
EPILOG: Final = """\
The code is on the hub's page (Equipment, the gateway's card), or made on the hub by
`hearthwatch admin enrol gw-0001 --config hub.toml`.
It holds once and for 24 hours. `--code -` reads it from the keyboard, so that it stands in no list
of processes.

example: gateway enrol --code 'https://hub.example/enrol#gw-0001.…'
"""
_NEW: Final = """\
# Made by `gateway enrol`; gateway/example.toml tells what else may stand here.
gateway = "{gateway}"
data_dir = "{data_dir}"

[uplink]
enrolled = true                                 # address and certificate are in {data_dir}/identity
"""

Say = Callable[[str], None]


def main(arguments: Sequence[str], out: Say, say: Say, clock: Clock | None = None) -> int:
    args = _parser().parse_args(arguments)
    text = sys.stdin.readline() if args.code == "-" else args.code
    try:
        code = parse_code(text)
        data_dir = _data_dir(args, code)
        now_ms = (clock or Clock()).now_ms()
        found = asyncio.run(enrol(data_dir, code, now_ms))
        # Root ran this: the identity is the service's.
        give_over(data_dir)
        for line in _next_steps(args, data_dir, found):
            out(line)
    except (EnrolmentFailed, OpensslFailed) as error:
        say(f"gateway enrol: {error}")
        return 1
    except ConfigError:
        raise
    except ContractError as error:
        say(f"gateway enrol: {error.detail}")
        return 1
    except OSError as error:
        say(f"gateway enrol: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway enrol",
        description="Become a gateway of a hub by a one-time code.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--code", required=True, help="all of the QR code's text; - asks for it")
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"gateway.toml, {CONFIG}")
    parser.add_argument("--data-dir", type=Path, help=f"where there is no gateway.toml; {DATA_DIR}")
    return parser


def _data_dir(args: argparse.Namespace, code: EnrolmentCode) -> Path:
    """Of the gateway.toml that there is, which must be this gateway's."""
    path: Path = args.config
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return Path(args.data_dir or DATA_DIR)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), str(error)) from error
    if document.get("gateway") != code.gateway:
        detail = f"this file is of {document.get('gateway')!r}, the code is for {code.gateway!r}"
        raise ConfigError(f"{path}: gateway", detail)
    return path.parent / str(document.get("data_dir", DATA_DIR))


def _next_steps(args: argparse.Namespace, data_dir: Path, found: Identity) -> list[str]:
    path: Path = args.config
    lines = [f"{found.gateway} is enrolled at {found.url}; its key is in {data_dir / FOLDER}"]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_NEW.format(gateway=found.gateway, data_dir=data_dir))
        lines.append(f"{path} was made: add the devices, see `gateway discover`")
    elif not tomllib.loads(path.read_text()).get("uplink", {}).get("enrolled"):
        keys = "host, port, username, password_file, ca_file, cert_file and key_file"
        lines.append(f"in {path}, [uplink]: put `enrolled = true` in the place of {keys}")
    lines.append("now: systemctl restart hearthwatch-gateway, and press a button")
    return lines
