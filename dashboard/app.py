"""The HTTP interface as one application, built from the ports the composition root gives it."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from contract.envelope import ENVELOPE_BYTES_MAX
from dashboard import problems, route_table
from dashboard.audit import AuditTrail
from dashboard.callers import GATEWAY_THREADS
from dashboard.flood import Flood, Rates
from dashboard.images import UPLOAD_BYTES_MAX, Pictures
from dashboard.login_delay import LoginDelay
from dashboard.look_limit import LookLimit
from dashboard.middleware import RequestMetrics, SecurityHeaders, gauge
from dashboard.one_at_a_time import OneAtATime
from dashboard.person_imports import Imports
from dashboard.person_sheets import FILE_BYTES_MAX
from dashboard.ports import Deps
from dashboard.request_limits import RequestLimits
from dashboard.routes import (
    account_doors,
    activations,
    alarms,
    api_tokens,
    assessment_files,
    assessments,
    attachments,
    audit,
    care_lines,
    care_sums,
    contact_points,
    devices,
    dispatch,
    door,
    emergency,
    enrolment,
    erasures,
    exchange,
    export_orders,
    export_requests,
    exports,
    family,
    family_links,
    gateway_certificates,
    gateways,
    handovers,
    homes,
    life,
    live,
    login,
    looks,
    notifications,
    operations,
    overview,
    own_security,
    papers,
    passkeys,
    person_files,
    person_imports,
    person_photo,
    plan,
    plan_changes,
    providers,
    readings,
    records,
    referrals,
    region_changes,
    region_outlines,
    regions,
    replies,
    report_files,
    reports,
    response,
    rota,
    rota_changes,
    rota_days,
    rota_files,
    rule_tries,
    rules,
    screens,
    service_users,
    sign_on,
    stays,
    tasks,
    unreachable,
    unseen,
    users,
    village_map,
    visit_changes,
    visits,
)
from dashboard.same_origin import SameOrigin
from dashboard.shared_answers import SharedAnswers
from dashboard.signing_in import flow_cookie
from dashboard.signing_in.webauthn import Passkeys
from dashboard.stream import Streams
from dashboard.web_page import WebPage
from ledger.outlines import FILE_BYTES_MAX as OUTLINES_BYTES_MAX

PREFIX: Final = "/api/v1"
API_ROUTERS: Final[tuple[APIRouter, ...]] = (
    login.router,
    passkeys.router,
    own_security.router,
    api_tokens.router,
    sign_on.router,
    overview.router,
    village_map.router,
    alarms.router,
    family.router,
    family_links.router,
    tasks.router,
    dispatch.router,
    door.router,
    emergency.router,
    response.router,
    reports.router,
    report_files.router,
    assessments.router,
    assessment_files.router,
    visits.router,
    unseen.router,
    unreachable.router,
    providers.router,
    referrals.router,
    care_lines.router,
    care_sums.router,
    visit_changes.router,
    attachments.router,
    plan.router,
    plan_changes.router,
    homes.router,
    stays.router,
    service_users.router,
    person_files.router,
    life.router,
    person_photo.router,
    erasures.router,
    person_imports.router,
    regions.router,
    region_changes.router,
    region_outlines.router,
    devices.router,
    gateways.router,
    gateway_certificates.router,
    enrolment.router,
    papers.router,
    looks.router,
    exports.router,
    export_orders.router,
    export_requests.router,
    exchange.router,
    readings.router,
    rule_tries.router,
    users.router,
    account_doors.router,
    contact_points.router,
    notifications.router,
    replies.router,
    rota_changes.router,
    rota_days.router,
    rota_files.router,
    rota.router,
    handovers.router,
    rules.router,
    records.router,
    audit.router,
    activations.router,
    live.router,
    screens.router,
)
# The envelope of the second path is the largest body there is.
BODY_BYTES_MAX: Final = ENVELOPE_BYTES_MAX
# What somebody sends who has not signed in: a name and a password, an answer, a key to certify.
STRANGERS_BYTES_MAX: Final = 16 * 1024
# But for photos as a camera makes them, and lists that people bring.
OTHER_BODIES: Final = (
    (re.compile(rf"{PREFIX}/visits/[^/]+/attachments\Z"), UPLOAD_BYTES_MAX),
    (re.compile(rf"{PREFIX}/service-users/[^/]+/photo\Z"), UPLOAD_BYTES_MAX),
    (re.compile(rf"{PREFIX}/person-imports\Z"), FILE_BYTES_MAX),
    (re.compile(rf"{PREFIX}/(login|family|replies|enrolment|screen)(/.*)?\Z"), STRANGERS_BYTES_MAX),
    (re.compile(rf"{PREFIX}/regions/outlines\Z"), OUTLINES_BYTES_MAX),
)
# Gateways, whose presses nothing holds up, and who looks whether the hub lives.
NEVER_COUNTED: Final = frozenset({f"{PREFIX}/activations", "/healthz", "/readyz", "/metrics"})

_PROBLEM: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem document (RFC 9457)",
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "field": {"type": "string"},
                        "refusals": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


def _say_what_is_needed(routes: Iterable[BaseRoute]) -> None:
    """In the description of the interface, too, each operation names what it takes."""
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        for method in (route.methods or set()) - {"HEAD"}:
            rule = route_table.ROUTES.get(f"{method} {route.path}")
            if rule is not None:
                wanted = [name for name in (rule.needs, rule.also) if name]
                route.openapi_extra = {"x-needs": wanted}


def _routes() -> list[BaseRoute]:
    router = APIRouter(responses=_PROBLEM, redirect_slashes=False)
    for included in (*API_ROUTERS, operations.router):
        _say_what_is_needed(included.routes)
    for included in API_ROUTERS:
        router.include_router(included, prefix=PREFIX)
    router.include_router(operations.router)
    return router.routes


# Every application of this process has the same ones: they hold nothing of a hub, and what FastAPI
# works out for each when it is first asked (0.1 s for all) is worked out once.
ROUTES: Final = tuple(_routes())


def _sign_on(deps: Deps) -> Any:
    """None without an identity provider, and then without Authlib."""
    if deps.signing_in.sign_on is None:
        return None
    from dashboard.signing_in.sign_on import SignOn

    return SignOn(deps.signing_in.sign_on)


def create_app(deps: Deps) -> FastAPI:
    """One application for one hub; `deps.registry` gets its metrics (so: one per registry).

    `app.state.streams.close()` ends the open live streams; call it before stopping the server,
    which otherwise waits for them.
    """
    audit = AuditTrail(deps.writer)
    streams = Streams(deps.feed, deps.streams_max)
    imports = Imports(deps)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        writing = asyncio.create_task(audit.run(), name="audit-trail")
        try:
            yield
        finally:
            streams.close()
            await imports.close()
            await audit.close(writing)

    app = FastAPI(
        title="hearthwatch",
        version="1",
        lifespan=lifespan,
        # The pages of interactive documentation load their scripts from a CDN.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
        routes=[*ROUTES],
    )
    app.state.deps = deps
    app.state.audit = audit
    app.state.streams = streams
    app.state.shared = SharedAnswers(deps.feed, deps.clock.now_ms)
    app.state.imports = imports
    app.state.login_delay = LoginDelay()
    app.state.passkeys = Passkeys()
    app.state.sign_on = _sign_on(deps)
    app.state.sign_on_key = secrets.token_bytes(flow_cookie.KEY_BYTES)
    app.state.look_limit = LookLimit()
    app.state.rates = Rates(deps.account_rate, deps.address_rate)
    app.state.gateway_threads = CapacityLimiter(GATEWAY_THREADS)
    app.state.in_flight = OneAtATime(deps.key_turns)
    app.state.checking_chain = False
    # By region and known homes, when it was counted and what; cleared with each call that is told.
    app.state.unseen_counts = {}
    app.state.pictures = Pictures()
    problems.install(app)
    app.router.default = WebPage(deps.static_dir)
    _guard(app, deps)
    gauge(
        deps.registry,
        "hearthwatch_streams",
        "Live streams that are open",
        lambda: float(streams.count),
    )
    gauge(
        deps.registry,
        "hearthwatch_audit_rows_lost",
        "Views of records that could not be written to the audit trail",
        lambda: float(audit.lost),
    )
    return app


def _guard(app: FastAPI, deps: Deps) -> None:
    """What stands around every route; the one added last is the outermost."""
    app.add_middleware(
        RequestLimits, bytes_max=BODY_BYTES_MAX, others=OTHER_BODIES, seconds=time.monotonic
    )
    app.add_middleware(SameOrigin)
    app.add_middleware(
        Flood, rates=app.state.rates, wall_ms=deps.wall_ms, never_counted=NEVER_COUNTED
    )
    app.add_middleware(problems.Unexpected)
    app.add_middleware(RequestMetrics, registry=deps.registry)
    app.add_middleware(SecurityHeaders)
