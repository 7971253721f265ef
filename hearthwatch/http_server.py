"""The hub's HTTP server: uvicorn as a hub runs it."""

import contextlib
import resource
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from dashboard.head_limits import HEAD_BYTES_MAX
from hearthwatch.http_connection import connections_of_one_server
from hearthwatch.hub_config import HubConfig

# Open files of a hub: connections, of which each is one, the book's and the broker's.
OPEN_FILES: Final = 16_384


class Server(uvicorn.Server):
    """Signals are the hub's business: it must end live streams before the server waits."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_of(config: HubConfig, app: Any) -> uvicorn.Config:
    raise_open_files()
    return uvicorn.Config(
        app,
        host=config.http.host,
        port=config.http.port,
        http=connections_of_one_server(),
        # There are none; a library that somebody installs for something else must not open them.
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        forwarded_allow_ips=list(config.http.trusted_proxies),
        # Which program this is in which version is nobody's business.
        server_header=False,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def raise_open_files() -> None:
    """As many as the machine lets us have: the usual 1,024 are few for 500 screens."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
