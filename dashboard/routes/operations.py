"""For those who run the hub: is it alive, is it ready, what does it count, what can it do."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.callers import PUBLIC, Hub

router = APIRouter(tags=["operations"], dependencies=[PUBLIC])


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return answer({"status": "ok"})


@router.get("/readyz")
async def readyz(hub: Hub) -> Response:
    """Each check by name with "ok" or what is wrong; 503 when anything is. `copied_at`: when the
    newest checked copy of the book was made, null: there is none; its age makes no hub unready.
    """
    try:
        checks = dict(await run_in_threadpool(hub.health))
    except Exception as error:  # noqa: BLE001 - a check that cannot run is a failed check
        checks = {"checks": f"failed: {type(error).__name__}"}
    ready = all(state == "ok" for state in checks.values())
    copied_at_ms = hub.copied_at_ms()
    document = {
        "status": "ok" if ready else "unavailable",
        "checks": checks,
        "copied_at": to_iso(copied_at_ms) if copied_at_ms else None,
    }
    return answer(document, 200 if ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(hub: Hub) -> Response:
    """Counters and gauges in Prometheus' text format."""
    return Response(generate_latest(hub.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """This interface in OpenAPI 3.1."""
    return answer(request.app.openapi())
