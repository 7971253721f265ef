"""What must hold, checked at every commit, tone, acknowledgement and answer to a human.

The oracle believes nothing that a process says: it reads the rows on the simulated disks. Safety is
checked at each step; `settled` asks, after everything has healed, that nothing was left over.
The numbers of the invariants are those of docs/simulation.md.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence

from alarms.lifecycle import SELF_CLOSING
from contract.codec import decode_ack
from tests.simulation.readings_oracle import ReadingsOracle
from tests.simulation.response_oracle import Violation
from tests.simulation.steps_oracle import StepsOracle

# Read from the table of life cycles in docs/architecture.md, not from the code under test.
_MOVES = {
    "open": {"open", "acknowledged", "in_response", "closed"},
    # Back to open when nobody did anything with it in time.
    "acknowledged": {"open", "acknowledged", "in_response", "closed"},
    "in_response": {"in_response", "closed"},
    "closed": {"closed"},
}
_TASK_MOVES = {
    "open": {"open", "accepted", "cancelled"},
    "accepted": {"accepted", "departed", "arrived", "completed", "cancelled"},
    "departed": {"departed", "arrived", "completed", "cancelled"},
    "arrived": {"arrived", "completed", "cancelled"},
    "completed": {"completed"},
    "cancelled": {"cancelled"},
}
_QUIET = ("test", "clear")
# What a clock of a thousandth drift is off at the end of the longest run, and the last look at it.
DRIFT_MS = 2_000
KEPT_MS = 29 * 86_400_000
# Facts that one human alone may bring about, once for each alarm or task.
_ONCE = ("acknowledged", "accepted", "completed", "closed", "raised", "created")


class _SpoolView:
    """What is known of one gateway's activation lane."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.spool = ""
        # seq -> (id, press number or None, action)
        self.rows: dict[int, tuple[str, int | None, str]] = {}
        self.waiting: set[int] = set()
        # Since the last boot: what may be heard, and what was.
        self.audible: Counter[str] = Counter()
        self.heard: Counter[str] = Counter()


class Oracle:
    """Remembers the first violation; `on_failure` is called with it."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.failure: str | None = None
        self.on_failure: Callable[[], None] = lambda: None
        # Whether the hub runs, with a disk that takes what it writes.
        self.hub_is_well: Callable[[], bool] = lambda: True
        self.trace: list[str] = []
        self.spools: dict[str, _SpoolView] = {}
        self.events: dict[str, tuple] = {}
        self._received: dict[str, set[int]] = {}
        # Presses with a time to be believed, by how it came about.
        self.dated: Counter[str] = Counter()
        self._pressed: dict[int, list[int]] = {}
        self._last_event = 0
        self._last_entry = 0
        self._feed_seq = 0
        self._alarms: dict[str, str] = {}
        self._tasks: dict[str, str] = {}
        self._facts: Counter[tuple[str, str]] = Counter()
        self._closers: dict[str, set[str]] = {}
        # What a human was told: (alarm or task, move) -> who.
        self.told: dict[tuple[str, str], str] = {}
        # Rows of the outbox that made a telephone ring, and how often; a liar's 0.
        self.rung: Counter[str] = Counter()
        self._long_waiting: set[str] = set()
        self.readings = ReadingsOracle(self.demand, self.say)
        self.steps = StepsOracle(lambda: int(self._now_s() * 1000))

    def say(self, line: str) -> None:
        self.trace.append(f"{self._now_s():10.4f} {line}")

    def fail(self, what: str) -> None:
        if self.failure is None:
            self.failure = what
            self.say(f"VIOLATED {what}")
            self.on_failure()

    def demand(self, holds: bool, what: str) -> None:
        if not holds:
            self.fail(what)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    # The gateway.

    def pressed(self, number: int, at_ms: int) -> None:
        """When it truly was; a frame that nobody heard comes again."""
        self._pressed.setdefault(number, []).append(at_ms)

    def gateway_boots(self, gateway: str) -> None:
        view = self.spools.setdefault(gateway, _SpoolView())
        view.audible.clear()
        view.heard.clear()

    def spool_opened(self, gateway: str, connection) -> None:
        """I1: after each boot the file still holds all that was durable."""
        view = self.spools[gateway]
        found = {row[0] for row in connection.look("SELECT seq FROM item")}
        for seq in sorted(view.waiting - found):
            self.demand(
                view.rows[seq][0] in self.events, f"I1 {gateway} lost the accepted item {seq}"
            )

    def spool_committed(self, gateway: str, connection, durable: bool) -> None:
        """After each commit of the activation lane."""
        if not durable:
            self.say(f"{gateway} commits without a sync")
            return
        view = self.spools[gateway]
        view.spool = connection.look("SELECT value FROM meta WHERE key = 'spool'")[0][0]
        new = connection.look(
            "SELECT seq, id, body FROM item WHERE seq > ? ORDER BY seq", view.last_seq
        )
        for seq, item_id, body in new:
            self._accepted(gateway, view, seq, item_id, json.loads(body))
        left = {r[0] for r in connection.look("SELECT seq FROM item WHERE acked_at_ms IS NULL")}
        for seq in sorted(view.waiting - left):
            self.demand(
                view.rows[seq][0] in self.events,
                f"I4 {gateway} forgets item {seq}, which the hub has not committed",
            )
        view.waiting = left

    def _accepted(self, gateway: str, view: _SpoolView, seq: int, item_id: str, body) -> None:
        self.demand(seq == view.last_seq + 1, f"I5 {gateway}: {seq} follows {view.last_seq}")
        view.last_seq = seq
        attrs = body["attrs"]
        view.rows[seq] = (item_id, attrs.get("press"), str(attrs.get("action", "")))
        view.waiting.add(seq)
        view.audible[body["device"]] += 1
        self.say(f"{gateway} commits {seq}: {body['kind']} {attrs.get('press', '')}")

    def tone(self, gateway: str, device: str, kind: str) -> None:
        """I2: the elder hears it only when it is durable."""
        view = self.spools[gateway]
        view.heard[device] += 1
        self.demand(
            view.heard[device] <= view.audible[device],
            f"I2 {gateway}: a tone at {device} for a {kind} that is not on the disk",
        )

    # The hub.

    def hub_boots(self, connection, readings) -> None:
        """I1: what was durable is there, also after a power cut."""
        count, last = connection.look("SELECT count(*), coalesce(max(seq), 0) FROM event")[0]
        self.demand(count == len(self.events), f"I1 the hub has {count} of {len(self.events)}")
        entries = connection.look("SELECT coalesce(max(seq), 0) FROM entry")[0][0]
        self.demand(entries == self._last_entry, f"I9 entries {entries}, were {self._last_entry}")
        self._feed_seq = self._last_entry
        if readings is not None:
            self.readings.hub_boots(readings)
        self.steps.read_from(connection)
        self.say(f"hub has {count} events to {last}, {entries} entries")

    def hub_committed(self, connection, durable: bool) -> None:
        if not durable:
            self.say("hub commits without a sync")
            return
        holes = self._holes()
        self._new_events(connection)
        holes |= self._holes()
        entries = connection.look(
            "SELECT seq, topic, subject, fact, actor FROM entry WHERE seq > ? ORDER BY seq",
            self._last_entry,
        )
        changed: dict[str, set[str]] = {"alarm": set(), "task": set()}
        for seq, topic, subject, fact, actor in entries:
            self.demand(seq == self._last_entry + 1, f"I9 entry {seq} follows {self._last_entry}")
            self._last_entry = seq
            if topic in changed:
                changed[topic].add(subject)
                self.say(f"hub {topic} {subject[:8]} {fact} by {actor}")
                self._fact(subject, fact)
                if topic == "alarm" and fact == "raised":
                    self._about_a_hole(connection, subject, holes)
        for alarm in sorted(changed["alarm"]):
            self._alarm_changed(connection, alarm)
        for task in sorted(changed["task"]):
            row = connection.look("SELECT state FROM task WHERE id = ?", task)[0]
            self._moved("I6 task", task, self._tasks, _TASK_MOVES, row[0])
        try:
            self.steps.committed(well=self.hub_is_well())
        except Violation as violation:
            self.fail(f"I14 {violation}")

    def _holes(self) -> set[str]:
        """Gateways of which something is missing below the highest number that came."""
        return {gateway for gateway, seqs in self._received.items() if max(seqs) > len(seqs)}

    def _about_a_hole(self, connection, alarm: str, holes: set[str]) -> None:
        sql = "SELECT kind, gateway FROM alarm WHERE id = ?"
        kind, gateway = connection.look(sql, alarm)[0]
        if kind == "spool_gap":
            self.demand(gateway in holes, f"I11 {gateway} is said to have lost what still waits")

    def _new_events(self, connection) -> None:
        rows = connection.look(
            "SELECT seq, id, gateway, spool, spool_seq, kind, attrs, alarm, measured_at_ms"
            " FROM event WHERE seq > ? ORDER BY seq",
            self._last_event,
        )
        for seq, item_id, gateway, spool, spool_seq, kind, raw_attrs, alarm, at_ms in rows:
            self._last_event = seq
            self.demand(item_id not in self.events, f"I3 {gateway} {spool_seq} is stored twice")
            view = self.spools.get(gateway)
            known = view is not None and view.rows.get(spool_seq, ("",))[0] == item_id
            self.demand(known, f"I1 {gateway} {spool_seq} was never durable at its gateway")
            attrs = json.loads(raw_attrs)
            action = attrs.get("action")
            self._dated(f"{gateway} {spool_seq}", attrs, at_ms)
            loud = kind == "sos" and action not in _QUIET
            self.demand(not loud or alarm is not None, f"I7 {gateway} {spool_seq} has no alarm")
            self.events[item_id] = (gateway, spool, spool_seq, alarm)
            self._received.setdefault(gateway, set()).add(spool_seq)
            self.say(f"hub commits {gateway} {spool_seq}")

    def _dated(self, what: str, attrs, at_ms: int) -> None:
        """I12: a time that is not marked doubtful is true."""
        truth = self._pressed.get(attrs.get("press", 0))
        if truth is None or attrs.get("time") == "doubtful":
            return
        off_ms = min(abs(at_ms - true_ms) for true_ms in truth)
        self.demand(off_ms <= DRIFT_MS, f"I12 {what} is dated {off_ms} ms beside the press")
        self.dated[attrs.get("time", "trusted")] += 1

    def _fact(self, subject: str, fact: str) -> None:
        if fact == "ack_expired":
            # Whoever had it did nothing, by clocks that may be wrong: it is there to be had again.
            self._facts.pop((subject, "acknowledged"), None)
            self.told.pop((subject, "acknowledge"), None)
        self._facts[(subject, fact)] += 1
        if fact in _ONCE:
            self.demand(self._facts[(subject, fact)] == 1, f"I8 {subject[:8]} {fact} twice")

    def _alarm_changed(self, connection, alarm: str) -> None:
        state, kind, severity, closed_by = connection.look(
            "SELECT state, kind, severity, closed_by FROM alarm WHERE id = ?", alarm
        )[0]
        self._moved("I6 alarm", alarm, self._alarms, _MOVES, state)
        if state == "closed" and kind not in SELF_CLOSING:
            self.demand(
                closed_by in self._closers.get(alarm, ()),
                f"I6 alarm {alarm[:8]} ({kind}) was closed by {closed_by}, who did not ask for it",
            )
        tasks = connection.look("SELECT count(*) FROM task WHERE alarm = ?", alarm)[0][0]
        wanted = (1,) if severity == "urgent" else (0, 1)
        self.demand(tasks in wanted, f"I7 {severity} alarm {alarm[:8]} has {tasks} tasks")

    def _moved(self, what: str, key: str, known: dict[str, str], moves, state: str) -> None:
        before = known.get(key)
        allowed = {"open"} if before is None else moves[before]
        # Raised and taken in one commit is two moves; what lies between was allowed too.
        reachable = moves["open"] if before is None else allowed
        self.demand(state in reachable, f"{what} {key[:8]}: {before} to {state}")
        known[key] = state

    def feed(self, events: Sequence) -> None:
        """I9: the live feed has every entry, in order, after its commit."""
        for event in events:
            self.demand(
                event.seq == self._feed_seq + 1, f"I9 feed {event.seq} after {self._feed_seq}"
            )
            self.demand(event.seq <= self._last_entry, f"I9 feed {event.seq} is not committed")
            self._feed_seq = event.seq

    def acknowledged(self, payload: bytes) -> None:
        """I3: the hub says that it has an item only when it has."""
        ack = decode_ack(payload)
        for item_id in ack.ids:
            self.demand(item_id in self.events, f"I3 ack of {item_id[:8]} before its commit")

    # Humans.

    def asks(self, who: str, move: str, subject: str) -> None:
        if move == "close":
            self._closers.setdefault(subject, set()).add(who)

    def was_told(self, who: str, move: str, subject: str) -> None:
        """I8: one winner; and what a human was told is in the book."""
        self.say(f"{who} is told: {move} {subject[:8]}")
        other = self.told.setdefault((subject, move), who)
        self.demand(other == who or move == "close", f"I8 {move} {subject[:8]}: {other} and {who}")

    def rang(self, channel: str, row: str, times: int) -> None:
        self.rung[row] += times
        self.say(f"{channel} rings {times}x")

    # The end.

    def nearly_settled(self, hub) -> None:
        """What waits now has waited long enough by the end."""
        rows = hub.look("SELECT id FROM outbox WHERE state = 'pending'")
        self._long_waiting = {row[0] for row in rows}

    def settled(self, hub) -> None:
        """I10: everything accepted has arrived, once, and nothing waits."""
        for gateway, view in self.spools.items():
            self.demand(not view.waiting, f"I10 {gateway} still holds {sorted(view.waiting)[:5]}")
            for seq, (item_id, _press, _action) in view.rows.items():
                count = hub.look("SELECT count(*) FROM event WHERE id = ?", item_id)[0][0]
                self.demand(count == 1, f"I10 {gateway} {seq} has {count} events")
            mark = hub.look("SELECT contiguous FROM spool_mark WHERE spool = ?", view.spool)
            if view.last_seq:
                self.demand(mark == [(view.last_seq,)], f"I10 mark of {gateway}: {mark}")
        for (subject, move), who in self.told.items():
            fact = {"acknowledge": "acknowledged", "accept": "accepted", "close": "closed"}[move]
            rows = hub.look("SELECT actor FROM entry WHERE subject = ? AND fact = ?", subject, fact)
            self.demand((who,) in rows, f"I8 {who} was told {move} {subject[:8]}: {rows}")
        waiting = [
            row
            for row in hub.look(
                "SELECT id, channel, attempts, detail FROM outbox WHERE state = 'pending'"
            )
            if row[0] in self._long_waiting
        ]
        self.demand(not waiting, f"I10 not sent: {waiting[:3]}")
        self._all_were_told(hub)
        gaps = hub.look(
            "SELECT count(*) FROM alarm WHERE kind = 'spool_gap' AND state <> 'closed'"
        )[0][0]
        self.demand(gaps == 0, f"I10 {gaps} open alarms about holes where nothing was lost")
        orphans = hub.look(
            "SELECT count(*) FROM event LEFT JOIN alarm ON alarm.id = event.alarm"
            " WHERE event.alarm IS NOT NULL AND alarm.id IS NULL"
        )[0][0]
        self.demand(orphans == 0, f"I7 {orphans} events of alarms that don't exist")

    def _all_were_told(self, hub) -> None:
        """I15: whoever a step names has a notification for each way, and what the book calls
        delivered was said to a provider that called it so."""
        rows = hub.look("SELECT id, alarm, channel, recipient, step, state FROM outbox")
        written = {(alarm, channel, who, step) for _id, alarm, channel, who, step, _s in rows}
        # What is settled is kept for thirty days by the hub's clock, which may have leapt.
        kept_ms = hub.look("SELECT coalesce(max(at_ms), 0) FROM entry")[0][0] - KEPT_MS
        for alarm, round_, step, told in hub.look(
            "SELECT alarm, round, step, told FROM escalation_step WHERE at_ms > ?", kept_ms
        ):
            for who, channels in json.loads(told):
                for channel in channels:
                    key = (alarm, channel, who, f"{round_}.{step}")
                    self.demand(key in written, f"I15 {key} was never written")
        for row, alarm, channel, _who, step, state in rows:
            if step and state == "delivered":
                self.demand(row in self.rung, f"I15 {channel} of {alarm[:8]}: told nobody")
