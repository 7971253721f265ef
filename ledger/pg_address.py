"""The address of a PostgreSQL server, or of several of which one takes writes.

    postgresql://user@db-1:5432,db-2:5432,db-3:5432/book      as libpq writes it
    postgresql://user@/book?host=db-1,db-2&port=5432,5433     as libpq takes it, too

They are asked in turn, and the first that is no standby is the one: after a standby was promoted a
lost connection is made anew to it. A machine that went without a word (power, a cable) answers
nothing at all, and the kernel would wait a quarter of an hour for it, and for ever where it is only
listened to; so every connection notices that by itself.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

# A server that has gone without a word is noticed within ten seconds: with what is on its way
# (unanswered so long), and while an answer is waited for (idle, then so often asked).
UNANSWERED_MS: Final = 10_000
IDLE_S: Final = 4
ASKED_EVERY_S: Final = 2
ASKED_TIMES: Final = 3
# A gateway waits while we connect; its activations are safe in its spool.
CONNECT_TIMEOUT_S: Final = 5
# One of several that is not there must not keep the next one waiting; libpq takes no less.
NEXT_AFTER_S: Final = 2
_NOTICING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tcp_user_timeout": str(UNANSWERED_MS),
        "keepalives_idle": str(IDLE_S),
        "keepalives_interval": str(ASKED_EVERY_S),
        "keepalives_count": str(ASKED_TIMES),
        "connect_timeout": str(CONNECT_TIMEOUT_S),
    }
)
# Not `read-write`: sessions of ours that only read say so, and would be refused everywhere.
_OF_SEVERAL: Final[Mapping[str, str]] = MappingProxyType(
    {"target_session_attrs": "primary", "connect_timeout": str(NEXT_AFTER_S)}
)
# A county's three nodes, and as many again while they are exchanged.
SERVERS_MAX: Final = 6
_SEVERAL: Final = re.compile(r"(?P<before>\w+://(?:[^@/?]*@)?)(?P<hosts>[^/?]*,[^/?]*)(?P<rest>.*)")
_SERVER: Final = re.compile(r"(?P<host>[^\[\]:,]+)(?::(?P<port>\d{1,5}))?")
_PORT: Final = "5432"


def parse(text: str) -> URL:
    """ValueError when it is no address of a PostgreSQL database, or has a password in it."""
    found = _SEVERAL.fullmatch(text)
    servers = () if found is None else tuple(_server(one) for one in found["hosts"].split(","))
    try:
        url = make_url(text if found is None else found["before"] + found["rest"])
    except (ArgumentError, ValueError):
        # Its text holds the address, and a password may be in that.
        raise ValueError("cannot be read as an address") from None
    # What stands behind the question mark is what libpq goes by.
    if asked := _asked(url):
        servers = asked
        url = URL.create(
            url.drivername, url.username, url.password, database=url.database, query=url.query
        ).difference_update_query(["host", "port"])
    if len(servers) > SERVERS_MAX:
        raise ValueError(f"{len(servers)} servers, at most {SERVERS_MAX}")
    if url.drivername not in {"postgresql", "postgres"} or not url.database:
        raise ValueError("expected postgresql://user@host:5432/database")
    if url.password:
        raise ValueError("the password belongs into password_file, not into the address")
    return url.update_query_dict({"host": servers}) if servers else url


def conninfo(url: URL) -> str:
    """For libpq; with the password in it."""
    one = _noticing(url)
    servers = _servers(url)
    if len(servers) < 2:
        return one.set(drivername="postgresql").render_as_string(hide_password=False)
    # libpq has several in the place of one, and doesn't take a port behind a query's host.
    bare = one.set(drivername="postgresql", host="several").difference_update_query(["host"])
    text = bare.render_as_string(hide_password=False)
    before, _, rest = text.rpartition("@several" if bare.username else "//several")
    return f"{before}{'@' if bare.username else '//'}{','.join(servers)}{rest}"


def for_sqlalchemy(url: URL) -> str:
    """For its engines; with the password in it."""
    url = _noticing(url).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def count(url: URL) -> int:
    """How many servers it names."""
    return max(1, len(_servers(url)))


def _servers(url: URL) -> tuple[str, ...]:
    host = url.query.get("host", ())
    return host if isinstance(host, tuple) else (host,)


def _asked(url: URL) -> tuple[str, ...]:
    """Several servers behind the question mark, by a comma or by `host` more than once."""
    hosts, ports = _listed(url, "host"), _listed(url, "port")
    if len(hosts) < 2:
        return ()
    if any(host.startswith("/") for host in hosts):
        raise ValueError("of several servers each is named by its host, none by a folder")
    if len(ports) > 1 and len(ports) != len(hosts):
        raise ValueError(f"{len(ports)} ports of {len(hosts)} servers")
    usual = str(url.port or _PORT)
    each = ports if len(ports) > 1 else [*(ports or [usual])] * len(hosts)
    return tuple(
        _server(host if ":" in host else f"{host}:{port or usual}")
        for host, port in zip(hosts, each, strict=True)
    )


def _listed(url: URL, name: str) -> list[str]:
    said = url.query.get(name, ())
    return [one for text in ((said,) if isinstance(said, str) else said) for one in text.split(",")]


def _noticing(url: URL) -> URL:
    """What the address itself says of these stays."""
    ours = {**_NOTICING, **(_OF_SEVERAL if len(_servers(url)) > 1 else {})}
    return url.update_query_dict({k: v for k, v in ours.items() if k not in url.query})


def _server(text: str) -> str:
    found = _SERVER.fullmatch(text)
    if found is None:
        raise ValueError("cannot be read as an address: expected host:5432,host:5432")
    return f"{found['host']}:{found['port'] or _PORT}"
