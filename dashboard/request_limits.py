"""What a request may be: its head, its body by bytes, depth and time.

  head     refused at once: 431, 414
  body     by its announced length, or while it comes: 413; JSON by its depth: 422
  time     a body that comes more slowly than any line carries it: 408

Nothing is gathered here; a body goes on in the portions in which it comes.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.head_limits import HEAD_BYTES_MAX
from dashboard.json_depth import DEPTH_MAX, JsonDepth, may_begin
from dashboard.problems import BodyRefused, Problem, problem_response

HEAD_FIELDS_MAX: Final = 100
# The longest of ours, a list of visits with all its filters, has some 300.
TARGET_BYTES_MAX: Final = 8 * 1024
# Until a body counts as slow, and how quick it has to be then: a line of a village that carries a
# photo at all does so at ten times this.
BODY_GRACE_S: Final = 20.0
BODY_BYTES_PER_S_MIN: Final = 2 * 1024

Limits = Sequence[tuple[re.Pattern[str], int]]


class RequestLimits:
    """`others`: paths whose bodies may be larger, or smaller, than `bytes_max`. `seconds`: a clock
    that never goes back."""

    def __init__(
        self, app: ASGIApp, *, bytes_max: int, others: Limits, seconds: Callable[[], float]
    ) -> None:
        self.app = app
        self._bytes_max = bytes_max
        self._others = others
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        bytes_max = self._limit_of(scope["path"])
        refused = _head_refused(scope) or _announced_refused(headers, bytes_max)
        if refused is not None:
            await problem_response(refused)(scope, receive, send)
            return
        body = _Body(receive, bytes_max, self._seconds, json=_is_json(headers))
        await self.app(scope, body.receive, send)

    def _limit_of(self, path: str) -> int:
        limits = (limit for paths, limit in self._others if paths.match(path))
        return next(limits, self._bytes_max)


class _Body:
    """One request's body as it is received."""

    def __init__(
        self, receive: Receive, bytes_max: int, seconds: Callable[[], float], *, json: bool | None
    ) -> None:
        """json: None where nothing is said; its first bytes tell then."""
        self._receive = receive
        self._bytes_max = bytes_max
        self._seconds = seconds
        self._depth = None if json is False else JsonDepth()
        self._doubted = json is None
        self._since_s = seconds()
        self._received = 0
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            # What comes behind a body is that the client has gone, and may take for ever.
            return await self._receive()
        due_s = self._since_s + BODY_GRACE_S + self._received / BODY_BYTES_PER_S_MIN
        left_s = due_s - self._seconds()
        if left_s <= 0:
            raise BodyRefused(_too_slow())
        try:
            async with asyncio.timeout(left_s):
                message = await self._receive()
        except TimeoutError:
            raise BodyRefused(_too_slow()) from None
        portion: bytes = message.get("body", b"")
        self._received += len(portion)
        self._whole = not message.get("more_body", False)
        if self._received > self._bytes_max:
            raise BodyRefused(_too_large(self._bytes_max))
        if self._doubted and portion:
            self._doubted = False
            if not may_begin(portion):
                self._depth = None
        if self._depth is not None and self._depth.too_deep(portion):
            raise BodyRefused(_too_deep())
        return message


def _head_refused(scope: Scope) -> Problem | None:
    fields = scope["headers"]
    size = sum(len(name) + len(value) for name, value in fields)
    if len(fields) > HEAD_FIELDS_MAX or size > HEAD_BYTES_MAX:
        return Problem(431, "head_too_large", "the request's head is too large", headers=_CLOSE)
    # The path as it was sent; a test's transport may leave it out.
    path = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) > TARGET_BYTES_MAX:
        return Problem(414, "address_too_long", "the address is too long", headers=_CLOSE)
    return None


def _announced_refused(headers: Headers, bytes_max: int) -> Problem | None:
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > bytes_max:
        return _too_large(bytes_max)
    return None


def _is_json(headers: Headers) -> bool | None:
    """None where nothing is said: FastAPI may take it for JSON, and a photo is sent so, too."""
    kind = headers.get("content-type")
    return None if kind is None else kind.partition(";")[0].strip().lower().endswith("json")


# What of the body is still under way is nobody's business any more.
_CLOSE: Final = {"Connection": "close"}


def _too_large(bytes_max: int) -> Problem:
    return Problem(413, "too_large", f"a body has at most {bytes_max} bytes", headers=_CLOSE)


def _too_slow() -> Problem:
    return Problem(408, "too_slow", "the body came too slowly; send it again", headers=_CLOSE)


def _too_deep() -> Problem:
    return Problem(422, "too_deep", f"JSON nests at most {DEPTH_MAX} deep", headers=_CLOSE)
