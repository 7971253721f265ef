"""The rules in force: their parameters, who changed what and why, and what they find in shadow."""

import difflib
import json
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.config import ConfigError, one_of
from dashboard.answers import Trail, answer, page
from dashboard.asked import LIMIT_DEFAULT, Body, Limit, Line, Number, PathId, Reason, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field
from dashboard.reads import rows
from dashboard.register_reads import home_names
from dashboard.rule_reads import (
    rule_documents,
    rule_object,
    scope_places,
    shadow_object,
    visible_scopes,
)
from dashboard.setting_reads import named
from ledger.roster import CATEGORIES
from ledger.rule_settings import NewSetting, setting_object
from ledger.schema import RULE_SETTING, SHADOW_FINDING
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.views import Document, to_json
from rules.settings import COUNTY, SCOPE_LENGTH_MAX, check_scope

router = APIRouter(tags=["rules"])

# A rule has twenty parameters at most, their lists name a dozen kinds.
PARAMS_MAX: Final = 64
LIST_MAX: Final = 64


def _stripped(text: str) -> str:
    return text.strip()


Value = bool | int | float | Line | Annotated[list[Word], Field(max_length=LIST_MAX)]


class RuleSaid(Body):
    """What is said about a rule; what is left out or null stays as it is. `params` are all that
    differs in the scope from then on: an empty object takes back what was set."""

    scope: Annotated[Line, Field(max_length=SCOPE_LENGTH_MAX)] = COUNTY
    params: Annotated[dict[Word, Value], Field(max_length=PARAMS_MAX)] | None = None
    mode: Literal["live", "shadow"] | None = None
    signed_off_by: Annotated[Line, AfterValidator(_stripped)] = ""
    signed_off_on: Annotated[Line, Field(max_length=10)] = ""


class RuleChange(RuleSaid):
    reason: Reason


@router.get("/rules")
def list_rules(hub: Hub, trail: Trail, caller: Annotated[Caller, needs("rule.read")]) -> Response:
    """The rules in force, what was changed for whom, and how often each was right."""
    documents = _documents(hub, caller, hub.rules.describe())
    _note_persons(trail.note, caller, documents)
    return answer({"items": documents})


@router.get("/rules/{name}")
def get_rule(
    *,
    name: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("rule.read")],
    scope: Annotated[Line, Query(max_length=SCOPE_LENGTH_MAX)] = COUNTY,
) -> Response:
    """A rule with what its kind says of itself, its parameters with their limits, and what holds
    in a scope and who said so."""
    rule = _find(hub, name)
    _check_seen(hub, caller, scope)
    try:
        detail = hub.rules.detail(name, scope)
    except ConfigError as error:
        raise _wrong(error) from None
    with hub.engine.connect() as connection:
        (document,) = rule_documents(
            connection, [rule], caller, hub.clock.now_ms(), every_device=True
        )
    if scope.startswith("person:"):
        trail.note(caller.username, "viewed", scope, "limits of rules")
    _note_persons(trail.note, caller, [document])
    return answer({**document, **detail})


@router.post("/rules/{name}/preview")
def preview_change(
    name: PathId, body: RuleSaid, hub: Hub, caller: Annotated[Caller, needs("rule.write")]
) -> Response:
    """What a `PATCH` with this body would change, and for how many homes; nothing is changed."""
    _find(hub, name)
    new = NewSetting(rule=name, actor=caller.username, reason="", **body.model_dump())
    _allowed_region(hub, caller, new)
    try:
        return answer(dict(hub.rules.preview(new)))
    except ConfigError as error:
        raise _wrong(error) from None


@router.patch("/rules/{name}")
async def change_rule(
    name: PathId,
    body: RuleChange,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rule.write")],
) -> Response:
    """Change a rule for the county, a category, a home or a person; live with the commit."""
    new = NewSetting(rule=name, actor=caller.username, **body.model_dump())

    async def work() -> Document:
        await run_in_threadpool(_find, hub, name)
        region = await run_in_threadpool(_allowed_region, hub, caller, new)
        await hub.writer.change(lambda unit: _change(unit, hub, new, region))
        return await run_in_threadpool(_document, hub, caller, name)

    return await once(request, caller, work)


@router.get("/rules/{name}/history")
def list_history(
    *,
    name: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("rule.read")],
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """Everything that was said about a rule, newest first."""
    _find(hub, name)
    wanted = select(RULE_SETTING).where(RULE_SETTING.c.rule == name)
    if before is not None:
        wanted = wanted.where(RULE_SETTING.c.seq < before)
    wanted = wanted.order_by(RULE_SETTING.c.seq.desc()).limit(limit + 1)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
        shown = visible_scopes(connection, caller, {row["scope"] for row in found})
        documents = named(
            connection, [setting_object(row) for row in found[:limit] if row["scope"] in shown]
        )
    _note_persons(trail.note, caller, [{"settings": documents}])
    return page(documents, [row["seq"] for row in found], limit)


@router.get("/rules/{name}/shadow")
def list_shadow(
    *,
    name: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("alarm.read")],
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """What a rule found in shadow, newest first: alarms that nobody heard."""
    _find(hub, name)
    table = SHADOW_FINDING
    wanted = select(table).where(table.c.rule == name, caller.visible(table.c.region))
    if before is not None:
        wanted = wanted.where(table.c.seq < before)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.order_by(table.c.seq.desc()).limit(limit + 1))
        homes = {row["home"] for row in found if row["home"] is not None}
        names = home_names(connection, caller, homes, hub.clock.now_ms())
    documents = [
        present(
            {**shadow_object(row, _evidence(row["evidence"])), **names.get(row["home"], {})},
            caller.can,
        )
        for row in found
    ]
    trail.note(caller.username, "listed", f"shadow:{name}", f"{len(documents[:limit])} shown")
    return page(documents, [row["seq"] for row in found], limit)


def _change(unit: UnitOfWork, hub: Deps, new: NewSetting, region: str | None) -> None:
    try:
        hub.rules.change(unit, new)
    except ConfigError as error:
        raise _wrong(error) from None
    fact = "signed" if new.params is None and new.signed_off_by else "changed"
    if new.mode is not None:
        fact = {"shadow": "shadowed", "live": "went_live"}[new.mode]
    unit.entry(
        Entry(
            topic="rule",
            subject=new.rule,
            fact=fact,
            actor=new.actor,
            region=region,
            data={
                "scope": new.scope,
                "mode": new.mode,
                "params": None if new.params is None else dict(new.params),
                "reason": new.reason,
            },
            payload=lambda: to_json(rule_object(_find(hub, new.rule))),
        )
    )
    unit.audit(new.actor, fact, f"rule:{new.rule}", f"{new.scope}: {new.reason}")


def _check_seen(hub: Deps, caller: Caller, scope: str) -> None:
    _check_words(scope)
    with hub.engine.connect() as connection:
        if scope not in visible_scopes(connection, caller, [scope]):
            raise bad_field("scope", f"there is no such {scope.partition(':')[0]}")


def _check_words(scope: str) -> None:
    try:
        check_scope(scope)
        kind, _, about = scope.partition(":")
        if kind == "category":
            one_of(about, CATEGORIES, "scope")
    except ConfigError as error:
        raise _wrong(error) from None


def _allowed_region(hub: Deps, caller: Caller, new: NewSetting) -> str | None:
    """The region that a change concerns, None for all; a Problem where it isn't the caller's."""
    _check_words(new.scope)
    kind = new.scope.partition(":")[0]
    if kind not in ("home", "person"):
        if caller.region or "rule.write_wide" not in caller.can:
            detail = "what holds for everybody is changed by who sees every region"
            raise Problem(403, "forbidden", detail, field="scope")
        return None
    with hub.engine.connect() as connection:
        place = scope_places(connection, [new.scope]).get(new.scope)
    if place is None or not caller.knows(*place):
        raise bad_field("scope", f"there is no such {kind}")
    return place[0]


def _wrong(error: ConfigError) -> Problem:
    """A mistake with the field that it is in; the detail has the nearest name, if there is one."""
    return bad_field(error.where, error.detail.removeprefix(f"{error.where}: "))


def _find(hub: Deps, name: str) -> dict[str, Any]:
    rules = {str(rule["name"]): dict(rule) for rule in hub.rules.describe()}
    if name not in rules:
        near = difflib.get_close_matches(name, rules, n=1, cutoff=0.4)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise Problem(404, "not_found", f"there is no such rule{hint}", field="name")
    return rules[name]


def _document(hub: Deps, caller: Caller, name: str) -> Document:
    return _documents(hub, caller, [_find(hub, name)])[0]


def _documents(hub: Deps, caller: Caller, rules: Any) -> list[Document]:
    with hub.engine.connect() as connection:
        return rule_documents(connection, rules, caller, hub.clock.now_ms())


def _note_persons(
    note: Callable[[str, str, str, str], None], caller: Caller, documents: list[Document]
) -> None:
    """Limits of a person's own are a part of the person's record."""
    scopes = {s["scope"] for document in documents for s in document["settings"]}
    for scope in sorted(scopes):
        if scope.startswith("person:"):
            note(caller.username, "viewed", scope, "limits of rules")


def _evidence(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}
