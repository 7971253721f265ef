"""Other rules tried on what was stored, before anybody bears what they would raise."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.config import ConfigError
from dashboard.answers import Trail, answer
from dashboard.asked import DAY_MS, Body, Line, PathId, Word, span_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.ports import Deps, TriesFull, TryWanted
from dashboard.problems import Problem, bad_field, not_found
from dashboard.register_reads import home_names
from ledger.views import Document

router = APIRouter(tags=["rules"])

ACCEPTED: Final = 202
# Raw readings are kept for 90 days unless the hub is told otherwise.
SPAN_MAX_MS: Final = 92 * DAY_MS
MONTH_MS: Final = 30 * DAY_MS
# A rules.toml of 64 rules with an override for each of a county's homes is an export, not a try.
TOML_CHARS_MAX: Final = 100_000


class Change(Body):
    """`scope`: county, category:…, home:… or person:…; `params` on top of what is in force there;
    `severity` for the county alone."""

    rule: Word
    scope: Annotated[Line, Field(max_length=160)] = "county"
    params: Annotated[dict[str, Any], Field(max_length=40)] = Field(default_factory=dict)
    severity: Literal["urgent", "watch", "technical"] | None = None


class NewTry(Body):
    """`from` to `to`, at most 92 days, the last 30 unless said; `homes`: a region within the
    caller's; `changes`, or a whole rules.toml as `toml`."""

    from_: Annotated[str | None, Field(alias="from", max_length=64)] = None
    to: Annotated[str | None, Field(max_length=64)] = None
    changes: Annotated[list[Change], Field(max_length=64)] = Field(default_factory=list)
    toml: Annotated[str, Field(max_length=TOML_CHARS_MAX)] | None = None
    homes: Annotated[Line, Field(max_length=32)] = ""


Manager = Annotated[Caller, needs("rule.try")]


@router.post("/rules/tries", status_code=ACCEPTED)
async def add_try(body: NewTry, hub: Hub, trail: Trail, caller: Manager) -> Response:
    """Put a try into the queue; `GET rules/tries/{id}` tells how far it is."""
    now_ms = hub.clock.now_ms()
    from_ms, to_ms = span_ms(body.from_, body.to, now_ms, default_ms=MONTH_MS)
    if to_ms - from_ms > SPAN_MAX_MS:
        raise bad_field("from", f"at most {SPAN_MAX_MS // DAY_MS} days")
    if from_ms >= now_ms:
        raise bad_field("from", "nothing has happened there yet")
    if bool(body.changes) == (body.toml is not None):
        raise bad_field("changes", "either `changes` or `toml`")
    if not caller.region.startswith(body.homes) and not caller.sees(body.homes):
        raise bad_field("homes", "not a region of this account")
    wanted = TryWanted(
        owner=caller.username,
        region=max(caller.region, body.homes, key=len),
        from_ms=from_ms,
        to_ms=min(to_ms, now_ms + 1),
        changes=[change.model_dump() for change in body.changes],
        toml=body.toml,
    )
    try:
        try_id = await run_in_threadpool(hub.tries.submit, wanted)
    except ConfigError as error:
        raise bad_field("changes" if body.toml is None else "toml", str(error)) from None
    except TriesFull as error:
        raise Problem(429, "too_many", str(error)) from None
    trail.note(caller.username, "tried", f"rules:{try_id}", f"region {wanted.region or 'all'}")
    return answer({"id": try_id}, ACCEPTED)


@router.get("/rules/tries")
def list_tries(hub: Hub, caller: Manager) -> Response:
    """One's own, newest first, without their results."""
    return answer({"items": list(hub.tries.latest(caller.username))})


@router.get("/rules/tries/{try_id}")
def get_try(try_id: PathId, hub: Hub, trail: Trail, caller: Manager) -> Response:
    """`state`, `progress` and, once it is done, `result` with the homes that differ by name."""
    found = hub.tries.find(caller.username, try_id)
    if found is None:
        raise not_found("try")
    if (result := found.get("result")) and result.get("by_home"):
        named = _named(hub, caller, result["by_home"])
        trail.note(caller.username, "listed", "homes", f"{len(named)} shown")
        found = {**found, "result": {**result, "by_home": named}}
    return answer(found)


@router.delete("/rules/tries/{try_id}", status_code=204)
def cancel_try(try_id: PathId, hub: Hub, caller: Manager) -> Response:
    """Stop it if it runs, and forget it."""
    if not hub.tries.cancel(caller.username, try_id):
        raise not_found("try")
    return Response(status_code=204)


def _named(hub: Deps, caller: Caller, lines: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The homes with their addresses and persons; what has moved out of sight is left out."""
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        homes = home_names(connection, caller, {line["home"] for line in lines}, now_ms)
    return [
        present({**line, **homes[line["home"]]}, caller.can)
        for line in lines
        if line["home"] in homes
    ]
