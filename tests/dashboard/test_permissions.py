"""Every route declares a permission of the table; who gets what, cell by cell, is
`test_access_matrix`."""

from collections.abc import Iterator

import httpx2
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from dashboard import permissions
from dashboard.app import API_ROUTERS, PREFIX
from dashboard.permissions import PERMISSIONS, ROLE_PERMISSIONS, ROLES, TOPIC_PERMISSIONS
from dashboard.routes import operations
from tests.adapters.asgi_stream import StreamClient
from tests.dashboard.conftest import World, problem_of
from tests.dashboard.county import ACCOUNTS

DECLARATIONS = PERMISSIONS | {
    "public",
    "signed in",
    "gateway key",
    "wall screen",
    "calendar token",
    "family token",
    "reply token",
    "uplink token",
    "enrolment code",
    "gateway certificate",
}
DECLARATIONS_BY_SECRET = {
    "calendar token",
    "family token",
    "reply token",
    "uplink token",
    "enrolment code",
    "gateway certificate",
}
# Parts of addresses that have to be one of a few.
CHOSEN = {"move": "agree", "number": 1, "seq": 1, "form": "annex4", "ending": "csv"}


def routes() -> Iterator[tuple[str, APIRoute]]:
    for router in API_ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            yield PREFIX, route
    for route in operations.router.routes:
        assert isinstance(route, APIRoute)
        yield "", route


def declared(dependant: Dependant) -> set[str]:
    found = {getattr(dependant.call, "permission", None)} - {None}
    for inner in dependant.dependencies:
        found |= declared(inner)
    return {str(name) for name in found}


@pytest.mark.parametrize(("prefix", "route"), list(routes()), ids=lambda r: getattr(r, "name", r))
def test_every_route_declares_one_permission(prefix: str, route: APIRoute) -> None:
    names = declared(route.dependant)
    assert len(names) == 1, f"{route.methods} {prefix}{route.path} declares {names or 'nothing'}"
    assert names <= DECLARATIONS


def test_no_route_is_outside_the_list(world: World) -> None:
    listed = {f"{prefix}{route.path}" for prefix, route in routes() if route.include_in_schema}
    assert set(world.app.openapi()["paths"]) == listed
    # A route put on the application itself would not be walked above.
    assert not [route for route in world.app.routes if isinstance(route, APIRoute)]


def test_the_public_routes_are_these() -> None:
    public = {f"{p}{r.path}" for p, r in routes() if declared(r.dependant) == {"public"}}
    by_passkey = {
        "/api/v1/login/passkey",
        "/api/v1/login/passkey/options",
        "/api/v1/login/ways",
        "/api/v1/sign-on/start",
        "/api/v1/sign-on/back",
    }
    assert public == by_passkey | {
        "/api/v1/enrolment/authority",
        "/api/v1/login",
        "/api/v1/screen/code",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    }


def test_the_table_names_what_there_is() -> None:
    assert set(ROLE_PERMISSIONS) == set(ROLES)
    for role, granted in ROLE_PERMISSIONS.items():
        assert granted <= PERMISSIONS, role
    assert set().union(*TOPIC_PERMISSIONS.values()) <= PERMISSIONS
    used = {name for _, route in routes() for name in declared(route.dependant)}
    inside = {
        "address.read",
        "contact.read",
        "person.read",
        "plan.move_any",
        "stay.write_any",
        "task.move_any",
    }
    inside |= {"rule.write_wide", "visit.amend_any"}
    assert used | inside >= PERMISSIONS, f"granted but never asked: {PERMISSIONS - used - inside}"
    assert permissions.permissions_of("nobody") == frozenset()


async def ask(client: httpx2.AsyncClient, prefix: str, route: APIRoute) -> httpx2.Response:
    [method] = route.methods - {"HEAD"}
    names = ("alarm_id", "task_id", "home_id", "person_id", "gateway_id", "gateway", "device")
    names = (*names, "stay_id", "username", "name", "try_id", "point_id", "notification_id")
    names = (*names, "token", "secret", "provider", "consent_id", "import_id")
    names = (*names, "desk_id", "leave_id", "swap_id", "sheet_id", "referral_id", "provider_id")
    names = (*names, "visit_id", "attachment_id", "subject", "external_id", "order_id", "file_id")
    names = (*names, "code", "link_id", "session_id", "passkey_id", "token_id", "opening_id")
    names = (*names, "request_id", "screen_id")
    path = route.path.format(**dict.fromkeys(names, "nothing"), **CHOSEN)
    return await client.request(
        method,
        f"{prefix}{path}",
        params={"device": "no/thing"},
        json={} if method in ("POST", "PATCH") else None,
    )


async def test_without_a_session_only_the_public_routes_answer(world: World) -> None:
    async with world.anonymous() as client:
        for prefix, route in routes():
            # A screen's code brings a cookie.
            client.cookies.clear()
            answer = await ask(client, prefix, route)
            if declared(route.dependant) == {"public"}:
                # 409: no passkeys without an origin, no certificates without an authority;
                # 404: nobody to go to without a provider; 201: a code for a screen.
                assert answer.status_code in (200, 201, 404, 409, 422), route.path
            elif declared(route.dependant) <= DECLARATIONS_BY_SECRET:
                # Whoever has the secret of the path; here nobody has.
                assert answer.status_code in (404, 422), route.path
            else:
                assert answer.status_code == 401, route.path
                assert answer.headers["www-authenticate"] == "Bearer"
                problem_of(answer)


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_listen(world: World, role: str) -> None:
    username = next(name for name, (has, _) in ACCOUNTS.items() if has == role)
    headers = {"Authorization": f"Bearer {await world.token(username)}"}
    async with StreamClient(world.app, "/api/v1/stream", headers) as stream:
        allowed = "stream.read" in ROLE_PERMISSIONS[role]
        assert (stream.status == 200) == allowed
