"""What the gateway asks the hub's web address; every failure says what an installer can do."""

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 20.0
# Two certificates and the authority's are 3 kB; more is not our hub.
ANSWER_BYTES_MAX: Final = 64 * 1024
PREFIX: Final = "/api/v1/enrolment"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# What OpenSSL calls a certificate that is over, or not begun (X509_V_ERR_*).
_CLOCK_FAULTS: Final = frozenset({9, 10})


class EnrolmentFailed(Exception):  # noqa: N818 - an answer to an installer, not a mistake of ours
    """`code` is stable; the text says what happened and what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def fetch_authority(url: str) -> Mapping[str, Any]:
    """The authority's certificate by a line that nobody has vouched for yet: it is believed only
    if its fingerprint is the one in the code."""
    context = ssl.create_default_context()
    # Nothing is sent here, and what comes is compared with the fingerprint.
    context.check_hostname = False  # nosemgrep: certificates-are-checked
    context.verify_mode = ssl.CERT_NONE  # nosemgrep: certificates-are-checked
    return _call(url, "GET", "/authority", None, context)


def ask(url: str, path: str, body: Mapping[str, object], ca_file: Path) -> Mapping[str, Any]:
    """POST to the hub, which has to prove its name: by the pinned authority, or by one that this
    machine trusts anyway (a proxy with a public certificate)."""
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return _call(url, "POST", path, body, context)


def _call(
    url: str,
    method: str,
    path: str,
    body: Mapping[str, object] | None,
    context: ssl.SSLContext,
) -> Mapping[str, Any]:
    address = urlsplit(url)
    host = address.hostname or ""
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        connection = http.client.HTTPSConnection(
            host, address.port, timeout=TIMEOUT_S, context=context
        )
    elif host in _LOOPBACK:
        connection = http.client.HTTPConnection(host, address.port, timeout=TIMEOUT_S)
    else:
        raise EnrolmentFailed("bad_code", f"{url}: only https is taken from another machine")
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, PREFIX + path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = _document(response.read(ANSWER_BYTES_MAX))
    except ssl.SSLCertVerificationError as error:
        raise _unproven(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        detail = f"{url} can't be reached ({error or type(error).__name__}): is the line up?"
        raise EnrolmentFailed("unreachable", detail) from error
    finally:
        connection.close()
    if response.status in (200, 201):
        return said
    code = str(said.get("type", response.status))
    told = said.get("detail") or f"the answer was {response.status}; is this the hub's address?"
    raise EnrolmentFailed(code, f"{url}: {told}")


def _document(raw: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _unproven(url: str, error: ssl.SSLCertVerificationError) -> EnrolmentFailed:
    if error.verify_code in _CLOCK_FAULTS:
        detail = f"{error.verify_message}: is this machine's clock right? See timedatectl"
        return EnrolmentFailed("clock", f"{url}: {detail}")
    detail = f"it does not prove to be this hub ({error.verify_message}): is the code this hub's?"
    return EnrolmentFailed("wrong_hub", f"{url}: {detail}")
