"""How workers share a stream's shards: each says how many it has, and who has two more than another
gives one back. Pure.

The broker hands a shard to whoever has waited for it longest, and leaves it there: the first worker
to start would have all of them for ever. One that comes later gets its part this way; whom the
broker chooses instead gives on.
"""

import json
from typing import Final

# A shard of which nobody speaks, and a worker that has come, are known within this.
TICK_S: Final = 2.0
# Who has said nothing for so many ticks is gone.
_TICKS_KEPT: Final = 3
# A shard that was given is counted at the other one by then.
_TICKS_BETWEEN: Final = 2
# As long as ticks lie unheard in a shard, where all of its readers are behind.
TICK_KEPT_MS: Final = 10_000
# Many times what a county runs: names that anybody makes up are bounded.
_WORKERS_MAX: Final = 1000


class Sharing:
    """Of one worker, whose name is `me`."""

    def __init__(self, me: str) -> None:
        self.me = me
        self._others: dict[str, tuple[float, int]] = {}
        self._gave_s: float | None = None

    def says(self, shards: int | None) -> bytes:
        """`shards`: how many are here; None: give us none, for one has just failed."""
        return json.dumps({"worker": self.me, "shards": shards}).encode()

    def heard(self, body: bytes, now_s: float) -> None:
        try:
            said = json.loads(body)
            worker, shards = said["worker"], said["shards"]
        except (ValueError, KeyError, TypeError):
            return
        if not isinstance(worker, str) or worker == self.me:
            return
        if isinstance(shards, int):
            if worker in self._others or len(self._others) < _WORKERS_MAX:
                self._others[worker] = (now_s, shards)
        else:
            self._others.pop(worker, None)

    def gives(self, mine: int, now_s: float) -> bool:
        """Whether one of our shards is somebody else's part; asked once a tick."""
        since_s = now_s - _TICKS_KEPT * TICK_S
        self._others = {w: said for w, said in self._others.items() if said[0] >= since_s}
        if self._gave_s is not None and now_s - self._gave_s < _TICKS_BETWEEN * TICK_S:
            return False
        fewest = min((shards for _at, shards in self._others.values()), default=mine)
        if mine < fewest + 2:
            return False
        self._gave_s = now_s
        return True
