"""What the HTTP interface needs from the rest of the hub; the composition root fills it in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from alarms.arrival import Proof
from alarms.openings import Opening, Refused
from alarms.replies import Answered, LinkAnswer
from alarms.rota.side import RotaSide
from alarms.stays import NewStay
from alarms.visit_book import VisitBook
from alarms.visiting import FamilyTold, NewTask
from contract.errors import ContractError
from dashboard.enrolment_port import Enrolment, NoEnrolment
from dashboard.passwords import Passwords
from dashboard.request_rate import Rate
from dashboard.signing_in.settings import SigningIn
from ledger.documents.pdf import Printer
from ledger.erasure.eraser import Eraser
from ledger.erasure.periods import Periods
from ledger.feed import FeedEvent, FeedSubscription
from ledger.key_turns import KeyTurns
from ledger.register_changes import Changed
from ledger.rule_settings import NewSetting
from ledger.unit_of_work import UnitOfWork
from ledger.visits import NewVisit

T = TypeVar("T")

TaskMoveName = Literal["accept", "depart", "arrive", "complete"]

# A proxy or a phone network drops a silent connection after 30 to 60 s.
KEEPALIVE_S: Final = 15.0
# Streams of one process: each holds a connection, and a queue of at most 2,000 entries that all of
# them share. Who comes later asks by himself.
STREAMS_MAX: Final = 500
STATIC_DIR: Final = Path(__file__).parent / "static"


class AlarmDesk(Protocol):
    """Human moves. Each call has committed when it returns; `alarms.lifecycle.IllegalMove` says
    why a move is not possible, KeyError that there is no such alarm or task."""

    @property
    def visits(self) -> VisitBook:
        """What happens to visits after they were recorded; in the writer's thread."""
        ...

    async def acknowledge(self, alarm_id: str, actor: str) -> None: ...
    async def assign(self, alarm_id: str, actor: str, assignee: str) -> None: ...
    async def extend(self, alarm_id: str, actor: str) -> None: ...
    async def hand_over(self, alarm_id: str, actor: str, to: str) -> None: ...
    async def decline(self, alarm_id: str, actor: str, reason: str, note: str = "") -> None: ...
    async def release(self, alarm_id: str, actor: str, reason: str, note: str = "") -> None: ...
    async def merge(self, alarm_id: str, actor: str, into: str) -> None: ...
    async def reopen(self, alarm_id: str, actor: str, reason: str, note: str = "") -> None: ...
    async def close(
        self,
        alarm_id: str,
        actor: str,
        outcome: str,
        note: str,
        follow_up_days: int | None = None,
        *,
        found_out: str | None = None,
    ) -> None: ...
    async def move_task(
        self, task_id: str, actor: str, move: TaskMoveName, finding: str = ""
    ) -> None: ...
    async def ask_press(self, task_id: str, actor: str) -> None: ...
    async def arrive(self, task_id: str, actor: str, proof: Proof | None) -> None: ...
    async def create_task(self, new: NewTask, actor: str) -> None: ...
    async def reassign_task(self, task_id: str, actor: str, assignee: str) -> None: ...
    async def cancel_task(self, task_id: str, actor: str) -> None: ...
    async def review(self, alarm_id: str, actor: str, cause: str, note: str) -> None: ...
    async def inform_family(self, alarm_id: str, actor: str, told: FamilyTold) -> None: ...
    async def open_record(self, opening: Opening) -> Refused | None: ...
    async def review_opening(
        self, opening_id: str, *, by: str, decision: str, note: str
    ) -> bool: ...
    async def record_visit(self, visit: NewVisit, actor: str) -> str: ...
    async def set_stay(self, stay: NewStay, actor: str) -> None: ...
    async def end_stay(self, home: str, stay_id: str, actor: str) -> None:
        """KeyError: this home has no such stay."""
        ...


class RecordWriter(Protocol):
    """The hub's single writer (`ledger.writer.Writer`); a change has committed when awaited."""

    async def change(self, apply: Callable[[UnitOfWork], T]) -> T: ...


class Feed(Protocol):
    """Committed entries, in order (`ledger.feed.Feed`)."""

    # Told what is being committed.
    on_made: Callable[[Sequence[FeedEvent]], None]

    @property
    def last_seq(self) -> int: ...
    def subscribe(self) -> FeedSubscription: ...
    def nudge(self) -> None: ...


class Intake(Protocol):
    """The second path of activations: an envelope in, the acknowledgement's JSON out after the
    commit. ContractError when unreadable (it is in quarantine then)."""

    async def accept(self, payload: bytes, gateway: str) -> bytes: ...


class Series(Protocol):
    """`points` is [[epoch_ms, value], …], or [[epoch_ms, min, mean, max], …] of a roll-up."""

    @property
    def kind(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def resolution(self) -> str: ...
    @property
    def points(self) -> Sequence[Sequence[float]]: ...


class ReadingsAway(Exception):  # noqa: N818 - they come back; what was asked is asked again
    """Where readings are kept does not answer. Everything about alarms goes on without."""


class ReadingsReader(Protocol):
    """Stored readings; called from worker threads, and ReadingsAway. resolution: `raw`, `hour` or
    `day`."""

    def series(  # noqa: PLR0917 - the port's order is agreed with the rooms that fill it
        self,
        gateway: str,
        device: str,
        kind: str | None,
        field: str | None,
        from_ms: int,
        to_ms: int,
        resolution: str,
    ) -> Sequence[Series]: ...


class HubClock(Protocol):
    """The hub's domain time and how fast it runs."""

    def now_ms(self) -> int: ...
    def speed(self) -> float: ...


class RuleView(Protocol):
    """One rule's judgement of one home, explained."""

    @property
    def rule(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since_ms(self) -> int | None: ...
    @property
    def explanation(self) -> Mapping[str, Any]: ...
    @property
    def listens(self) -> frozenset[str]: ...


class RuleViews(Protocol):
    """What the rules think, and the rules themselves; called from worker threads.

    describe: each rule with its `mode` and the `settings` in force, each by the `seq` of its row.
    detail: of a rule what its kind says of itself, its parameters, and what holds in a scope and
    who said so; KeyError when there is no such rule. preview: what a change would do, without it.
    change: in the writer's thread, in the transaction of what belongs to it; `ConfigError` when it
    makes no sense, and nothing has changed then. In force with the commit.
    """

    def view(self, home: str) -> Sequence[RuleView]: ...
    def of_kind(self, kind: str, homes: Iterable[str]) -> Mapping[str, RuleView]:
        """By home what the first rule of this kind thinks; homes of which none thinks anything are
        left out. Of many homes much cheaper than all that is thought of each."""
        ...

    def describe(self) -> Sequence[Mapping[str, object]]: ...
    def detail(self, name: str, scope: str) -> Mapping[str, object]: ...
    def preview(self, new: NewSetting) -> Mapping[str, object]: ...
    def change(self, unit: UnitOfWork, new: NewSetting) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TryWanted:
    """A rule set to be tried on [from, to) in the homes of a region: `changes` of the rules in
    force, or `toml`, a whole rules.toml."""

    owner: str
    region: str
    from_ms: int
    to_ms: int
    changes: Sequence[Mapping[str, Any]] = ()
    toml: str | None = None


class TriesFull(Exception):  # noqa: N818 - an answer, not a mistake
    """Too many wait already."""


class RuleTries(Protocol):
    """Rule sets tried on the past; called from worker threads. Everybody sees their own."""

    def submit(self, wanted: TryWanted) -> str:
        """Its id. ConfigError when a change can't be made, TriesFull when too many wait."""
        ...

    def find(self, owner: str, try_id: str) -> Mapping[str, Any] | None: ...
    def latest(self, owner: str) -> Sequence[Mapping[str, Any]]: ...
    def cancel(self, owner: str, try_id: str) -> bool: ...


class NoTries:
    """For a hub that can't try rules: nothing is ever there, and no more is taken."""

    def submit(self, wanted: TryWanted) -> str:  # noqa: ARG002
        raise TriesFull("rules can't be tried here")

    def find(self, owner: str, try_id: str) -> Mapping[str, Any] | None:  # noqa: ARG002
        return None

    def latest(self, owner: str) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        return ()

    def cancel(self, owner: str, try_id: str) -> bool:  # noqa: ARG002
        return False


class Notices(Protocol):
    """The ways by which people are told, as configured. `uplink`: the secret part of the address
    to which providers bring short messages that people send; empty: none are taken."""

    @property
    def uplink(self) -> str: ...
    def offered(self) -> Sequence[Mapping[str, Any]]:
        """Each way with `channel`, `form` of its addresses, `names` to choose from, `urgent`."""
        ...

    def clean(self, channel: str, address: str) -> str:
        """The address as it is kept; ContractError says what is wrong."""
        ...

    def push_key(self) -> str | None: ...


class NoNotices:
    """For a hub that tells nobody."""

    uplink = ""

    def offered(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def clean(self, channel: str, address: str) -> str:  # noqa: ARG002
        raise ContractError("unknown_channel", "no channel is configured here")

    def push_key(self) -> str | None:
        return None


class TakesReplies(Protocol):
    """KeyError: no such link, or it is over. IllegalMove says why not."""

    async def by_link(self, token: str, answer: LinkAnswer, way: str) -> object: ...
    async def by_sms(self, phone: str, text: str) -> Answered | None: ...


class NoReplies:
    """For a hub that takes no answers."""

    async def by_link(self, token: str, answer: LinkAnswer, way: str) -> object:  # noqa: ARG002
        raise KeyError("reply")

    async def by_sms(self, phone: str, text: str) -> Answered | None:  # noqa: ARG002
        return None


class DepartmentFiles(Protocol):
    async def run_now(self, order_id: str) -> None:
        """Make the file of the last period; what fails is written into its row. KeyError: no such
        order, or it was stopped."""
        ...


class NoDepartmentFiles:
    """For a hub that makes none."""

    async def run_now(self, order_id: str) -> None:
        raise KeyError(order_id)


class Apart(Protocol):
    """Runs what costs seconds of computing where it is in nobody's way."""

    async def __call__(self, work: Callable[[bytes], T], payload: bytes) -> T: ...


async def in_a_thread(work: Callable[[bytes], T], payload: bytes) -> T:
    return await run_in_threadpool(work, payload)


def _nothing(_unit: UnitOfWork, _changed: Changed) -> None:
    return None


def _nobody(_region: str | None, _at_ms: int) -> Sequence[str]:
    return ()


def _no_shift(_region: str | None, _at_ms: int) -> str | None:
    return None


def _plain_eraser() -> Eraser:
    """For a book without keys."""
    return Eraser(None, lambda: None, Periods())


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Everything `create_app` is built from.

    engine: reading only. clock: domain time; wall_ms: real time, for sessions, which a fast
    demonstration must not end. health: each check's name with "ok" or what is wrong. copied_at_ms:
    of the newest checked copy of the book; 0: there is none.
    roster_changed: called in the writer's thread at the end of each change of homes, persons,
    devices, gateways or accounts, with their keys, so that memory follows the tables in the same
    transaction.
    apart: runs what costs seconds of computing in nobody's way.
    timezone: the county's, by name: where "today" begins, and what the page shows times in.
    gps_proof: the place of a telephone may prove an arrival.
    on_duty: who is on duty for a region at a time, by the rota. shift_of: the name of that shift,
    None where the part of the day has to do.
    eraser: takes persons out for good.
    rota: its book is changed in the writer's thread.
    account_rate, address_rate: how much one of them may ask; None: as much as they like.
    outbox: the folder with files for departments; None: this hub makes none.
    key_turns: which requests other processes of this book work on; None: there are none.
    """

    engine: Engine
    writer: RecordWriter
    desk: AlarmDesk
    feed: Feed
    intake: Intake
    readings: ReadingsReader
    rules: RuleViews
    clock: HubClock
    wall_ms: Callable[[], int]
    registry: CollectorRegistry
    health: Callable[[], Mapping[str, str]]
    rota: RotaSide
    roster_changed: Callable[[UnitOfWork, Changed], None] = _nothing
    tries: RuleTries = field(default_factory=NoTries)
    notices: Notices = field(default_factory=NoNotices)
    replies: TakesReplies = field(default_factory=NoReplies)
    passwords: Passwords = field(default_factory=Passwords)
    signing_in: SigningIn = field(default_factory=SigningIn)
    printer: Printer = field(default_factory=Printer)
    static_dir: Path = STATIC_DIR
    timezone: str = "Asia/Shanghai"
    keepalive_s: float = KEEPALIVE_S
    streams_max: int = STREAMS_MAX
    account_rate: Rate | None = None
    address_rate: Rate | None = None
    gps_proof: bool = False
    apart: Apart = in_a_thread
    outbox: Path | None = None
    eraser: Eraser = field(default_factory=_plain_eraser)
    departments: DepartmentFiles = field(default_factory=NoDepartmentFiles)
    enrolment: Enrolment = field(default_factory=NoEnrolment)
    on_duty: Callable[[str | None, int], Sequence[str]] = _nobody
    shift_of: Callable[[str | None, int], str | None] = _no_shift
    copied_at_ms: Callable[[], int] = int
    key_turns: KeyTurns | None = None
