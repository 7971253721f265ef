"""What was accepted and what boards were told, against what is stored. Pure: rows in, words out.

Presses are judged as those of the chaos (`tests.chaos.checker`): each in the book once, in one
alarm, which has one task. Here are readings, boards, steps of alarms and takeovers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

# A shard is without a worker no longer than this.
TAKEOVER_MOST_S: Final = 10.0


class Spooled(NamedTuple):
    """A gateway's spool of readings: it has accepted the items 1 … `last_seq`. Those of its meter
    say numbers, each once, all of them from `said`."""

    gateway: str
    spool: str
    last_seq: int
    said: frozenset[int]


class Kept(NamedTuple):
    """What the store has of a gateway. `numbers`: its meter's, as often as they were written;
    `others`: readings of anything else, each counted once."""

    numbers: Sequence[int]
    others: int = 0


class Mark(NamedTuple):
    """What the hub says of a spool: all up to `contiguous` has come; and ranges behind a gap."""

    contiguous: int
    beyond: str


class Takeover(NamedTuple):
    """A worker was killed, and something was another one's after so long; None: never."""

    kill: int
    what: str
    seconds: float | None


@dataclass(slots=True)
class Verdict:
    """In words, each list; empty: as it should be."""

    accepted: int = 0
    found: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def check_readings(
    spools: Iterable[Spooled], kept: Mapping[str, Kept], marks: Mapping[str, Mark]
) -> Verdict:
    verdict = Verdict()
    for spool in spools:
        of_it = kept.get(spool.gateway, Kept(()))
        times = Counter(of_it.numbers)
        found = len(times) + of_it.others
        verdict.accepted += spool.last_seq
        verdict.found += found
        name = spool.gateway
        if found < spool.last_seq:
            missing = sorted(spool.said - set(times))[:5]
            verdict.lost.append(
                f"{name}: {spool.last_seq} readings, {found} stored, {of_it.others} of them not"
                f" of the meter; missing {missing} of {len(spool.said)}"
            )
        if found > spool.last_seq:
            verdict.unknown.append(f"{name}: {spool.last_seq} readings, {found} stored")
        verdict.doubled += [f"{name}: reading {n}, {i} times" for n, i in times.items() if i > 1]
        verdict.unknown += [f"{name}: reading {n}" for n in sorted(set(times) - spool.said)]
        verdict.lost += _gaps(spool, marks.get(spool.spool, Mark(0, "")))
    return verdict


def _gaps(spool: Spooled, mark: Mark) -> list[str]:
    """The hub's own count of what came, by the gateway's numbers."""
    if mark.contiguous == spool.last_seq:
        return []
    behind = f", and {mark.beyond}" if mark.beyond not in ("", "[]") else ""
    return [f"{spool.gateway}: numbers up to {mark.contiguous}{behind} of {spool.last_seq}"]


def check_board(name: str, heard: Sequence[int], entries: Iterable[int], resets: int) -> Verdict:
    """`heard`: numbers of entries in the order in which the board was told; `entries`: those of the
    book that it should have been told since it was opened, in their order."""
    expected = list(entries)
    verdict = Verdict(accepted=len(expected), found=len(set(heard) & set(expected)))
    missing = sorted(set(expected) - set(heard))
    if missing:
        verdict.lost.append(f"{name}: {len(missing)} entries not told, {missing[0]} the first")
    if resets:
        verdict.lost.append(f"{name}: told {resets} times to begin anew")
    twice = [number for number, times in Counter(heard).items() if times > 1]
    if twice:
        verdict.doubled.append(f"{name}: {len(twice)} entries twice, {twice[0]} the first")
    if strangers := sorted(set(heard) - set(expected)):
        verdict.unknown.append(f"{name}: {len(strangers)} that are not in the book: {strangers[0]}")
    backwards = sum(after < before for before, after in pairwise(heard))
    if backwards:
        verdict.doubled.append(f"{name}: {backwards} times back to an older entry")
    return verdict


def check_steps(told: Iterable[tuple[str, int, int]]) -> list[str]:
    """(alarm, round, step) of each time that somebody was called."""
    return [f"{step} told {times} times" for step, times in Counter(told).items() if times > 1]


def check_takeovers(takeovers: Iterable[Takeover]) -> list[str]:
    wrong = []
    for taken in takeovers:
        if taken.seconds is None:
            wrong.append(f"kill {taken.kill}: {taken.what} was nobody's to the end")
        elif taken.seconds > TAKEOVER_MOST_S:
            wrong.append(f"kill {taken.kill}: {taken.what} was nobody's for {taken.seconds:.1f} s")
    return wrong
