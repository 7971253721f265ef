"""Around every request, as plain ASGI (nothing here holds back a stream): security headers,
request metrics, and the limit of a body."""

import re
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.problems import Problem, problem_response

# Everything comes from this hub; no inline script or style, no frame around it. Photographs and
# map tiles may be data or blobs that the page made itself.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A visitor's telephone may say where it is; nothing else is asked for.
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
}
STRICT_TRANSPORT_SECURITY: Final = "max-age=31536000"


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # People's records do not belong into the caches of browsers and proxies.
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
            await send(message)

        await self.app(scope, receive, send_with_headers)


class RequestMetrics:
    """Counts by route template, never by path: a path names people."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._requests = Counter(
            "hearthwatch_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "hearthwatch_http_request_seconds",
            "Time until an answer begins",
            ("route",),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                # Methods outside the usual would be labels that strangers choose.
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._requests.labels(method, route, message["status"]).inc()
                self._seconds.labels(route).observe(perf_counter() - started)
            await send(message)

        await self.app(scope, receive, send_and_count)


class BodyLimit:
    """Refuses a body by its announced length, or while it comes when none was announced.
    `larger`: paths whose bodies may be larger."""

    def __init__(
        self, app: ASGIApp, bytes_max: int, larger: Sequence[tuple[re.Pattern[str], int]] = ()
    ) -> None:
        self.app = app
        self._bytes_max = bytes_max
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        bytes_max = self._limit_of(scope["path"])
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > bytes_max:
            await problem_response(_too_large(bytes_max))(scope, receive, send)
            return
        received = 0

        async def receive_and_count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > bytes_max:
                # Of the one type that FastAPI lets through while it reads a body.
                raise HTTPException(413, _too_large(bytes_max).detail)
            return message

        await self.app(scope, receive_and_count, send)

    def _limit_of(self, path: str) -> int:
        limits = (limit for paths, limit in self._larger if paths.match(path))
        return next(limits, self._bytes_max)


def _too_large(bytes_max: int) -> Problem:
    return Problem(413, "too_large", f"a body has at most {bytes_max} bytes")


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


def gauge(registry: CollectorRegistry, name: str, text: str, value: Callable[[], float]) -> None:
    """A gauge that is read when it is asked for."""
    Gauge(name, text, registry=registry).set_function(value)
