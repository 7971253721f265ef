"""One request to a provider: what came back as JSON, or why there is nothing to read.

A status of 200 says nothing: every provider here tells its refusals in the body.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msgspec

from alarms.notifier import Refused, RetryLater

# A provider that takes longer is down for our purposes; the attempt is repeated.
TIMEOUT_S: Final = 10.0
# Answers are a few hundred bytes; more is not read into anything.
ANSWER_BYTES_MAX: Final = 64 * 1024
# Statuses by which a receiver asks for patience rather than saying no.
PATIENCE: Final = frozenset({408, 409, 425, 429})
# The longest that a receiver may make us wait by Retry-After.
RETRY_AFTER_MAX_S: Final = 3600.0

Json = Mapping[str, Any]


async def ask(
    client: httpx2.AsyncClient, method: str, url: str, **request: Any
) -> Json | RetryLater | Refused:
    """The provider's JSON object, whatever its status says; RetryLater where there is none."""
    try:
        response = await client.request(method, url, timeout=TIMEOUT_S, **request)
    except httpx2.HTTPError as error:
        # The text could hold the address, and the address a key.
        return RetryLater(detail=type(error).__name__)
    except (httpx2.InvalidURL, UnicodeError) as error:
        return Refused(detail=f"the address is none: {type(error).__name__}")
    if patience := waits(response):
        return patience
    try:
        answer = msgspec.json.decode(response.content[:ANSWER_BYTES_MAX])
    except msgspec.DecodeError:
        answer = None
    if not isinstance(answer, dict):
        if response.is_success:
            return RetryLater(detail=f"HTTP {response.status_code} without an answer in JSON")
        return Refused(detail=f"HTTP {response.status_code}")
    return answer


def waits(response: httpx2.Response) -> RetryLater | None:
    """A status that asks for patience, with its Retry-After (RFC 9110, 10.2.3, in seconds)."""
    if response.status_code < 500 and response.status_code not in PATIENCE:
        return None
    return RetryLater(detail=f"HTTP {response.status_code}", after_s=retry_after_s(response))


def retry_after_s(response: httpx2.Response) -> float | None:
    """A date instead of seconds is not followed: it would trust the other side's clock."""
    text = response.headers.get("retry-after", "").strip()
    return min(float(text), RETRY_AFTER_MAX_S) if text.isascii() and text.isdigit() else None


def told(answer: Json, *keys: str) -> str:
    """The provider's own words, cut to what a log line bears."""
    return " ".join(str(answer.get(key, ""))[:160] for key in keys).strip()[:240]
