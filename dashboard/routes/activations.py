"""The second path of an activation: the same envelope over HTTPS, when the broker is away."""

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from dashboard.callers import GATEWAY_KEY, Hub
from dashboard.once import JSON

router = APIRouter(tags=["activations"])


@router.post("/activations")
async def accept(request: Request, hub: Hub, gateway: Annotated[str, GATEWAY_KEY]) -> Response:
    """An envelope as on the topic; the answer is the ack, after the durable commit."""
    payload = await request.body()
    return Response(await hub.intake.accept(payload, gateway), media_type=JSON)
