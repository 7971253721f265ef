"""What must hold of readings: nothing that a gateway accepted is lost, and nothing is stored twice.

As `oracle.py` does, this reads the rows on the simulated disks and believes no process.
"""

import json
from collections import Counter


class _Lane:
    """A gateway's telemetry lane: what it accepted, and what still waits."""

    def __init__(self) -> None:
        self.spool = ""
        self.last_seq = 0
        self.values: dict[int, float] = {}
        self.waiting: set[int] = set()
        # By the spool's budget, where it has one that small.
        self.evicted: set[int] = set()


class ReadingsOracle:
    """`fail` takes what was violated; `say` a line of the trace."""

    def __init__(self, demand, say) -> None:
        self._demand = demand
        self._say = say
        self.lanes: dict[str, _Lane] = {}
        # Spool -> (all up to here, [first, last] beyond), as the durable file has it.
        # The largest lane seen.
        self.bytes_max = self.rows_max = 0
        self.seqs: dict[str, int] = {}
        self.marks: dict[str, tuple[int, tuple[tuple[int, int], ...]]] = {}

    def has(self, spool: str, seq: int) -> bool:
        contiguous, beyond = self.marks.get(spool, (0, ()))
        return seq <= contiguous or any(first <= seq <= last for first, last in beyond)

    def spool_opened(self, gateway: str, connection) -> None:
        """I13: after each boot the file still holds what waited."""
        lane = self.lanes.setdefault(gateway, _Lane())
        found = {row[0] for row in connection.look("SELECT seq FROM item")}
        for seq in sorted(lane.waiting - found):
            held = self.has(lane.spool, seq)
            self._demand(held, f"I13 {gateway} lost the accepted reading {seq}")

    def spool_committed(
        self, gateway: str, connection, durable: bool, bytes_: int = 0, evicting: bool = False
    ) -> None:
        """`evicting`: this spool is so small that its oldest readings may go."""
        if not durable:
            return
        lane = self.lanes[gateway]
        lane.spool = connection.look("SELECT value FROM meta WHERE key = 'spool'")[0][0]
        for seq, item_id, body in connection.look(
            "SELECT seq, id, body FROM item WHERE seq > ? ORDER BY seq", lane.last_seq
        ):
            self.seqs[item_id] = seq
            self._demand(seq == lane.last_seq + 1, f"I5 {gateway}: reading {seq} follows")
            lane.last_seq = seq
            lane.waiting.add(seq)
            lane.values[seq] = json.loads(body)["values"].get("power_w", 0.0)
        left = {row[0] for row in connection.look("SELECT seq FROM item")}
        for seq in sorted(lane.waiting - left):
            held = self.has(lane.spool, seq)
            if not held and evicting:
                lane.evicted.add(seq)
                continue
            self._demand(held, f"I13 {gateway} forgets reading {seq}, which the hub has not stored")
        lane.waiting = left
        if bytes_ > self.bytes_max:
            self.bytes_max, self.rows_max = bytes_, len(left)

    def hub_committed(self, connection, durable: bool) -> None:
        if durable:
            self.marks = _marks(connection)

    def hub_boots(self, connection) -> None:
        """I13: what was durable is there, also after a power cut."""
        found = _marks(connection)
        self._demand(found == self.marks, f"I13 marks of readings {found}, were {self.marks}")

    def evicted(self) -> int:
        """Gone from a spool by its budget, and from nowhere else come to the hub."""
        return sum(
            not self.has(lane.spool, seq) for lane in self.lanes.values() for seq in lane.evicted
        )

    def acknowledged(self, spool: str, ids) -> None:
        """I13: the hub says that it has a reading only when it has."""
        for item_id in ids:
            seq = self.seqs.get(item_id)
            if seq is not None:
                self._demand(self.has(spool, seq), f"I13 ack of reading {seq} before its commit")

    def settled(self, stored: list[float], rolled_up: int, *, dated: bool) -> None:
        """`dated`: the gateways' clocks were right, so that every reading is kept by itself; what a
        wrong clock puts years away is summed up and may be forgotten."""
        accepted = Counter(
            value
            for lane in self.lanes.values()
            for seq, value in lane.values.items()
            if seq not in lane.evicted or self.has(lane.spool, seq)
        )
        for gateway, lane in self.lanes.items():
            waiting = sorted(lane.waiting)[:5]
            self._demand(not waiting, f"I13 {gateway} still holds the readings {waiting}")
        found = Counter(stored)
        many = sorted(found - accepted)[:5]
        self._demand(not many, f"I13 readings stored twice or invented: {many}")
        total = sum(accepted.values())
        self._demand(rolled_up == total or not dated, f"I13 {rolled_up} readings of {total}")
        missing = sorted(accepted - found)[:5]
        self._demand(not missing or not dated, f"I13 readings that are nowhere: {missing}")


def _marks(connection):
    return {
        spool: (contiguous, tuple(tuple(pair) for pair in json.loads(beyond)))
        for spool, contiguous, beyond in connection.look(
            "SELECT spool, contiguous, beyond FROM mark WHERE spool <> 'book-events'"
        )
    }
