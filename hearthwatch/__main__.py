"""The `hearthwatch` command: hands each subcommand to the module that has it.

Modules are imported only when their subcommand is asked for, so that a gateway needs nothing of
the hub's and the hub nothing of the simulator's.
"""

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

# Subcommand: (module with `add_parser`, what it does).
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "admin": ("hearthwatch.admin", "logins; enrol and revoke gateways; the broker's configuration"),
    "authority": (
        "hearthwatch.authority.command",
        "sign gateways' certificates, apart from the hub",
    ),
    "backup": ("hearthwatch.copies_command", "copy everything a hub knows into one file"),
    "audit-copy": ("hearthwatch.audit_copy.command", "compare a copy of the trail with the book"),
    "broker-rights": (
        "hearthwatch.broker_rights_command",
        "answer RabbitMQ's questions about gateways' rights",
    ),
    "decode": ("hearthwatch.decode", "decode one device frame or message"),
    "demo": ("hearthwatch.demo", "the whole system on this machine with simulated homes"),
    "doctor": ("hearthwatch.doctor", "check configuration and machine, say what to mend"),
    "drivers": ("hearthwatch.decode", "list the device drivers"),
    "erase": ("hearthwatch.erase_command", "erase a person for good"),
    "gateway": ("gateway.__main__", "run a gateway"),
    "hub": ("hearthwatch.hub_command", "run the hub"),
    "keys": ("hearthwatch.keys_command", "show or rotate the key file"),
    "replay": ("hearthwatch.replay", "run the rules over past readings"),
    "restore": ("hearthwatch.copies_command", "take such a copy back"),
    "retention": ("hearthwatch.retention_command", "what is kept how long, and what is over"),
    "simulate": ("device_sims.__main__", "run simulated homes"),
}
# Commands of another room, which has its own parser.
_WHOLE: Final = frozenset({"gateway", "simulate"})
# Commands that write into the data folder of the hub that `--config` names.
_OF_A_HUB: Final = frozenset({"admin", "backup", "erase", "keys", "restore", "retention"})
# The demonstration may have to bring its own broker.
_EXTRAS: Final = {"demo": "hub,demo"}
# A missing module of ours is a broken installation, not one that was left out.
_ROOMS: Final = frozenset(module.split(".")[0] for module, _text in COMMANDS.values()) | {
    "alarms",
    "contract",
    "dashboard",
    "ingest",
    "ledger",
    "rules",
}


def _version() -> str:
    try:
        return version("hearthwatch")
    except PackageNotFoundError:
        return "0.1.0"


def _overview() -> str:
    lines = [f"  {name:10} {text}" for name, (_module, text) in sorted(COMMANDS.items())]
    return (
        "usage: hearthwatch COMMAND [options]\n\n"
        + "\n".join(lines)
        + "\n\nhearthwatch COMMAND --help explains each, with examples. To begin:\n"
        "  hearthwatch demo\n"
        "  hearthwatch doctor --hub /etc/hearthwatch/hub.toml\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h"):
        sys.stdout.write(_overview())
        return 0
    if name == "--version":
        sys.stdout.write(f"hearthwatch {_version()}\n")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"hearthwatch: unknown command {name!r}\n\n{_overview()}")
        return 2
    try:
        module = importlib.import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in _ROOMS:
            raise
        sys.stderr.write(
            f"hearthwatch {name}: the package {error.name!r} is not installed here;"
            f" this command comes with 'hearthwatch[{_EXTRAS.get(name, 'hub')}]'\n"
        )
        return 2
    if name in _WHOLE:
        return int(module.main(arguments[1:]) or 0)
    parser = argparse.ArgumentParser(prog="hearthwatch")
    subparsers = parser.add_subparsers(dest="command", required=True)
    module.add_parser(subparsers)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.func(parsed) or 0)
    finally:
        if name in _OF_A_HUB and os.geteuid() == 0 and getattr(parsed, "config", None):
            _give_over(parsed.config)


def _give_over(config: Path) -> None:
    """What root has left in the hub's folder; a file that is no hub's configuration has none."""
    from contract.config import ConfigError
    from gateway.belonging import give_over
    from hearthwatch.hub_config import load

    with contextlib.suppress(ConfigError):
        give_over(load(config).data_dir)


if __name__ == "__main__":
    sys.exit(main())
