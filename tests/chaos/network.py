"""Stations on lines of their own to the broker's side, in network namespaces of this run.

The runner lives in a namespace with nothing else in it; each station (the hub, every gateway) has
one beside it and a veth pair between. All of it goes with the run's last process.
"""

import subprocess
from pathlib import Path
from typing import Final

NETNS: Final = Path("/run/netns")
_TABLE: Final = "inet chaos"


def tool(*words: str) -> None:
    """RuntimeError with what it said when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


class Lines:
    """`address` of the broker as a station sees it, and faults on one station's line."""

    def __init__(self, stations: list[str]) -> None:
        self._numbers = {station: number for number, station in enumerate(stations, start=1)}
        tool("mkdir", "-p", str(NETNS))
        tool("mount", "-t", "tmpfs", "tmpfs", str(NETNS))
        tool("ip", "link", "set", "lo", "up")
        for station in stations:
            self._connect(station)
        tool("nft", f"add table {_TABLE}")
        for chain in ("input", "output"):
            hook = f"{{ type filter hook {chain} priority 0 ; }}"
            tool("nft", f"add chain {_TABLE} {chain} {hook}")

    def _connect(self, station: str) -> None:
        near = self.line(station)
        tool("ip", "netns", "add", station)
        tool("ip", "link", "add", near, "type", "veth", "peer", "name", "up0", "netns", station)
        tool("ip", "address", "add", f"{self.address(station)}/30", "dev", near)
        tool("ip", "link", "set", near, "up")
        far = f"10.77.{self._numbers[station]}.2/30"
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", far, "dev", "up0"),
            ("link", "set", "up0", "up"),
        ):
            tool("ip", "-n", station, *words)

    def line(self, station: str) -> str:
        return f"to-{station}"

    def address(self, station: str) -> str:
        return f"10.77.{self._numbers[station]}.1"

    def inside(self, station: str) -> list[str]:
        """What a command is begun with to run at this station."""
        return ["nsenter", f"--net={NETNS / station}"]

    # Faults.

    def cut(self, station: str) -> None:
        tool("ip", "link", "set", self.line(station), "down")

    def mend(self, station: str) -> None:
        tool("ip", "link", "set", self.line(station), "up")

    def lose(self, station: str, percent: int, *, towards_us: bool, reset: bool = False) -> None:
        """One direction loses this share of its packets, silently or (all of them) by a reset."""
        chain, side = ("input", "iifname") if towards_us else ("output", "oifname")
        match = f'{side} "{self.line(station)}"'
        verdict = "drop" if percent >= 100 else f"numgen random mod 100 < {percent} drop"
        if reset:
            verdict = "meta l4proto tcp reject with tcp reset"
        tool("nft", f"add rule {_TABLE} {chain} {match} {verdict}")

    def lose_nothing(self, lost: dict[str, tuple[int, bool, bool]]) -> None:
        """Only what `lost` says (station -> percent, towards_us, reset) is lost from now on."""
        for chain in ("input", "output"):
            tool("nft", f"flush chain {_TABLE} {chain}")
        for station, (percent, towards_us, reset) in lost.items():
            self.lose(station, percent, towards_us=towards_us, reset=reset)

    def slow(self, station: str, rate: str) -> None:
        """Both directions; a queue of two seconds, then loss."""
        shape = ("root", "tbf", "rate", rate, "burst", "2000", "latency", "2s")
        tool("tc", "qdisc", "replace", "dev", self.line(station), *shape)
        tool("tc", "-n", station, "qdisc", "replace", "dev", "up0", *shape)

    def fast(self, station: str) -> None:
        tool("tc", "qdisc", "del", "dev", self.line(station), "root")
        tool("tc", "-n", station, "qdisc", "del", "dev", "up0", "root")
