"""What a hub that waits for its turn answers: that it is alive, and not the one to ask."""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

# A screen asks again this soon; the turn comes within ten seconds of the other hub's end.
RETRY_AFTER_S: Final = 2
_HEADERS: Final = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}


def create_standby() -> Starlette:
    return Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", _standby),
            Route("/{path:path}", _elsewhere, methods=["GET", "POST", "PATCH", "DELETE"]),
        ]
    )


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers=_HEADERS)


async def _standby(_request: Request) -> Response:
    document = {"status": "standby", "checks": {"lease": "another hub has the book"}}
    return JSONResponse(document, 503, headers=_HEADERS)


async def _elsewhere(_request: Request) -> Response:
    document = {
        "type": "standby",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "this hub waits for its turn; another one has the book",
    }
    return JSONResponse(document, 503, headers=_HEADERS, media_type="application/problem+json")
