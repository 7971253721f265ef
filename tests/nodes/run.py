"""`./dev nodes`: three nodes of RabbitMQ, PostgreSQL, a hub and a gateway; nodes are killed while a
button is pressed. Nothing accepted may be lost or doubled, and it is told how long it stood still.

  ./dev nodes [KILLS=6] [SEED=0] [RESULT=FILE]
"""

import json
import random
import select
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.acceptance import rig as rigs
from tests.acceptance.rig import Rig, wait_until
from tests.adapters.deployment import Cluster
from tests.adapters.postgres import Postgres, postgres_server
from tests.adapters.rabbitmq import MISSING, Node, Server, installed, rabbitmq_server, version
from tests.nodes.balancer import Balancer
from tests.results import write_result

NODES: Final = 3
KILLS: Final = 6
# Between two presses; a button of its own each, so that none is the repeat of another.
PRESS_S: Final = 0.2
# Pressed so long before a kill, and after everything flows again.
CALM_S: Final = 3.0
# A node stays away so long: others take over, and it has something to catch up with.
AWAY_S: Final = 8.0
PATIENCE_S: Final = 300.0
_KEYS: Final = ("KILLS", "SEED", "RESULT")
_BUTTONS: Final = 0xFFFFF


class ThreeNodes(Cluster):
    """The hub knows every node, the gateway the balancer."""

    def __init__(
        self, folder: Path, postgres: Postgres, rabbitmq: Server, balancer: Balancer
    ) -> None:
        super().__init__(folder, postgres, rabbitmq)
        others = [f"127.0.0.1:{node.ports[0]}" for node in rabbitmq.nodes[1:]]
        self.hub_toml += f"nodes = {json.dumps(others)}\n"
        mqtt = rabbitmq.node.ports[1]
        self.uplink_toml = self.uplink_toml.replace(f"port = {mqtt}\n", f"port = {balancer.port}\n")


@dataclass
class Outcome:
    """`still_s`: from each kill until the first press after it was in the book."""

    kills: Counter[str] = field(default_factory=Counter)
    still_s: list[float] = field(default_factory=list)
    pressed: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)


class Storm:
    def __init__(self, rig: Rig, nodes: list[Node], seed: int) -> None:
        self._rig = rig
        self._nodes = nodes
        self._random = random.Random(seed)
        self.outcome = Outcome()

    def run(self, kills: int) -> Outcome:
        for number in range(kills):
            self._press_for(CALM_S)
            node = self._random.choice(self._nodes)
            before = set(self._rig.accepted())
            node.kill()
            killed_s = time.monotonic()
            self.outcome.kills[node.name] += 1
            self._until_it_flows(before)
            still_s = time.monotonic() - killed_s
            self.outcome.still_s.append(round(still_s, 1))
            _say(f"kill {number + 1} of {kills}: {node.name}, {still_s:.1f} s until it flows again")
            self._press_for(AWAY_S - (time.monotonic() - killed_s))
            node.start()
            node.wait()
        self._press_for(CALM_S)
        self._judge()
        return self.outcome

    def _press(self) -> None:
        self.outcome.pressed += 1
        self._rig.press(self.outcome.pressed % _BUTTONS)
        select.select([], [], [], PRESS_S)

    def _press_for(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._press()

    def _until_it_flows(self, before: set[str]) -> None:
        """A press that was made after the kill is in the book."""
        until_s = time.monotonic() + PATIENCE_S
        while not self._events() & (set(self._rig.accepted()) - before):
            if time.monotonic() > until_s:
                raise AssertionError(f"nothing flows {PATIENCE_S} s after a kill")
            self._press()

    def _events(self) -> set[str]:
        return {event for event, _alarm in self._rig.events()}

    def _judge(self) -> None:
        rig, found = self._rig, self.outcome
        wait_until(lambda: rig.unacknowledged() == 0, PATIENCE_S, "all is acknowledged")
        accepted, events = set(rig.accepted()), [event for event, _alarm in rig.events()]
        found.accepted = len(accepted)
        found.lost = len(accepted - set(events))
        found.doubled = len(events) - len(set(events))
        if set(events) - accepted:
            found.wrong.append("events that no gateway accepted")
        alarms = rig.alarms()
        if sum(count for _id, count, _state, _task in alarms) != len(events):
            found.wrong.append("an event that is in no alarm, or in two")
        if len({task for _id, _count, _state, task in alarms}) != len(alarms):
            found.wrong.append("an alarm without a task of its own")
        if {alarm for _event, alarm in rig.events()} != {alarm for alarm, *_rest in alarms}:
            found.wrong.append("an event without an alarm")


@contextmanager
def three_nodes(folder: Path) -> Iterator[tuple[Rig, Server]]:
    """Everything up, and a press gone through."""
    with postgres_server() as postgres, rabbitmq_server(NODES) as server:
        balancer = Balancer([node.ports[1] for node in server.nodes])
        made = partial(ThreeNodes, postgres=postgres, rabbitmq=server, balancer=balancer)
        rigs.made_by, before = made, rigs.made_by
        rig = Rig(folder)
        try:
            rig.start()
            wait_until(rig.ready, PATIENCE_S, "the hub answers")
            wait_until(rig.listening, PATIENCE_S, "the gateway listens")
            rig.press(_BUTTONS)
            wait_until(lambda: len(rig.events()) == 1, PATIENCE_S, "a press in the book")
            yield rig, server
        finally:
            rigs.made_by = before
            rig.close()
            balancer.close()


def _say(text: str) -> None:
    sys.stderr.write(f"[nodes] {text}\n")


def main(words: list[str]) -> int:
    asked: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in _KEYS:
            sys.stderr.write(f"{word!r}: expected KEY=VALUE\n{__doc__}")
            return 2
        asked[key] = value
    if not installed():
        sys.stderr.write(f"{MISSING}\n")
        return 2
    seed, kills = int(asked.get("SEED", "0")), int(asked.get("KILLS", KILLS))
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-nodes-"))
    try:
        with three_nodes(folder) as (rig, server):
            found = Storm(rig, server.nodes, seed).run(kills)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    counts: dict[str, Any] = {
        "kills": dict(found.kills), "pressed": found.pressed, "accepted": found.accepted,
        "lost": found.lost, "doubled": found.doubled, "still_s": found.still_s,
        "wrong": found.wrong,
    }  # fmt: skip
    sys.stdout.write(json.dumps(counts) + "\n")
    if "RESULT" in asked:
        command = f"./dev nodes KILLS={kills} SEED={seed}"
        versions = {"rabbitmq": version(), "nodes": str(NODES)}
        write_result(
            Path(asked["RESULT"]), command=command, seed=seed, counts=counts, versions=versions
        )
    return 1 if found.lost or found.doubled or found.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
