"""What a process answers that serves no people: is it alive, is it ready, what does it count."""

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.middleware import SecurityHeaders

_HEADERS: Final = {"Cache-Control": "no-store"}


def create_part(
    role: str,
    health: Callable[[], Mapping[str, str]],
    registry: CollectorRegistry,
    shown: Callable[[], Mapping[str, object]] = dict,
) -> Starlette:
    """`health`: each check's name with "ok" or what is wrong; `shown`: what else there is to say of
    it."""

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    async def ready(_request: Request) -> Response:
        try:
            checks = dict(await run_in_threadpool(health))
        except Exception as error:  # noqa: BLE001 - a check that cannot run is a failed check
            checks = {"checks": f"failed: {type(error).__name__}"}
        is_ready = all(state == "ok" for state in checks.values())
        document = {
            **shown(),
            "status": "ok" if is_ready else "unavailable",
            "role": role,
            "checks": checks,
        }
        return JSONResponse(document, 200 if is_ready else 503, headers=_HEADERS)

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def elsewhere(_request: Request) -> Response:
        document = {
            "type": "other_role",
            "title": "Not Found",
            "status": 404,
            "detail": f"this process is the {role} of the hub; its pages are served by role web",
        }
        return JSONResponse(document, 404, headers=_HEADERS, media_type="application/problem+json")

    return Starlette(
        routes=[
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", metrics),
            Route("/{path:path}", elsewhere, methods=["GET", "POST", "PATCH", "DELETE"]),
        ],
        middleware=[Middleware(SecurityHeaders)],
    )
