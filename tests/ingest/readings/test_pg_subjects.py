"""Who is judged in which shard, on a real PostgreSQL: one row decides, and states go along."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from ingest.marks import SpoolMark
from ingest.readings.pg_schema import ensure
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_shard import ShardLostError
from ingest.readings.pg_store import PgStore
from tests.acceptance.rig import wait_until
from tests.adapters.postgres import Postgres

BOOK = "book-events"
Make = Callable[[int], PgStore]


@pytest.fixture
def settings(postgres: Postgres) -> PgSettings:
    return PgSettings(conninfo=postgres.empty().conninfo(), keep_raw_days=30)


@pytest.fixture
def worker(settings: PgSettings) -> Iterator[Make]:
    made: list[PgStore] = []

    def make(shard: int) -> PgStore:
        made.append(PgStore(settings, shard))
        made[-1].begin_batch()
        return made[-1]

    yield make
    for store in made:
        store.close()


def states(store: PgStore) -> dict[tuple[str, str], bytes]:
    return {(home, rule): bytes(state) for home, rule, state in store.load_rule_states()}


def test_whoever_comes_first_has_it(worker: Make) -> None:
    one, two = worker(0), worker(1)
    assert one.subjects.claim(["home-1", "home-2"], BOOK) == {"home-1": 0, "home-2": 0}
    assert two.subjects.claim(["home-2", "home-3"], BOOK) == {"home-3": 0}
    assert set(one.subjects.load().came) == {"home-1", "home-2"}


def test_who_moves_takes_along_what_rules_think(worker: Make) -> None:
    one, two = worker(0), worker(1)
    one.subjects.claim(["home-1", "home-2"], BOOK)
    two.subjects.claim(["home-3"], BOOK)
    one.write_rule_states([("home-1", "rule", b"new"), ("home-2", "rule", b"stays")])
    one.subjects.give({"home-1": 1}, 7)
    one.commit()
    assert two.subjects.look().came == {"home-3": 0, "home-1": 7}
    assert two.subjects.states_of(["home-1", "home-2"]) == [("home-1", "rule", b"new")]
    assert states(one) == {("home-2", "rule"): b"stays"}
    two.subjects.settle(["home-1"])
    two.commit()
    assert two.subjects.load().came == {"home-3": 0, "home-1": 0}


def test_who_came_while_nobody_looked_is_found_however_long_that_was(worker: Make) -> None:
    """The book was away, or the machine stood still, and the shard stayed ours."""
    one, two = worker(0), worker(1)
    one.subjects.claim(["home-1"], BOOK)
    one.subjects.heard("gw-1")
    two.subjects.load()
    one.subjects.give({"home-1": 1}, 3)
    one.commit()
    raw = one._shard.connected()
    raw.execute("UPDATE readings.gateway SET moved_at = now() - interval '5 minutes'")
    raw.execute("UPDATE readings.subject SET moved_at = now() - interval '5 minutes'")
    two.subjects._looked_at -= timedelta(minutes=10)
    found = two.subjects.look()
    assert (found.came, found.gateways) == ({"home-1": 3}, {"gw-1": 0})
    again = two.subjects.look()
    assert not again.came, "what was there a minute before the last look is known"
    assert not again.gateways


def test_who_has_lost_the_shard_gives_nothing_away(worker: Make) -> None:
    old, other = worker(0), worker(1)
    old.subjects.claim(["home-1"], BOOK)
    new = worker(0)
    assert set(new.subjects.load().came) == {"home-1"}
    old.begin_batch()
    old.subjects.give({"home-1": 1}, 0)
    with pytest.raises(ShardLostError):
        old.commit()
    assert not other.subjects.look().came


def test_what_was_heard_elsewhere_is_there_until_it_is_judged(worker: Make) -> None:
    one, two = worker(0), worker(1)
    two.subjects.claim(["home-1"], BOOK)
    one.subjects.pass_on("home-1", b"heard")
    one.subjects.pass_on("home-9", b"of nobody")
    assert not two.subjects.look().passed, "not committed yet"
    one.commit()
    [passed] = two.subjects.look().passed
    assert (passed.subject, passed.body) == ("home-1", b"heard")
    assert not one.subjects.look().passed
    two.subjects.done(passed.seq)
    assert two.subjects.look().passed == [passed], "not judged yet"
    two.commit()
    assert not two.subjects.look().passed
    # Who is moved meanwhile finds it where it goes.
    one.subjects.pass_on("home-1", b"later")
    one.commit()
    two.subjects.give({"home-1": 0}, 0)
    two.commit()
    assert [passed.body for passed in one.subjects.look().passed] == [b"later"]
    one.subjects.forget()
    assert [passed.body for passed in one.subjects.look().passed] == [b"later"]


def test_a_gateway_is_where_it_was_heard_and_is_not_thrown_to_and_fro(worker: Make) -> None:
    one, two = worker(0), worker(1)
    one.subjects.heard("gw-1")
    one.commit()
    assert two.subjects.look().gateways == {"gw-1": 0}
    two.subjects.heard("gw-1")
    two.commit()
    assert one.subjects.look().gateways == {"gw-1": 0}, "a minute apart at least"
    one._shard.connected().execute(
        "UPDATE readings.gateway SET moved_at = now() - interval '2 minutes'"
    )
    two.subjects.heard("gw-1")
    two.commit()
    assert one.subjects.look().gateways == {"gw-1": 1}


def test_marks_of_another_shard_are_found(worker: Make) -> None:
    one, two = worker(0), worker(1)
    one.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=5, beyond=[[8, 9]])])
    one.commit()
    assert two.fence == 1
    mark = two.subjects.mark_of("s")
    assert mark is not None
    assert (mark.contiguous, mark.beyond) == (5, [[8, 9]])
    assert two.subjects.mark_of("t") is None
    assert one.subjects.mark_of("s") is None, "its own is no other's"


def test_from_a_hub_that_was_alone_and_back(settings: PgSettings, worker: Make) -> None:
    alone = PgStore(settings, alone=True)
    alone.begin_batch()
    assert not alone.load_marks()
    alone.write_rule_states([("home-1", "rule", b"learned")])
    alone.write_marks([SpoolMark(spool=BOOK, gateway="", contiguous=12)])
    alone.commit()
    two = worker(1)
    # What it thought is taken over, with the newest activation that it had heard of.
    assert two.subjects.claim(["home-1"], BOOK) == {"home-1": 12}
    assert states(two) == {("home-1", "rule"): b"learned"}
    two.write_marks([SpoolMark(spool=BOOK, gateway="", contiguous=20)])
    two.commit()
    again = PgStore(settings, alone=True)
    assert [mark.contiguous for mark in again.load_marks()] == [20]
    assert states(again) == {("home-1", "rule"): b"learned"}
    # Who shared shards until now changes nothing any more, and hears of it without a commit.
    with pytest.raises(ShardLostError):
        two.subjects.look()
    with pytest.raises(ShardLostError):
        two.commit()
    assert not worker(1).subjects.load().came
    alone.close()
    again.close()


def test_of_what_lies_in_several_shards_the_newest_counts(worker: Make) -> None:
    """As after a copy of one time was put back into another."""
    for shard, through in ((0, 5), (1, 9), (2, 7)):
        store = worker(shard)
        store.write_rule_states([("home-1", "rule", b"%d" % shard)])
        store.write_marks([SpoolMark(spool=BOOK, gateway="", contiguous=through)])
        store.commit()
    taker = worker(2)
    assert taker.subjects.claim(["home-1"], BOOK) == {"home-1": 9}
    assert states(taker) == {("home-1", "rule"): b"1"}
    assert not states(worker(0))


def test_who_was_judged_in_a_shard_that_is_no_more_is_taken_over(worker: Make) -> None:
    """The broker was made anew, with fewer shards than there were."""
    one, seven = worker(1), worker(7)
    seven.subjects.claim(["home-1", "home-2"], BOOK)
    seven.write_rule_states([("home-1", "rule", b"learned")])
    seven.write_marks([SpoolMark(spool=BOOK, gateway="", contiguous=9)])
    seven.commit()
    # Somebody works on it who has heard of more shards than this one.
    assert one.subjects.claim(["home-1"], BOOK, 4) == {}
    seven.close()
    wait_until(
        lambda: one.subjects.claim(["home-1"], BOOK, 4) == {"home-1": 9}, 10, "it is nobody's"
    )
    assert states(one) == {("home-1", "rule"): b"learned"}
    assert set(one.subjects.load().came) == {"home-1"}
    # And should that one come back from a long sleep, it can do nothing any more.
    with pytest.raises(ShardLostError):
        seven.subjects.look()
    assert worker(0).subjects.claim(["home-2"], BOOK, 8) == {}, "it may come back"


def test_tables_of_an_older_program_get_what_is_missing(settings: PgSettings) -> None:
    with psycopg.connect(settings.conninfo, autocommit=True) as raw:
        ensure(raw)
        raw.execute("DROP TABLE readings.gateway, readings.subject, readings.passed")
        raw.execute("UPDATE readings.version SET version = 1")
        ensure(raw)
        ensure(raw)
        assert raw.execute("SELECT count(*) FROM readings.subject").fetchone() == (0,)
        assert raw.execute("SELECT version FROM readings.version").fetchall() == [(2,)]
