"""A line by TLS whose ends are told apart: we end our half, and read how the other one ends.

Python's `unwrap` calls a fatal alert (our certificate is refused) a good end, as OpenSSL does.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

T = TypeVar("T")

RECEIVE_BYTES: Final = 16 * 1024
# What a collector may say that is to say nothing.
ANSWER_BYTES_MAX: Final = 64 * 1024
TALKS: Final = "it talks: is that a collector of syslog?"


class TlsLine:
    """Blocking, by the time-out of its socket. OSError (ssl's are)."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._raw = raw
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._until_done(self._tls.do_handshake)

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._until_done(partial(self._tls.write, rest)) :]

    def end(self) -> None:
        """Ours, and its own; SSLEOFError: it ended without a word of TLS."""
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        # What it has to say is nobody's business; how it ends is.
        count = 0
        with suppress(ssl.SSLZeroReturnError):
            while some := self._until_done(partial(self._tls.read, RECEIVE_BYTES)):
                count += len(some)
                if count > ANSWER_BYTES_MAX:
                    raise OSError(TALKS)
            # Python 3.11.2, which is Debian's, reads nothing here where newer ones raise it.
            raise ssl.SSLEOFError("it ended without TLS's own end")

    def _until_done(self, do: Callable[[], T]) -> T:
        while True:
            try:
                return do()
            except ssl.SSLWantReadError:
                self._flush()
                received = self._raw.recv(RECEIVE_BYTES)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            finally:
                self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._raw.sendall(self._outgoing.read())
