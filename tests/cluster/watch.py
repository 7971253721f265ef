"""From each kill on, how long something stood still. Times come in; nothing is waited for here."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.cluster.judge import Takeover
from tests.cluster.plan import ESCALATION, WEB, WORKER, Kill

Stream = tuple[str, str]  # gateway, lane


@dataclass(slots=True)
class Watched:
    """One kill. `streams`: lanes of gateways that have had no item through since, made after it;
    `shards`: those that the killed worker held, with the number of the taking by which it did."""

    number: int
    kill: Kill
    at_s: float
    at_ms: int
    streams: set[Stream]
    shards: dict[int, int] = field(default_factory=dict)
    calls: bool = False
    still_s: float = 0.0
    takeovers: list[Takeover] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return not (self.streams or self.shards or self.calls)


class Watch:
    def __init__(self, streams: Iterable[Stream]) -> None:
        self._streams = frozenset(streams)
        self.open: list[Watched] = []
        self.closed: list[Watched] = []

    def killed(self, kill: Kill, at_s: float, at_ms: int) -> Watched:
        """Pages are nobody's way to the book: boards tell themselves how long they were away."""
        number = len(self.open) + len(self.closed) + 1
        streams = set() if kill.kind == WEB else set(self._streams)
        watched = Watched(number, kill, at_s, at_ms, streams, calls=kill.kind == ESCALATION)
        self.open.append(watched)
        self._close()
        return watched

    def held(self, watched: Watched, shards: dict[int, int]) -> None:
        """Found out a moment after the kill."""
        if watched in self.closed and shards:
            self.closed.remove(watched)
            self.open.append(watched)
        watched.shards = shards

    def acked(self, stream: Stream, made_s: float, now_s: float) -> None:
        """The hub has committed an item made then."""
        for watched in self.open:
            if made_s > watched.at_s and stream in watched.streams:
                watched.streams.discard(stream)
                self._moved(watched, "/".join(stream), now_s)
        self._close()

    def taken(self, fences: dict[int, int], now_s: float) -> None:
        """The number of the last taking of each shard of readings."""
        for watched in self.open:
            for shard, fence in list(watched.shards.items()):
                if fences.get(shard, fence) > fence:
                    del watched.shards[shard]
                    self._moved(watched, f"shard {shard}", now_s)
        self._close()

    def called(self, newest_ms: int, now_s: float) -> None:
        """When somebody was last called to an alarm, by the book's clock."""
        for watched in self.open:
            if watched.calls and newest_ms > watched.at_ms:
                watched.calls = False
                self._moved(watched, "calls", now_s)
        self._close()

    def end(self, now_s: float) -> None:
        """What has not come by now never came."""
        for watched in self.open:
            self._give_up(watched, now_s)
        self.closed += self.open
        self.open = []

    def _moved(self, watched: Watched, what: str, now_s: float) -> None:
        seconds = now_s - watched.at_s
        watched.still_s = max(watched.still_s, seconds)
        if watched.kill.kind == WORKER:
            watched.takeovers.append(Takeover(watched.number, what, seconds))

    def _give_up(self, watched: Watched, now_s: float) -> None:
        watched.still_s = max(watched.still_s, now_s - watched.at_s)
        if watched.kill.kind == WORKER:
            missing = ["/".join(stream) for stream in sorted(watched.streams)]
            missing += [f"shard {shard}" for shard in sorted(watched.shards)]
            watched.takeovers += [Takeover(watched.number, what, None) for what in missing]

    def _close(self) -> None:
        self.closed += [watched for watched in self.open if watched.done]
        self.open = [watched for watched in self.open if not watched.done]
