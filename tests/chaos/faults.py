"""What is done to the village. One fault is one function and one line in `FAULTS`.

Each picks its victim, does it, and says whose presses it stands in the way of, for how long, and
how it is undone; None: nobody to do it to just now.
"""

import os
import random
import select
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.chaos.network import tool
from tests.chaos.program import Program
from tests.chaos.village import BOOK_DISK, PRESS_BEGINS, SPOOL_DISK, Village

# Shares of the kills; gateways have the rest. Everything stands still without these.
SHARED: Final = {"hub": 0.07, "broker": 0.17, "postgresql": 0.03}
# Something is killed again after at most so long: most at once, some after a while.
PAUSE_S: Final = 0.4
KIB: Final = 1024
TRIES: Final = 5
# Of a process that is not stopped.
ANSWER_S: Final = 1.0
NOISE: Final = b"\xaa\xa4\x00\xff\x25\xb0\xb1"
NOISE_BYTES_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    victim: str
    lasts_s: float
    undo: Callable[[], None]


class Hands:
    """What a fault may touch. `busy`: victims of faults that still last."""

    def __init__(self, village: Village, r: random.Random) -> None:
        self.village = village
        self.r = r
        self.now_s = 0.0
        self.busy: set[str] = set()
        # When a gateway accepted something last, and when something came into the book.
        self.proved_s: dict[str, float] = {}
        self.book_proved_s = 0.0
        # station -> (per cent, towards us, reset)
        self.lossy: dict[str, tuple[int, bool, bool]] = {}

    def works(self, name: str, *, busy_too: bool = False) -> bool:
        """Has done what it is for since its start, else a kill would never meet a press, and
        nothing is done to it. Never what this run leaves in peace. busy_too: also while its line or
        disk is in trouble."""
        victims = self.village.options.victims
        if victims and name.split("-", maxsplit=1)[0] not in victims:
            return False
        program = self.village.programs[name]
        proved_s = self.proved_s.get(name, 0.0) if name.startswith("gw-") else self.book_proved_s
        free = busy_too or name not in self.busy
        return program.running and proved_s > program.started_s and not program.stopped and free

    def program(self, *, busy_too: bool = False) -> Program | None:
        """Some program that works; the shared ones by their shares."""
        victims = self.village.options.victims
        shared = [name for name in SHARED if name in self.village.programs]
        if victims and "gw" not in victims:
            return self._one([name for name in shared if self.works(name, busy_too=busy_too)])
        drawn = self.r.random()
        for name in shared:
            drawn -= SHARED[name]
            if drawn < 0:
                return self.village.programs[name] if self.works(name, busy_too=busy_too) else None
        return self._one(
            [name for name in self.village.homes if self.works(name, busy_too=busy_too)]
        )

    def _one(self, names: list[str]) -> Program | None:
        return self.village.programs[self.r.choice(names)] if names else None

    def station(self) -> str | None:
        free = [name for name in ("hub", *self.village.homes) if name not in self.busy]
        return self.r.choice(free) if free else None


def kill(hands: Hands) -> Injected | None:
    """kill -9; started again at once or after a moment."""
    program = hands.program(busy_too=True)
    if program is None:
        return None
    program.kill(hands.now_s + hands.r.random() * PAUSE_S)
    return Injected(victim=program.name, lasts_s=0.0, undo=lambda: None)


def stop(hands: Hands) -> Injected | None:
    """SIGSTOP, and SIGCONT much later: connections look open and nobody is there."""
    program = hands.program()
    if program is None:
        return None
    program.stop()
    lasts_s = hands.r.choice((0.5, 3.0, 8.0, 20.0)) * (0.5 + hands.r.random())
    return Injected(victim=program.name, lasts_s=lasts_s, undo=program.go_on)


def term(hands: Hands) -> Injected | None:
    program = hands.program()
    if program is None:
        return None
    program.terminate(hands.now_s)
    return Injected(victim=program.name, lasts_s=0.0, undo=lambda: None)


def net(hands: Hands) -> Injected | None:
    """A line that is down, loses one direction wholly or in part, or resets."""
    lines, station = hands.village.lines, hands.station()
    if lines is None or station is None:
        return None
    r = hands.r
    lasts_s = r.uniform(2.0, 25.0)
    if r.random() < 0.25:
        lines.cut(station)
        return Injected(victim=station, lasts_s=lasts_s, undo=partial(lines.mend, station))
    towards_us, reset = r.random() < 0.5, r.random() < 0.15
    percent = r.choice((20, 40, 70, 100))
    hands.lossy[station] = (percent, towards_us, reset)
    lines.lose(station, percent, towards_us=towards_us, reset=reset)

    def undo() -> None:
        del hands.lossy[station]
        lines.lose_nothing(hands.lossy)

    return Injected(victim=station, lasts_s=lasts_s, undo=undo)


def slow(hands: Hands) -> Injected | None:
    """A line of 16 to 128 kbit/s, as of a modem at the edge of its cell."""
    lines, station = hands.village.lines, hands.station()
    if lines is None or station is None:
        return None
    lines.slow(station, hands.r.choice(("16kbit", "32kbit", "128kbit")))
    return Injected(
        victim=station, lasts_s=hands.r.uniform(5.0, 25.0), undo=partial(lines.fast, station)
    )


def _disk(hands: Hands) -> tuple[str, Path, str] | None:
    """(whose, where, its size as a rule): the book's with a chance of one in four."""
    village = hands.village
    owner = "postgresql" if "postgresql" in village.programs else "hub"
    if hands.r.random() < 0.25:
        return None if owner in hands.busy else (owner, village.hub_disk, BOOK_DISK)
    free = [name for name in village.homes if name not in hands.busy]
    if not free:
        return None
    name = hands.r.choice(free)
    return name, village.homes[name].folder / "spool", SPOOL_DISK


def full(hands: Hands) -> Injected | None:
    """A disk with no room, or with very little, made by drawing its end to where it is filled."""
    found = _disk(hands)
    if found is None:
        return None
    owner, place, size = found
    left = hands.r.choice((0, 4, 16, 64, 256)) * KIB
    if not any(_draw_end(place, left) for _try in range(TRIES)):
        return None
    undo = partial(tool, "mount", "-o", f"remount,size={size}", str(place))
    return Injected(victim=owner, lasts_s=hands.r.uniform(2.0, 12.0), undo=undo)


def _draw_end(place: Path, left: int) -> bool:
    """False: it was written to meanwhile, and is fuller than that."""
    stat = os.statvfs(place)
    used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
    try:
        tool("mount", "-o", f"remount,size={used + left}", str(place))
    except RuntimeError:
        return False
    return True


def ro(hands: Hands) -> Injected | None:
    """A card that comes up read-only: the kernel makes no disk so while somebody writes to it, so
    its program is killed, meets it at its start, and again, until it is writable."""
    found = _disk(hands)
    if found is None:
        return None
    owner, place, _size = found
    program = hands.village.programs[owner]
    if not program.running:
        return None
    program.kill(hands.now_s)
    try:
        tool("mount", "-o", "remount,ro", str(place))
    except RuntimeError:
        return None  # something of it still ends
    undo = partial(tool, "mount", "-o", "remount,rw", str(place))
    return Injected(victim=owner, lasts_s=hands.r.uniform(1.0, 6.0), undo=undo)


def fsync(hands: Hands) -> Injected | None:
    """Syncs of a program that was started to be told so fail at random, with EIO or the like."""
    village = hands.village
    worn = [n for n in ("hub", *village.homes) if village.worn(n) and hands.works(n)]
    if not worn:
        return None
    name = hands.r.choice(worn)
    chance = hands.r.choice((0.05, 0.3, 0.6, 1.0))
    if not _tell(village, name, f"enable_random name=posix/io/sync/*,probability={chance}"):
        return None

    def undo() -> None:
        _tell(village, name, "disable name=posix/io/sync/*")

    return Injected(victim=name, lasts_s=hands.r.uniform(2.0, 10.0), undo=undo)


def _tell(village: Village, name: str, command: str) -> bool:
    """To libfiu inside the process, by its pipes; False when it says no or has gone meanwhile."""
    program = village.programs[name]
    if not program.running or program.process is None:
        return False
    pipe = f"{village.folder / 'fiu'}-{program.process.pid}"
    handles = []
    try:
        for end, flag in ((".in", os.O_WRONLY), (".out", os.O_RDONLY)):
            handles.append(os.open(f"{pipe}{end}", flag | os.O_NONBLOCK))
        os.write(handles[0], f"{command}\n".encode())
        heard, _, _ = select.select([handles[1]], [], [], ANSWER_S)
        return bool(heard) and os.read(handles[1], KIB).startswith(b"0")
    except OSError:
        return False
    finally:
        for handle in handles:
            os.close(handle)


def serial(hands: Hands) -> Injected | None:
    """A receiver that is pulled out, or a line full of noise and of frames cut short."""
    free = [name for name in hands.village.homes if name not in hands.busy]
    if not free:
        return None
    home = hands.village.homes[hands.r.choice(free)]
    if hands.r.random() < 0.5:
        home.unplug()
        return Injected(victim=home.name, lasts_s=hands.r.uniform(0.2, 4.0), undo=home.plug)
    # Without a byte that ends a frame: what is heard must have been pressed.
    noise = bytes(hands.r.choices(NOISE, k=hands.r.randint(1, NOISE_BYTES_MAX)))
    home.send(noise + PRESS_BEGINS[: hands.r.randint(2, len(PRESS_BEGINS))])
    return Injected(victim=home.name, lasts_s=0.0, undo=lambda: None)


FAULTS: Final[Mapping[str, Callable[[Hands], Injected | None]]] = {
    "kill": kill,
    "stop": stop,
    "term": term,
    "net": net,
    "slow": slow,
    "full": full,
    "ro": ro,
    "fsync": fsync,
    "serial": serial,
}
