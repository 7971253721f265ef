"""The trail as syslog: RFC 5424 messages, counted (RFC 6587, 3.4.1), over TLS (RFC 5425) or TCP.

    <110>1 2026-11-29T08:00:00.000Z hub-1 hearthwatch - audit - {"table":"audit","seq":7,…}
    110: log audit, informational     audit: MSGID, the table     the line, as a file would have it

Nobody acknowledges syslog, and what a dead collector's kernel had taken is lost without a word. So
a portion is a connection: we end our half and wait for its end, which comes when all of it was
read. Whatever else happens, the portion is sent again, and after a failure the one before it too:
what was read may not have been stored. Lines that come twice have one number.
"""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from contract.moment import to_iso
from hearthwatch.audit_copy.config import Collector
from hearthwatch.audit_copy.sinks import Away, KeptPlaces
from hearthwatch.audit_copy.tls_line import ANSWER_BYTES_MAX, RECEIVE_BYTES, TALKS, TlsLine
from ledger.trail_copy import Place, Portion

# Facility 13 (log audit) and severity 6 (informational).
PRIORITY: Final = 13 * 8 + 6
APP: Final = "hearthwatch"
# A portion of a thousand lines is a megabyte; a line of a village has it through in that.
TIMEOUT_S: Final = 20.0
# Ends without TLS's own, one behind the other: nobody is killed in the same place twice.
BLUNT_MAX: Final = 2
# RFC 5424, 6: what a host's name may have in a message.
_HOST: Final = re.compile(r"[!-~]{1,255}\Z")


def message(line: str, host: str) -> bytes:
    """A line of the trail as one message, without its frame."""
    said = json.loads(line)
    at = to_iso(said["at_ms"]) if "at_ms" in said else "-"
    name = host if _HOST.match(host) else "-"
    return f"<{PRIORITY}>1 {at} {name} {APP} - {said['table']} - {line}".encode()


def framed(messages: Sequence[bytes]) -> bytes:
    """Each behind its length: a line break ends nothing."""
    return b"".join(b"%d %b" % (len(one), one) for one in messages)


class SyslogSink:
    def __init__(self, collector: Collector, kept: KeptPlaces, host: str | None = None) -> None:
        self._collector, self._kept = collector, kept
        self._host = socket.gethostname() if host is None else host
        self._line: socket.socket | None = None
        self._newest: dict[str, Place] = {}
        self._before: dict[str, Place] = {}
        self._failed = False
        self._blunt = 0

    async def places(self) -> dict[str, Place]:
        found = await self._kept.load()
        if self._failed:
            found |= self._before
        self._newest = dict(found)
        return found

    async def take(self, name: str, found: Portion) -> None:
        data = framed([message(line, self._host) for line in found.lines])
        try:
            await asyncio.to_thread(self._send, data)
        except OSError as error:
            self._failed = True
            raise Away(f"{self._collector.name}: {_said(error)}") from error
        finally:
            # Who is cancelled waits for no collector.
            self._hang_up()
        self._before[name] = self._newest.get(name, Place())
        self._newest[name] = found.place
        self._failed = False
        await self._kept.keep(name, found.place)

    def _send(self, data: bytes) -> None:
        """OSError (ssl's are): it is not certain that all of it was read."""
        place = (self._collector.host, self._collector.port)
        with socket.create_connection(place, TIMEOUT_S) as raw:
            self._line = raw
            if self._collector.plain:
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
                _until_its_end(raw)
                return
            line = TlsLine(raw, context_of(self._collector), self._collector.host)
            line.send(data)
            self._end(line)

    def _end(self, line: TlsLine) -> None:
        """Our end, and its own, which a process that is killed does not say. One that twice ends
        without a word does it always; then it is believed as one without TLS is."""
        try:
            line.end()
            self._blunt = 0
        except ssl.SSLEOFError as error:
            self._blunt += 1
            if self._blunt < BLUNT_MAX:
                raise OSError("it ended without TLS's own end") from error

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def context_of(collector: Collector) -> ssl.SSLContext:
    """OSError: a file can't be read or is none."""
    ca_file = None if collector.ca_file is None else str(collector.ca_file)
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if collector.cert_file is not None:
        context.load_cert_chain(collector.cert_file, collector.key_file)
    return context


def _until_its_end(line: socket.socket) -> None:
    count = 0
    while some := line.recv(RECEIVE_BYTES):
        count += len(some)
        if count > ANSWER_BYTES_MAX:
            raise OSError(TALKS)


def _said(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"not done in {TIMEOUT_S:.0f} s"
    return error.strerror or str(error) or type(error).__name__
