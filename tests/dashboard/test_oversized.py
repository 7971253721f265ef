"""Too much of anything is a refusal with its reason: no mistake of ours, nothing half stored."""

from typing import Any

import pytest

from dashboard.app import PREFIX
from tests.dashboard.conftest import CSRF, World, problem_of

# More than any field takes, and less than any body may have.
LONG = "长" * 2_500


def placed(names: tuple[str, ...], value: Any) -> Any:
    """A body with this value at a place: `("record", "note")`."""
    for name in reversed(names):
        value = {name: value}
    return value


VISIT = {"way": "home_visit", "visited_at": "2026-11-23T07:00:00Z"}
UNTIL = {"until": "2026-11-24T08:00:00Z"}
DUE = {"due_at": "2026-11-24T08:00:00Z"}
# Each way in by which people write: what is asked, the rest of a good body, and the place.
WRITTEN: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("POST", "/login", {"password": "x"}, ("username",)),
    ("POST", "/login", {"username": "duty-1"}, ("password",)),
    ("POST", "/alarms/{alarm}/close", {"outcome": "false_alarm"}, ("note",)),
    ("POST", "/alarms/{alarm}/assign", {}, ("assignee",)),
    ("POST", "/alarms/{alarm}/release", {"reason": "busy"}, ("note",)),
    ("POST", "/tasks", {"kind": "routine", "home": "home-0001", **DUE}, ("note",)),
    ("POST", "/tasks", {"kind": "routine", **DUE}, ("home",)),
    ("PATCH", "/service-users/person-0001", {}, ("name",)),
    ("PATCH", "/service-users/person-0001", {}, ("hearing",)),
    ("POST", "/visits", {**VISIT, "home": "home-0001"}, ("record", "note")),
    ("POST", "/visits", {"way": "home_visit"}, ("home",)),
    ("POST", "/homes/home-0001/stays", {"kind": "away", **UNTIL}, ("note",)),
    ("POST", "/devices", {"gateway": "gw-0001", "home": "home-0001"}, ("device",)),
    ("POST", "/users", {"role": "duty", "region": "610926101"}, ("username",)),
    ("POST", "/service-users/person-0001/file/reveal", {}, ("reason",)),
)


@pytest.mark.parametrize("value", [LONG, [LONG], {"a": LONG}, [[0]] * 20_000, 10**400, "a\0b"])
async def test_no_field_takes_too_much(world: World, value: Any) -> None:
    alarm = await world.raise_alarm()
    wrong: list[tuple[str, tuple[str, ...], str]] = []
    async with world.client("admin-1") as client:
        for method, path, rest, place in WRITTEN:
            body = {**rest, **placed(place, value)}
            answer = await client.request(
                method, f"{PREFIX}{path.format(alarm=alarm)}", json=body, headers=CSRF
            )
            assert answer.status_code in (401, 413, 422), (path, place, answer.text[:200])
            problem_of(answer)
            # It is this field that is too much, and no other mistake of the request.
            if answer.status_code == 422:
                named = problem_of(answer).get("field") or ""
                wrong += [(path, place, answer.text)] * (place[-1] not in named)
            # What was sent comes back to nobody.
            assert len(answer.content) < 2_000
    assert wrong == []


@pytest.mark.parametrize(
    "address",
    [
        "/alarms/" + "x" * 7_000,
        "/service-users/" + "%E9%95%BF" * 800,
        "/service-users?q=" + "x" * 5_000,
        "/alarms?state=" + "open," * 1_000,
        "/alarms?before=" + "9" * 5_000,
        "/alarms?limit=" + "9" * 300,
        "/audit?actor=" + "x" * 5_000,
        "/visits?from=" + "2" * 3_000,
        "/readings?device=" + "x" * 5_000,
        "/homes?" + "&".join(["q=1"] * 1_500),
        "/replies/" + "x" * 5_000,
        "/family/" + "x" * 5_000,
    ],
)
async def test_no_address_takes_too_much(world: World, address: str) -> None:
    async with world.client("admin-1") as client:
        answer = await client.get(f"{PREFIX}{address}")
    assert answer.status_code < 500
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Idempotency-Key", "If-None-Match"])
async def test_no_header_takes_too_much(world: World, name: str) -> None:
    async with world.client("duty-1") as client:
        for size in (100, 10_000, 15_500, 70_000):
            prefix = {"Authorization": "Bearer ", "Cookie": "hearthwatch="}.get(name, "")
            answer = await client.get(f"{PREFIX}/me", headers={name: prefix + "x" * size})
            assert answer.status_code in (200, 401, 431), size
            problem_of(answer) if answer.status_code != 200 else None
