"""The real programs of a run: broker, hub, gateways with a line each, and the book's server."""

import os
import random
import sys
import tty
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.__main__ import EXIT_SPOOL
from hearthwatch import embedded_broker
from tests.chaos.books import PostgresServer, SqliteFile, read_rows
from tests.chaos.checker import Accepted
from tests.chaos.network import Lines, tool
from tests.chaos.options import FIU, ROOT_FAULTS, Options
from tests.chaos.program import Program

PYTHON: Final = sys.executable
# Presses of one button are never nearer than a repeat: it has its turn after all others.
BUTTONS: Final = 40
# A receiver's frame up to the code of the button.
PRESS_BEGINS: Final = b"\xaa\xa4\x25\x08\x01\x4a\x03\xde"
# Bounds of the disks; nothing is taken up by them.
SPOOL_DISK: Final = "256m"
BOOK_DISK: Final = "6g"
# What a hub ends with whose book can't be opened.
HUB_REFUSES: Final = 1
_FILE: Final = "SELECT value FROM meta WHERE key = 'spool'"
_ITEMS: Final = (
    "SELECT seq, id, json_extract(body, '$.device'), json_extract(body, '$.kind') FROM item"
)
_WAITING: Final = "SELECT count(*) FROM item WHERE acked_at_ms IS NULL"
_DONE_WITH: Final = "SELECT id FROM item WHERE acked_at_ms IS NOT NULL"


@dataclass(slots=True)
class Home:
    """A gateway's line: `near` is ours to write to; None while unplugged."""

    name: str
    folder: Path
    codes: list[bytes]
    near: int | None = None
    far: int | None = None
    turn: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def plug(self) -> None:
        self.near, self.far = os.openpty()
        tty.setraw(self.far)
        os.set_blocking(self.near, False)
        (self.folder / "rf").symlink_to(os.ttyname(self.far))

    def unplug(self) -> None:
        if self.near is None or self.far is None:
            return
        (self.folder / "rf").unlink()
        os.close(self.near)
        os.close(self.far)
        self.near = self.far = None

    def send(self, data: bytes) -> None:
        if self.near is None:
            return
        try:
            os.write(self.near, data)
        except BlockingIOError:
            return  # nobody reads the line: not heard


class Village:
    """Everything in `folder`; `lines`: None where the stations share the loopback address."""

    def __init__(self, folder: Path, options: Options, r: random.Random) -> None:
        self.folder = folder
        self.options = options
        names = [f"gw-{number}" for number in range(1, options.gateways + 1)]
        network = {"net", "slow"} & set(options.faults)
        self.lines = Lines(["hub", *names]) if network else None
        self.disks = bool(ROOT_FAULTS & {"full", "ro"} & set(options.faults))
        self.pressed: Counter[tuple[str, str]] = Counter()
        self._broker = embedded_broker.start(folder / "broker")
        # Started again as a program of ours, with the configuration that it was given.
        self._broker.process.kill()
        self._broker.process.wait()
        self.homes = {name: self._home(name, number, r) for number, name in enumerate(names)}
        self.book = self._book()
        hub = folder / "hub"
        self._disk(hub, BOOK_DISK)
        self.redelivered = folder / "redelivered"
        self.redelivered.touch()
        self.hub_disk = folder / "pg" if self.book.program else hub
        self.programs = {"broker": self._broker_program(), "hub": self._hub()}
        self.programs |= {name: self._gateway(home) for name, home in self.homes.items()}
        if self.book.program is not None:
            self.programs["postgresql"] = self.book.program

    def _disk(self, place: Path, size: str) -> None:
        place.mkdir()
        if self.disks:
            tool("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))

    def _book(self) -> "SqliteFile | PostgresServer":
        if self.options.book == "sqlite":
            return SqliteFile(self.folder / "hub")
        self._disk(self.folder / "pg", BOOK_DISK)
        return PostgresServer(self.folder / "pg")

    # Programs.

    def _broker_program(self) -> Program:
        config = self.folder / "broker" / "mosquitto.conf"
        if self.lines is not None:
            # Nobody else is in this network.
            config.write_text(config.read_text().replace("127.0.0.1", "0.0.0.0"))
        program = embedded_broker.find_mosquitto()
        assert program is not None
        return Program("broker", [program, "-c", str(config)], self.folder / "broker.log")

    def _login(self, station: str) -> str:
        broker = self._broker
        host = "127.0.0.1" if self.lines is None else self.lines.address(station)
        return (
            f'host = "{host}"\nport = {broker.port}\n'
            f'username = "{broker.username}"\npassword_file = "{broker.password_file}"\n'
        )

    def _inside(self, station: str) -> list[str]:
        return [] if self.lines is None else self.lines.inside(station)

    def _hub(self) -> Program:
        port = embedded_broker.free_port()
        config = self.folder / "hub.toml"
        config.write_text(
            f'data_dir = "hub"\n[http]\nport = {port}\n'
            f"[broker]\n{self._login('hub')}{self.book.toml}"
        )
        command = [PYTHON, "-m", self.options.hub, "hub", "--config", str(config)]
        fiu = self._fiu("hub") if self.book.program is None else []
        env = {"CHAOS_REDELIVERED": str(self.redelivered)}
        command = [*self._inside("hub"), *fiu, *command]
        log = self.folder / "hub.log"
        return Program("hub", command, log, env=env, refusals=frozenset({HUB_REFUSES}))

    def _home(self, name: str, number: int, r: random.Random) -> Home:
        folder = self.folder / name
        folder.mkdir()
        self._disk(folder / "spool", SPOOL_DISK)
        # A five of the hexadecimal digits could end a frame that noise began.
        codes = [
            bytes.fromhex(f"{number:02X}{position:03X}8".replace("5", "A"))
            for position in r.sample(range(0x1000), 4 * BUTTONS)
        ]
        home = Home(name=name, folder=folder, codes=sorted(set(codes))[:BUTTONS])
        home.plug()
        return home

    def _gateway(self, home: Home) -> Program:
        config = home.folder / "gateway.toml"
        config.write_text(
            f'gateway = "{home.name}"\ndata_dir = "spool"\n[uplink]\n{self._login(home.name)}'
            f'[[serial]]\nname = "rf"\nport = "{home.folder}/rf"\ndriver = "ev1527"\n'
            "[serial.config]\nrepeat_window_ms = 100\n"
        )
        command = [PYTHON, "-m", self.options.gateway, "--config", str(config)]
        start = [*self._inside(home.name), *self._fiu(home.name)]
        log = self.folder / f"{home.name}.log"
        return Program(home.name, [*start, *command], log, refusals=frozenset({EXIT_SPOOL}))

    def _fiu(self, name: str) -> list[str]:
        """Begins a command whose syncs can be made to fail, at every third home and the hub."""
        if "fsync" not in self.options.faults or not self.worn(name):
            return []
        libraries = " ".join(str(FIU / f"fiu_{part}_preload.so") for part in ("run", "posix"))
        return ["env", f"LD_PRELOAD={libraries}", f"FIU_CTRL_FIFO={self.folder / 'fiu'}"]

    def worn(self, name: str) -> bool:
        if name == "hub":
            return self.book.program is None
        return name.startswith("gw-") and int(name[3:]) % 3 == 0

    # Buttons.

    def press(self, name: str) -> None:
        home = self.homes[name]
        code = home.codes[home.turn % BUTTONS]
        home.turn += 1
        self.pressed[(name, f"ev1527-{code.hex()[:5]}")] += 1
        home.send(PRESS_BEGINS + code + b"\x55")

    def accepted(self, name: str) -> dict[str, Accepted]:
        """What this gateway has committed since the last look; its rows are kept."""
        home = self.homes[name]
        path = self._spool(name)
        found = read_rows(path, _FILE)
        if not found:
            return {}
        file = str(found[0][0])
        rows = read_rows(path, f"{_ITEMS} WHERE seq > {home.seen.get(file, 0)} ORDER BY seq") or []
        if rows:
            home.seen[file] = rows[-1][0]
        return {row[1]: Accepted(name, row[2], row[3]) for row in rows}

    def waiting(self) -> int | None:
        """Items of all homes that the hub has not acknowledged; None: one can't be asked."""
        found = [read_rows(self._spool(name), _WAITING) for name in self.homes]
        return sum(int(rows[0][0]) for rows in found if rows) if all(found) else None

    def done_with(self) -> set[str]:
        """Items that the gateways send no more: the hub is said to have them."""
        found = (read_rows(self._spool(name), _DONE_WITH) or [] for name in self.homes)
        return {row[0] for rows in found for row in rows}

    def _spool(self, name: str) -> Path:
        return self.homes[name].folder / "spool" / "activation.db"

    def end(self) -> None:
        for program in self.programs.values():
            program.end()
        for home in self.homes.values():
            home.unplug()
