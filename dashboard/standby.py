"""What a hub that waits for its turn answers: that it is alive, and not the one to ask."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.middleware import SecurityHeaders

# A screen asks again this soon; the turn comes within ten seconds of the other hub's end.
RETRY_AFTER_S: Final = 2
_HEADERS: Final = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}


def create_standby(
    opens: Callable[[], bool] = lambda: True, registry: CollectorRegistry | None = None
) -> Starlette:
    """`opens`: whether its key file is the book's; a hub that can't open it never gets its turn.
    `registry`: what it counts."""
    counted = CollectorRegistry() if registry is None else registry

    async def ready(_request: Request) -> Response:
        checks = {"lease": "another hub has the book"}
        if not opens():
            checks["key_file"] = "this hub can't open what is sealed in the book; see its log"
        return JSONResponse({"status": "standby", "checks": checks}, 503, headers=_HEADERS)

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(counted), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", ready),
            Route("/metrics", metrics),
            Route("/{path:path}", _elsewhere, methods=["GET", "POST", "PATCH", "DELETE"]),
        ],
        middleware=[Middleware(SecurityHeaders)],
    )


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers=_HEADERS)


async def _elsewhere(_request: Request) -> Response:
    document = {
        "type": "standby",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "this hub waits for its turn; another one has the book",
    }
    return JSONResponse(document, 503, headers=_HEADERS, media_type="application/problem+json")
