"""The live stream: what was missed, read from the book, then the feed, without gap or double.

        subscribe to the feed
        read entries (last_id, …] from the table      what commits meanwhile waits in the
        send them, remember the last number           subscription's queue
        send from the queue what has a greater number

An entry is in the table before the feed announces it, so whatever commits around the moment of
subscribing is in one of the two, or in both and recognised by its number. A listener that is too
slow for its bounded queue starts over at the first line; nothing is lost, the book has it all.
"""

import json
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from operator import is_
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select, tuple_
from starlette.concurrency import run_in_threadpool

from dashboard.callers import Caller, refresh
from dashboard.heard import MOVES_PEOPLE, heard
from dashboard.permissions import topics_of
from dashboard.ports import Deps, Feed
from dashboard.problems import Problem
from dashboard.reads import (
    Row,
    alarm_documents,
    rows,
    stay_documents,
    task_documents,
)
from dashboard.register_reads import device_documents, gateway_documents
from dashboard.rule_reads import rule_object
from dashboard.screens.wall_view import TOPIC as WALL_TOPIC
from dashboard.screens.wall_view import heard_on_the_wall
from dashboard.visit_reads import visit_documents
from ledger.feed import FeedEvent, Overflow
from ledger.schema import ALARM, DEVICE, ENTRY, GATEWAY, STAY, TASK, VISIT
from ledger.unit_of_work import entry_object
from ledger.views import Document, to_json

# The rules as they are in force.
DescribeRules = Callable[[], Sequence[Mapping[str, object]]]

# Beyond this a client reloads its lists instead of hearing every entry.
MISSED_MAX: Final = 5_000
# Entries read from the table at once.
PAGE: Final = 500
# A browser waits this long before it connects again.
RETRY_MS: Final = 1_000
# Who was refused a stream asks for one again after this.
RETRY_AFTER_S: Final = "5"
# Screens of one account; more is a client that forgets to close.
STREAMS_PER_ACCOUNT_MAX: Final = 20
# Listeners that texts are prepared for while the disk has its turn: that is as short as a few of
# them take.
PREPARED_MAX: Final = 8


class Streams:
    """The open streams of this process: counted, bounded, and ended when the hub stops."""

    def __init__(self, feed: Feed, most: int) -> None:
        self.closing = False
        self._most = most
        self._feed = feed
        self._by_account: Counter[str] = Counter()
        # Who listens, by what they may hear.
        self._alike: dict[Hashable, list[Caller]] = {}
        self._latest: Sequence[FeedEvent] = ()
        self._texts: dict[Hashable, bytes] = {}
        feed.on_made = self.prepare

    @property
    def count(self) -> int:
        return self._by_account.total()

    def refusal(self, username: str) -> Problem | None:
        """Why this account gets no further stream now; a page goes on by asking then."""
        if self.closing:
            return _refused("closing", "the hub is stopping")
        if self._by_account[username] >= STREAMS_PER_ACCOUNT_MAX:
            detail = f"this account has {STREAMS_PER_ACCOUNT_MAX} open; close another"
            return _refused("too_many_own_streams", detail)
        if self.count >= self._most:
            return _refused("too_many_streams", f"{self._most} are open: ask for the lists instead")
        return None

    def close(self) -> None:
        """End every stream now; browsers connect again by themselves."""
        self.closing = True
        self._feed.nudge()

    def text(self, caller: Caller, batch: Sequence[FeedEvent]) -> bytes:
        """A batch as this caller may hear it: made once for all who see and know the same, who
        are woken by the same commit. Of the latest batch only; who lags has one of its own."""
        if not _same(batch, self._latest):
            self._latest, self._texts = batch, {}
        mine = _hears(caller)
        text = self._texts.get(mine)
        if text is None:
            topics = _topics(caller)
            text = self._texts[mine] = b"".join(
                frame(mine_of_it)
                for event in batch
                if event.topic in topics
                and caller.sees(event.region)
                and (mine_of_it := _heard(event, caller)) is not None
            )
        return text

    def prepare(self, batch: Sequence[FeedEvent]) -> None:
        """Make the texts of what is being committed, so that a screen waits for the disk alone.
        Whoever knows only some people is looked up anew first, and so is not prepared for."""
        for caller, *_others in islice(self._alike.values(), PREPARED_MAX):
            if caller.homes is None:
                self.text(caller, batch)

    @contextmanager
    def opened(self, caller: Caller) -> Iterator[None]:
        self._by_account[caller.username] += 1
        alike = self._alike.setdefault(_hears(caller), [])
        alike.append(caller)
        try:
            yield
        finally:
            self._by_account[caller.username] -= 1
            # A Counter keeps its zeros.
            self._by_account += Counter()
            alike.remove(caller)
            if not alike:
                del self._alike[_hears(caller)]


def _hears(caller: Caller) -> Hashable:
    """Alike for all who hear the same."""
    whom = (caller.homes, caller.opened, caller.contacts is None)
    return (caller.role, caller.area, caller.scopes, caller.region, caller.via == "screen", *whom)


def _same(one: Sequence[FeedEvent], other: Sequence[FeedEvent]) -> bool:
    """The very same events: their numbers may have been others', whose commit failed."""
    return len(one) == len(other) and all(map(is_, one, other))


def _refused(code: str, detail: str) -> Problem:
    return Problem(503, code, detail, headers={"Retry-After": RETRY_AFTER_S})


# The caller as it is now, None: it may listen no more.
Again = Callable[[Deps, Caller], Awaitable[Caller | None]]


async def refreshed(deps: Deps, caller: Caller) -> Caller | None:
    return await refresh(deps, caller.digest, caller.via)


async def events(
    deps: Deps, streams: Streams, caller: Caller, last_id: int | None, again: Again = refreshed
) -> AsyncIterator[bytes]:
    """The text of the stream for one client, until its session ends or it goes away."""
    topics = _topics(caller)
    sent = last_id
    with streams.opened(caller):
        yield f"retry: {RETRY_MS}\n\n".encode()
        while not streams.closing:
            subscription = deps.feed.subscribe()
            after = deps.feed.last_seq if sent is None else sent
            try:
                newest = await run_in_threadpool(_newest, deps)
                # A number from the future: the book was restored from a backup.
                if newest - after > MISSED_MAX or after > newest:
                    yield f"id: {newest}\nevent: reset\ndata: {{}}\n\n".encode()
                    after = newest
                while after < newest:
                    span = (after, newest)
                    missed = await run_in_threadpool(_page, deps, caller, topics, span)
                    after = missed[-1].seq if len(missed) == PAGE else newest
                    if missed:
                        told = (_heard(event, caller) for event in missed)
                        yield b"".join(frame(event) for event in told if event is not None)
                sent = after
                # Tells a client that hears nothing yet where to resume.
                yield b"id: %d\n: ready\n\n" % sent
                checked_ms = deps.wall_ms()
                while not streams.closing:
                    batch = await subscription.take(deps.keepalive_s)
                    # A busy stream never times out; its session is looked at all the same.
                    if not batch or deps.wall_ms() - checked_ms > deps.keepalive_s * 1000:
                        if not await _still_signed_in(deps, caller, again):
                            return
                        checked_ms = deps.wall_ms()
                    if not batch:
                        yield b"id: %d\n: keepalive\n\n" % sent
                        continue
                    fresh = [event for event in batch if event.seq > sent]
                    if not fresh:
                        continue
                    text = streams.text(await _as_now(deps, caller, fresh), fresh)
                    sent = fresh[-1].seq
                    if text:
                        yield text
            except Overflow:
                continue
            finally:
                subscription.close()


async def _as_now(deps: Deps, caller: Caller, batch: Sequence[FeedEvent]) -> Caller:
    """Anew where whom the caller knows may have changed: she was sent to somebody, or called."""
    if caller.homes is None:
        return caller
    if not any(event.topic in MOVES_PEOPLE and caller.sees(event.region) for event in batch):
        return caller
    # A session that has ended is found out a moment later; until then it knows nobody.
    now = await refresh(deps, caller.digest, caller.via)
    return replace(caller, homes=frozenset()) if now is None else now


async def _still_signed_in(deps: Deps, caller: Caller, again: Again) -> bool:
    """An open board counts as being used; a session that has ended ends its streams."""
    now = await again(deps, caller)
    return (
        now is not None and not now.limit and (now.role, now.region) == (caller.role, caller.region)
    )


def _topics(caller: Caller) -> frozenset[str]:
    return frozenset({WALL_TOPIC}) if caller.via == "screen" else topics_of(caller.can)


def _heard(event: FeedEvent, caller: Caller) -> FeedEvent | None:
    return heard_on_the_wall(event) if caller.via == "screen" else heard(event, caller)


def frame(event: FeedEvent) -> bytes:
    """One event as it goes over the wire; the payload is JSON on a single line already."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.topic.encode(), event.payload)


def _newest(deps: Deps) -> int:
    with deps.engine.connect() as connection:
        return connection.scalar(select(func.max(ENTRY.c.seq))) or 0


def _page(
    deps: Deps, caller: Caller, topics: frozenset[str], span: tuple[int, int]
) -> Sequence[FeedEvent]:
    """The next entries that this caller may hear, each with its object as it is now."""
    wanted = (
        select(ENTRY)
        .where(ENTRY.c.seq > span[0], ENTRY.c.seq <= span[1])
        .where(ENTRY.c.topic.in_(topics), caller.visible(ENTRY.c.region))
        .order_by(ENTRY.c.seq)
        .limit(PAGE)
    )
    with deps.engine.connect() as connection:
        entries = rows(connection, wanted)
        return _told(connection, entries, deps.rules.describe, deps.clock.now_ms())


def entries_behind(
    engine: Engine, seq: int, rules: DescribeRules, now_ms: int
) -> Sequence[FeedEvent]:
    """The next entries of the book, whoever wrote them, each with its object as it is now."""
    wanted = select(ENTRY).where(ENTRY.c.seq > seq).order_by(ENTRY.c.seq).limit(PAGE)
    with engine.connect() as connection:
        entries = rows(connection, wanted)
        return _told(connection, entries, rules, now_ms) if entries else ()


def _told(
    connection: Connection, entries: Sequence[Row], rules: DescribeRules, now_ms: int
) -> Sequence[FeedEvent]:
    objects = {
        topic: {str(rule["name"]): rule_object(rule) for rule in rules()}
        if topic == "rule"
        else _objects(connection, topic, _subjects(entries, topic), now_ms)
        for topic in {entry["topic"] for entry in entries}
    }
    return [_event(entry, objects[entry["topic"]].get(entry["subject"])) for entry in entries]


def _event(entry: Row, document: Document | None) -> FeedEvent:
    fields = {**entry, "data": json.loads(entry["data"])}
    return FeedEvent(
        seq=entry["seq"],
        topic=entry["topic"],
        region=entry["region"],
        payload=to_json({"entry": entry_object(fields), "object": document}),
    )


def _subjects(entries: Iterable[Row], topic: str) -> set[str]:
    return {entry["subject"] for entry in entries if entry["topic"] == topic}


def _objects(
    connection: Connection, topic: str, subjects: set[str], now_ms: int
) -> dict[str, Document]:
    """Documents by the subject of their entries."""
    if not subjects:
        return {}
    if topic == "device":
        keys = [tuple(subject.split("/", 1)) for subject in subjects if "/" in subject]
        wanted = select(DEVICE).where(tuple_(DEVICE.c.gateway, DEVICE.c.device).in_(keys))
        return {
            f"{document['gateway']}/{document['device']}": document
            for document in device_documents(connection, rows(connection, wanted), now_ms)
        }
    if topic in _WITHOUT_OBJECT:
        return {}
    if topic == "task":
        tasks = rows(connection, select(TASK).where(TASK.c.id.in_(subjects)))
        return {document["id"]: document for document in task_documents(connection, tasks, now_ms)}
    if topic not in _BY_ID:
        return {}
    table, documents = _BY_ID[topic]
    found = rows(connection, select(table).where(table.c.id.in_(subjects)))
    return {document["id"]: document for document in documents(connection, found)}


_BY_ID: Final[dict[str, tuple[Any, Any]]] = {
    "alarm": (ALARM, alarm_documents),
    "visit": (VISIT, visit_documents),
    "gateway": (GATEWAY, gateway_documents),
    "stay": (STAY, stay_documents),
}
# Their entry says what it is about; who wants more asks for it.
_WITHOUT_OBJECT: Final = frozenset(
    {
        "assessment",
        "care",
        "handover",
        "money",
        "person",
        "plan",
        "provider",
        "referral",
        "rota",
    }
)
