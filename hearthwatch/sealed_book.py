"""A hub's book and its key file: that they belong together, and that what an older program wrote in
clear is sealed, before anything is read."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import inspect

from hearthwatch import shared_keys
from hearthwatch.clock import wall_ms
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.portions import in_portions
from ledger.cursor import Connection, HubConnection
from ledger.erasure.again import erase_again
from ledger.erasure.eraser import Eraser
from ledger.persons.exchanging import blind_digests
from ledger.schema import PERSON_KEY
from ledger.sealing.catching_up import catch_up, catch_up_persons
from ledger.sealing.key_file import KeyFileError
from ledger.sealing.relinking import BrokenChain, relink
from ledger.sealing.ring import Ring
from ledger.sealing.starting import begin, disagreement, sealed_by
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer

T = TypeVar("T")


def opened(config: HubConfig, connection: HubConnection | None = None) -> HubConnection:
    """The hub's connection, which is made when it is left out. KeyFileError: this hub can't open
    what is sealed in this book."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    connection = connection or config.book.open_hub()
    try:
        if config.book.ring is not None:
            prepare(connection, config.book.ring)
            shared_keys.share(connection, config.data_dir)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: Connection, ring: Ring) -> None:
    """KeyFileError, KeptError."""
    begin(connection, ring, wall_ms())
    try:
        for done in _change(connection, relink):
            if done.sealed:
                say("entries_sealed", f"{done.sealed} of {done.table}; head before: {done.head}")
    except BrokenChain as broken:
        say("entries_not_sealed", f"their chain does not hold ({broken}); see `doctor`")
    while _change(connection, catch_up_persons):
        continue
    _change(connection, blind_digests)
    if again := erase_again(connection, ring, wall_ms()):
        say("erased_again", f"{again} persons that a copy had brought back")


def cannot_open(config: HubConfig) -> str | None:
    """Why this hub's key file does not open a book that another hub has; None: it does."""
    if config.book.ring is None:
        return None
    engine = config.book.open_copier()
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(PERSON_KEY.name):
                return None
            mark, keks = sealed_by(connection)
        # Not yet sealed by anybody: its key file may be on its way.
        return None if mark is None else disagreement(config.book.ring, mark, keks)
    except KeyFileError as error:
        return str(error)
    finally:
        engine.dispose()


def _change(connection: Connection, apply: Callable[[UnitOfWork], T]) -> T:
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        result = apply(UnitOfWork(cursor, wall_ms()))
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    return result


async def seal_the_rest(writer: Writer) -> None:
    """What an older program left in clear."""
    await in_portions(writer, catch_up, "rows_not_sealed")


def eraser_of(config: HubConfig) -> Eraser:
    return Eraser(config.book.ring, config.book.forget, config.periods)
