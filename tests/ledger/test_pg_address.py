"""Addresses of PostgreSQL servers, as libpq and SQLAlchemy are told of them."""

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine

from ledger import pg_address
from ledger.place import postgres_book

SEVERAL = "postgresql://hub@db-1:5432,db-2,db-3:5434/book?sslmode=verify-full"


def test_of_several_servers_the_one_that_takes_writes_is_asked_for() -> None:
    place = postgres_book(SEVERAL, "p@several/ü")
    told = conninfo_to_dict(place.conninfo())
    assert (told["host"], told["port"]) == ("db-1,db-2,db-3", "5432,5432,5434")
    assert (told["user"], told["password"], told["dbname"]) == ("hub", "p@several/ü", "book")
    assert (told["target_session_attrs"], told["sslmode"]) == ("primary", "verify-full")
    assert told["connect_timeout"] == str(pg_address.NEXT_AFTER_S)
    engine = create_engine(pg_address.for_sqlalchemy(place.url))
    _nothing, asked = engine.dialect.create_connect_args(engine.url)
    assert {key: str(asked[key]) for key in asked if key in told} == told


@pytest.mark.parametrize(
    ("address", "hosts", "ports"),
    [
        ("postgresql://u@/book?host=a,b", "a,b", "5432,5432"),
        ("postgresql:///book?user=u&host=a,b&port=5433", "a,b", "5433,5433"),
        ("postgresql://u@/book?host=a,b,c&port=1,,3", "a,b,c", "1,5432,3"),
        ("postgresql://u@/book?host=a:1&host=b:2", "a,b", "1,2"),
        ("postgresql://u@other:5499/book?host=a,b", "a,b", "5499,5499"),
        ("postgresql://u@x,y/book?host=a,b", "a,b", "5432,5432"),
    ],
)
def test_several_behind_the_question_mark_are_several(address: str, hosts: str, ports: str) -> None:
    """One that takes no writes would be the hub's, for as long as it answers."""
    place = postgres_book(address, "p")
    told = conninfo_to_dict(place.conninfo())
    assert (told["host"], told["port"], told["user"]) == (hosts, ports, "u")
    assert told["target_session_attrs"] == "primary"
    assert told["connect_timeout"] == str(pg_address.NEXT_AFTER_S)
    engine = create_engine(pg_address.for_sqlalchemy(place.url))
    _nothing, asked = engine.dialect.create_connect_args(engine.url)
    assert {key: str(asked[key]) for key in told} == told


def test_one_behind_the_question_mark_is_one() -> None:
    told = conninfo_to_dict(pg_address.conninfo(pg_address.parse("postgresql://u@/b?host=a")))
    assert told["host"] == "a"
    assert "target_session_attrs" not in told


@pytest.mark.parametrize(
    "address", ["postgresql://u@db/book", "postgresql:///book?host=/run/pg", SEVERAL]
)
def test_every_line_notices_a_server_that_went_without_a_word(address: str) -> None:
    told = conninfo_to_dict(pg_address.conninfo(pg_address.parse(address)))
    quiet_s = int(told["keepalives_idle"]) + int(told["keepalives_interval"]) * int(
        told["keepalives_count"]
    )
    assert quiet_s <= 10
    assert int(told["tcp_user_timeout"]) <= 10_000
    assert "connect_timeout" in told


def test_what_the_address_says_itself_stays() -> None:
    url = pg_address.parse("postgresql://u@a,b/book?target_session_attrs=any&connect_timeout=9")
    told = conninfo_to_dict(pg_address.conninfo(url))
    assert (told["target_session_attrs"], told["connect_timeout"]) == ("any", "9")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://u:pw@a,b/book", "password_file"),
        ("postgresql://u@a:many,b/book", "cannot be read"),
        ("postgresql://u@a,,b/book", "cannot be read"),
        ("postgresql://u@a,b", "expected postgresql://"),
        ("mysql://u@a,b/book", "expected postgresql://"),
        (f"postgresql://u@{','.join('abcdefg')}/book", "7 servers, at most 6"),
        ("postgresql://u@h:many/book", "cannot be read"),
        ("postgresql://u@/book?host=a,b,c&port=1,2", "2 ports of 3 servers"),
        ("postgresql://u@/book?host=a,b&port=many", "cannot be read"),
        ("postgresql://u@/book?host=a,", "cannot be read"),
        ("postgresql://u@/book?host=/run/a,/run/b", "none by a folder"),
        (f"postgresql://u@/book?host={','.join('abcdefg')}", "7 servers, at most 6"),
    ],
)
def test_what_is_no_address_is_refused(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        pg_address.parse(address)
    assert "pw" not in str(refused.value)
