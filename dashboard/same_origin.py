"""Requests that a page of another site makes a browser send are refused, before anybody reads them.

Browsers say where a request comes from (`Sec-Fetch-Site`, which a page can't change), older ones at
least the page's `Origin`. A program that is no browser says neither and has no cookie that somebody
else could use. This stands beside the header that every change by cookie needs
(`callers.CSRF_HEADER`) and the cookie's `SameSite`: each alone would do.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.problems import Problem, problem_response

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Sent by our own page, or by somebody who typed the address.
_OWN: Final = frozenset({"same-origin", "none"})
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_API: Final = "/api/"


class SameOrigin:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_foreign(
            scope["method"], scope["path"], Headers(scope=scope)
        ):
            detail = "a page of another site sent this"
            await problem_response(Problem(403, "csrf", detail))(scope, receive, send)
            return
        await self.app(scope, receive, send)


def is_foreign(method: str, path: str, headers: Headers) -> bool:
    """Whether a page of another site made this request."""
    if headers.get("authorization", "").lower().startswith("bearer "):
        # No browser sends it by itself, and it wins over a cookie.
        return False
    site = headers.get("sec-fetch-site")
    if method in _SAFE_METHODS:
        # A link that somebody follows is a navigation; nothing else of another site reads records.
        foreign = site == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
        return foreign and path.startswith(_API)
    if site is not None:
        return site not in _OWN
    origin = headers.get("origin")
    return origin is not None and not _is_host(origin, headers.get("host", ""))


def _is_host(origin: str, host: str) -> bool:
    """The scheme is left out: behind a proxy we may not know it."""
    try:
        page = urlsplit(origin)
        ours = urlsplit(f"{page.scheme}://{host}")
        usual = _USUAL_PORTS.get(page.scheme)
        return (
            usual is not None
            and page.hostname is not None
            and page.hostname == ours.hostname
            and (page.port or usual) == (ours.port or usual)
        )
    except ValueError:
        return False
