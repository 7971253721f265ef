"""What a run of the chaos is asked for: `KEY=VALUE` words, and what this machine can't do of it."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

BOOKS: Final = ("sqlite", "postgresql")
FAULTS: Final = ("kill", "stop", "term", "net", "slow", "full", "ro", "fsync", "serial")
# Want namespaces, mounts and traffic control of their own: root.
ROOT_FAULTS: Final = frozenset({"net", "slow", "full", "ro"})
FIU: Final = Path("/usr/lib/fiu")
KILLS: Final = 200
ACTIVATIONS_PER_KILL: Final = 20
GATEWAYS: Final = 10
MINUTES: Final = 90.0
# Between two kills, on average; a gateway's start takes half a second of a processor.
GAP_S: Final = 0.5
HUB: Final = "tests.chaos.counting_hub"
GATEWAY: Final = "gateway"
_KEYS: Final = (
    "KILLS", "ACTIVATIONS", "SEED", "BOOK", "FAULTS", "MINUTES", "GATEWAYS", "GAP", "VICTIMS",
    "RESULT", "KEEP", "HUB", "GATEWAY",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """minutes: the storm ends then, whatever it has reached. victims: what is killed, stopped and
    ended; empty: everything. hub, gateway: the modules that run; a test puts one with a planted
    mistake here. skipped: fault -> why it can't be had here."""

    kills: int = KILLS
    activations: int = KILLS * ACTIVATIONS_PER_KILL
    seed: int = 0
    book: str = "sqlite"
    faults: tuple[str, ...] = FAULTS
    minutes: float = MINUTES
    gateways: int = GATEWAYS
    gap_s: float = GAP_S
    victims: tuple[str, ...] = ()
    result: Path | None = None
    keep: Path | None = None
    hub: str = HUB
    gateway: str = GATEWAY
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def planted(self) -> bool:
        """One of its programs has a mistake: it goes on until that shows."""
        return (self.hub, self.gateway) != (HUB, GATEWAY)


def parse(words: list[str]) -> Options:
    """ValueError when a word makes no sense."""
    asked: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in _KEYS:
            raise ValueError(f"{word!r}: expected one of {', '.join(f'{k}=' for k in _KEYS)}")
        asked[key] = value
    kills = int(asked.get("KILLS", KILLS))
    book = asked.get("BOOK", "sqlite")
    if book not in BOOKS:
        raise ValueError(f"BOOK={book}: expected {' or '.join(BOOKS)}")
    faults = tuple(fault for fault in asked.get("FAULTS", ",".join(FAULTS)).split(",") if fault)
    if unknown := sorted(set(faults) - set(FAULTS)):
        raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    skipped = {fault: why for fault in faults if (why := missing(fault, book))}
    return Options(
        kills=kills,
        activations=int(asked.get("ACTIVATIONS", kills * ACTIVATIONS_PER_KILL)),
        seed=int(asked.get("SEED", "0")),
        book=book,
        faults=tuple(fault for fault in faults if fault not in skipped),
        minutes=float(asked.get("MINUTES", MINUTES)),
        gateways=int(asked.get("GATEWAYS", GATEWAYS)),
        gap_s=float(asked.get("GAP", GAP_S)),
        victims=tuple(name for name in asked.get("VICTIMS", "").split(",") if name),
        result=Path(asked["RESULT"]) if "RESULT" in asked else None,
        keep=Path(asked["KEEP"]) if "KEEP" in asked else None,
        hub=asked.get("HUB", HUB),
        gateway=asked.get("GATEWAY", GATEWAY),
        skipped=skipped,
    )


def missing(fault: str, book: str) -> str | None:
    """Why this fault can't be had on this machine, or None."""
    if fault in ROOT_FAULTS and os.geteuid() != 0:
        return "wants root: namespaces, mounts and traffic control of its own"
    wanted = {"net": ("ip", "nft", "nsenter"), "slow": ("ip", "tc", "nsenter")}.get(fault, ())
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    gone = [program for program in wanted if shutil.which(program, path=places) is None]
    if gone:
        return f"not installed: {', '.join(gone)}"
    if fault == "fsync" and not (FIU / "fiu_posix_preload.so").exists():
        return "not installed: fiu-utils"
    return None
