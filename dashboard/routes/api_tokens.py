"""Tokens by which one's programs act; made by hand, ended by hand or by time."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from dashboard.answers import CREATED, answer
from dashboard.asked import Body, PathId, Word
from dashboard.callers import ONESELF, SETTING_UP, Caller, Hub
from dashboard.permissions import PERMISSIONS
from dashboard.problems import Problem, not_found
from dashboard.signing_in import api_tokens
from ledger.unit_of_work import UnitOfWork

router = APIRouter(tags=["session"])


class NewToken(Body):
    name: Word
    scopes: Annotated[list[Word], Field(min_length=1, max_length=len(PERMISSIONS))]
    days: Annotated[int, Field(ge=1, le=api_tokens.DAYS_MAX)] = api_tokens.DAYS_DEFAULT


@router.post("/me/tokens", status_code=CREATED)
async def make_token(body: NewToken, hub: Hub, caller: Annotated[Caller, SETTING_UP]) -> Response:
    """A token that may do a part of what its owner may. It is in this answer and nowhere else."""
    wall_ms = hub.wall_ms()

    def change(unit: UnitOfWork) -> tuple[str, str]:
        return api_tokens.make(
            unit, caller.username, caller.role, body.name, body.scopes, body.days, wall_ms
        )

    if caller.limit:
        raise Problem(403, "factor_wanted", "set a second factor up first")
    try:
        token_id, token = await hub.writer.change(change)
    except api_tokens.TokenRefused as error:
        raise Problem(422, error.code, error.detail, field=error.field) from None
    return answer({"id": token_id, "token": token}, CREATED)


@router.delete("/me/tokens/{token_id}")
async def revoke_token(token_id: PathId, hub: Hub, caller: Annotated[Caller, ONESELF]) -> Response:
    """It opens nothing from now on."""
    wall_ms = hub.wall_ms()
    try:
        await hub.writer.change(
            lambda unit: api_tokens.revoke(
                unit, caller.username, token_id, caller.username, wall_ms
            )
        )
    except KeyError:
        raise not_found("token") from None
    return answer({"id": token_id})
