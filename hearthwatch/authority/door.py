"""The door of the authority: a socket on this machine, one JSON line in, one out.

    {"do": "authority"}                                  its certificate
    {"do": "sign", "gateway": ID, "request": PEM}        both certificates of a gateway
    {"do": "list", "revoked": [[serial, at_ms], ...]}    a list of what is revoked

Whoever takes the hub over can have gateways' certificates signed, at most so many an hour, each in
the log; the key itself, other kinds of certificates and other names are not to be had here.
"""

import datetime as dt
import json
import os
import socketserver
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from contract.errors import ContractError
from hearthwatch.authority import certificates
from hearthwatch.authority.keys import Authority
from hearthwatch.clock import wall_ms
from ledger.gateway_certificates import Issued

# Two issues a minute fit out a county and renew it after an outage.
SIGNED_PER_HOUR_MAX: Final = 600
HOUR_MS: Final = 3_600_000
# A list of 10,000 revoked certificates.
LINE_BYTES_MAX: Final = 1 << 20
# Who connects and says nothing is let go.
TIMEOUT_S: Final = 10.0


class Signer:
    """Answers requests. `now_ms`: real time."""

    def __init__(
        self, authority: Authority, now_ms: Callable[[], int], log: Callable[[str, str], None]
    ) -> None:
        self._authority = authority
        self._now_ms = now_ms
        self._log = log
        self._signed: deque[int] = deque()
        self._lock = Lock()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Never raises: `error` and `detail` say what was wrong."""
        try:
            asked = json.loads(line)
            if not isinstance(asked, dict):
                raise ContractError("bad_request", "expected an object")
            return self._do(asked)
        except ContractError as error:
            return {"error": error.code, "detail": error.detail}
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            return {"error": "bad_request", "detail": type(error).__name__}

    def _do(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        certificate, key = self._authority
        now = dt.datetime.fromtimestamp(self._now_ms() / 1000, tz=dt.UTC)
        if asked["do"] == "authority":
            return {"pem": certificates.pem_of(certificate)}
        if asked["do"] == "list":
            revoked = [(str(serial), int(at_ms)) for serial, at_ms in asked["revoked"]]
            return {"pem": certificates.revocation_list(certificate, key, revoked, now)}
        if asked["do"] == "sign":
            self._count()
            gateway = str(asked["gateway"])
            request = str(asked["request"]).encode()
            issued = certificates.for_gateway(certificate, key, gateway, request, now)
            self._log("signed", f"{gateway} {issued.serial}")
            return {field: getattr(issued, field) for field in Issued.__slots__}
        raise ContractError("bad_request", "do is authority, sign or list")

    def _count(self) -> None:
        now_ms = self._now_ms()
        with self._lock:
            while self._signed and not now_ms - HOUR_MS < self._signed[0] <= now_ms:
                self._signed.popleft()
            if len(self._signed) >= SIGNED_PER_HOUR_MAX:
                self._log("too_many", f"{SIGNED_PER_HOUR_MAX} in an hour")
                raise ContractError("too_many", "too many certificates in an hour")
            self._signed.append(now_ms)


class Door(socketserver.ThreadingUnixStreamServer):
    """`mode` 0660: the hub is in the socket's group."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, path: Path, authority: Authority, log: Callable[[str, str], None], mode: int = 0o660
    ) -> None:
        self.signer = Signer(authority, wall_ms, log)
        path.unlink(missing_ok=True)
        before = os.umask(0o777 & ~mode)
        try:
            super().__init__(str(path), _Caller)
        finally:
            os.umask(before)


class _Caller(socketserver.StreamRequestHandler):
    timeout = TIMEOUT_S
    server: Door

    def handle(self) -> None:
        line = self.rfile.readline(LINE_BYTES_MAX)
        self.wfile.write(json.dumps(self.server.signer.answer(line)).encode() + b"\n")
