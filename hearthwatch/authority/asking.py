"""The hub's side of the authority's door; blocking, for worker threads."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from contract.errors import ContractError
from dashboard.enrolment_port import AuthorityAway
from ledger.gateway_certificates import Issued

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 4 << 20


class AskedAuthority:
    """One connection a question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pem: str | None = None

    def certificate(self) -> str:
        """The authority's own, as PEM."""
        if self._pem is None:
            self._pem = str(self._ask({"do": "authority"})["pem"])
        return self._pem

    def sign(self, gateway: str, request: str) -> Issued:
        """ContractError: the request is refused, and why."""
        return Issued(**self._ask({"do": "sign", "gateway": gateway, "request": request}))

    def revocation_list(self, revoked: Sequence[tuple[str, int]]) -> str:
        return str(self._ask({"do": "list", "revoked": list(revoked)})["pem"])

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(TIMEOUT_S)
                line.connect(str(self._path))
                line.sendall(json.dumps(asked).encode() + b"\n")
                with line.makefile("rb") as file:
                    said = json.loads(file.readline(ANSWER_BYTES_MAX))
        except (OSError, ValueError) as error:
            detail = f"the authority at {self._path} does not answer: {error}"
            raise AuthorityAway(detail) from error
        if "error" in said:
            raise ContractError(str(said["error"]), str(said["detail"]))
        return dict(said)
