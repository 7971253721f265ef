"""The server that takes writes is killed and a standby promoted, as docs/runbooks/database.md has
it: hubs and readings go on, nothing acknowledged is lost, and who came too late writes nothing."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearthwatch.doctor_standbys import standbys
from ingest.marks import SpoolMark
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_shard import ShardLostError
from ingest.readings.pg_store import PgStore
from ingest.readings.port import HOUR_MS, StoreError
from ledger.chain_check import check
from ledger.cursor import BookInUseError
from ledger.place import PostgresBook
from tests.acceptance.rig import wait_until
from tests.adapters.pg_nodes import PgNodes, pg_nodes
from tests.ledger.test_two_hubs import TwoHubs

KEY = ("gw-1", "meter-1", "power")
MIDNIGHT_MS = 1_795_363_200_000
PATIENCE_S = 60


def sent(store: PgStore, seq: int) -> bool:
    """As an envelope of one reading; False: not acknowledged, to be sent again."""
    try:
        known = [mark.contiguous for mark in store.load_marks()]
        store.begin_batch()
        if not known or known[0] < seq:
            store.add(KEY, MIDNIGHT_MS + seq, {"power_w": float(seq)})
        store.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=seq)])
        store.commit()
    except StoreError as error:
        if not error.retryable:
            raise
        return False
    return True


def takes(book: PostgresBook) -> bool:
    try:
        taken = book.open_hub()
    except BookInUseError:
        return False
    taken.close()
    return True


def told(book: PostgresBook) -> tuple[str, str]:
    """What the doctor says of those that follow."""
    reader = book.open_copier()
    [finding] = standbys(book, reader)
    reader.dispose()
    return finding.verdict, finding.detail


@pytest.fixture(scope="module")
def servers() -> Iterator[PgNodes]:
    """Each test leaves them as it found them: one takes writes, two follow."""
    with pg_nodes() as nodes:
        nodes.start()
        nodes.book().migrate()
        yield nodes


def test_without_a_standby_nothing_is_acknowledged(servers: PgNodes) -> None:
    """A server alone with what it has written tells nobody of it: it could be lost with it."""
    first, *others = servers.nodes
    verdict, detail = told(servers.book())
    assert (verdict, detail.count("streaming (quorum")) == ("ok", 2), detail
    for node in others:
        node.kill()
    wait_until(lambda: "every commit waits" in told(servers.book())[1], PATIENCE_S, "it is told")
    store = PgStore(PgSettings(conninfo=servers.book().conninfo(), keep_raw_days=30), shard=1)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    answered = threading.Event()
    thread = threading.Thread(target=lambda: (sent(store, 1), answered.set()), daemon=True)
    thread.start()
    wait_until(lambda: first.asked(waits) == 1, PATIENCE_S, "it waits for one of the others")
    assert not answered.is_set()
    # The emergency of docs/runbooks/database.md: whoever gives the order answers for it.
    first.alter("synchronous_standby_names = ''")
    wait_until(answered.is_set, PATIENCE_S, "nobody waits for a standby any more")
    first.alter("")
    others[1].start()
    wait_until(others[1].follows, PATIENCE_S, "one follows again")
    verdict, detail = told(servers.book())
    assert (verdict, detail.count("streaming (")) == ("warn", 1), detail
    assert sent(store, 2), "one is enough"
    thread.join()
    store.close()
    others[0].start()
    wait_until(others[0].follows, PATIENCE_S, "the other one follows")


def test_a_standby_takes_the_place_of_a_killed_server(servers: PgNodes, tmp_path: Path) -> None:
    book = servers.book()
    two = TwoHubs(tmp_path, book)
    settings = PgSettings(conninfo=servers.book().conninfo(), keep_raw_days=30)
    store, later, reader = PgStore(settings), PgStore(settings), PgReader(settings)
    try:
        two.hubs["one"].start()
        wait_until(lambda: two.has_the_book("one"), PATIENCE_S, "the first has the book")
        assert all(two.press("one", n) for n in range(1, 4))
        assert all(sent(store, n) for n in range(1, 4))

        lost = servers.primary
        lost.kill()
        assert not two.press("one", 4), "nobody has it on a disk"
        assert not sent(store, 4)
        new = servers.fail_over(lost)

        wait_until(lambda: two.press("one", 4), PATIENCE_S, "the same hub goes on")
        wait_until(lambda: sent(store, 4), PATIENCE_S, "readings go on")
        assert two.press("one", 2), "what comes again is known"
        assert sorted(two.rows("SELECT id FROM event")) == [(f"press-{n}",) for n in range(1, 5)]

        # Leases and fences are the book's own, so they have come along.
        with pytest.raises(BookInUseError):
            book.open_hub()
        two.hubs["one"].kill()
        wait_until(lambda: takes(book), PATIENCE_S, "another hub takes over")
        assert later.fence == store.fence + 1
        with pytest.raises(ShardLostError):
            sent(store, 5)
        [series] = reader.series(*KEY, None, 0, MIDNIGHT_MS + HOUR_MS, "raw")
        assert [value for _at, value in series.points] == [1.0, 2.0, 3.0, 4.0]
        with two.reader.connect() as connection:
            assert all(chain.holds for chain in check(connection))

        # Who comes back follows, whatever it was before.
        lost.start()
        wait_until(lost.follows, PATIENCE_S, f"the killed one follows: {lost.log[-2000:]}")
        assert servers.primary is new
    finally:
        two.close()
        for each in (store, later, reader):
            each.close()


def test_a_server_that_was_given_up_takes_nothing_from_who_came_after(servers: PgNodes) -> None:
    """All were without power, and the one that a standby had been promoted for is up first."""
    given_up = servers.primary
    given_up.kill()
    new = servers.fail_over(given_up)
    [third] = [node for node in servers.nodes if node not in (given_up, new)]
    wait_until(new.is_primary, PATIENCE_S, "it takes writes")
    store = PgStore(PgSettings(conninfo=servers.book().conninfo(), keep_raw_days=30), shard=7)
    wait_until(lambda: sent(store, 9), PATIENCE_S, "something is acknowledged that only two have")
    store.close()
    for node in (new, third):
        node.kill()
    given_up.start()
    wait_until(given_up.is_primary, PATIENCE_S, "nobody is there who could tell it")

    new.start()
    wait_until(lambda: "has what came after" in new.log, PATIENCE_S, "it says so")
    wait_until(new.ended, PATIENCE_S, "it is to be started again")
    given_up.kill()
    new.start()
    wait_until(new.is_primary, PATIENCE_S, f"it takes writes again: {new.log[-2000:]}")
    third.start()
    wait_until(third.follows, PATIENCE_S, f"the third follows: {third.log[-2000:]}")
    reader = PgReader(PgSettings(conninfo=servers.book().conninfo(), keep_raw_days=30))
    [series] = reader.series(*KEY, None, 0, MIDNIGHT_MS + HOUR_MS, "raw")
    reader.close()
    assert series.points[-1][1] == 9.0, "what was acknowledged is there"
    given_up.start()
    wait_until(given_up.follows, PATIENCE_S, f"and the one follows: {given_up.log[-2000:]}")


def test_a_server_that_was_given_up_hears_it_from_whoever_knows(servers: PgNodes) -> None:
    given_up = servers.primary
    given_up.kill()
    new = servers.fail_over(given_up)
    [third] = [node for node in servers.nodes if node not in (given_up, new)]
    wait_until(new.is_primary, PATIENCE_S, "it takes writes")
    wait_until(third.follows, PATIENCE_S, "the third follows it")
    new.kill()
    given_up.start()
    said = "took its place since"
    wait_until(lambda: said in given_up.log, PATIENCE_S, "it waits")
    wait_until(given_up.ended, PATIENCE_S, "it is to be started again")
    new.start()
    wait_until(new.is_primary, PATIENCE_S, f"it goes on: {new.log[-999:]}")
    wait_until(third.follows, PATIENCE_S, "the third follows")
    given_up.start()
    wait_until(given_up.follows, PATIENCE_S, f"and so does the one: {given_up.log[-2000:]}")
