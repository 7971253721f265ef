"""The whole matrix: every route x role x whose object, asked of the running hub. What
`dashboard.access_table` says and what the hub answers agree in every cell, and no answer holds a
mark of a household that is not for who asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2
import pytest
from fastapi.dependencies.models import Dependant

from dashboard.access_table import DECLARATIONS, RESOURCES, Place, Rule, Verdict, verdict
from dashboard.route_table import ROUTES
from tests.adapters import access_county
from tests.adapters.access_askers import ASKERS, Asker
from tests.adapters.access_county import (
    API,
    HOUSEHOLDS,
    OTHER_PERSON,
    OWN,
    County,
)
from tests.adapters.access_requests import BODIES, CONTENTS, QUERIES, filled
from tests.dashboard.conftest import World
from tests.dashboard.test_permissions import declared, routes
from tests.dashboard.test_person_imports import begun, workbook

# The answer never ends, or it ends the session that asks; `test_who_may_listen` has the stream.
# A screen's code brings a cookie; `test_screens` has what that opens.
ASKED_APART: Final = ("GET /stream", "POST /login", "POST /logout", "POST /screen/code")


def also_of(dependant: Dependant) -> str:
    own = getattr(dependant.call, "also", "")
    return own or "".join(also_of(inner) for inner in dependant.dependencies)


def found_routes() -> dict[str, tuple[set[str], str]]:
    """By method and path what the running routes declare."""
    return {
        f"{method} {route.path}": (declared(route.dependant), also_of(route.dependant))
        for _prefix, route in routes()
        for method in route.methods - {"HEAD"}
    }


def test_the_table_has_every_route_with_what_it_declares() -> None:
    there = found_routes()
    missing = sorted(there.keys() - ROUTES.keys())
    assert not missing, f"not in dashboard/route_table.py: {missing}"
    assert not sorted(ROUTES.keys() - there.keys()), "in the table, and no route"
    differ = {
        key: said for key, said in there.items() if said != ({ROUTES[key].needs}, ROUTES[key].also)
    }
    assert not differ, f"the route declares another permission than its row: {differ}"


def test_the_table_names_what_there_is() -> None:
    for key, rule in ROUTES.items():
        assert rule.needs in DECLARATIONS, key
        assert {rule.about, rule.names} <= RESOURCES.keys(), key
        # What a path names by an id is about something.
        assert rule.about or "{" not in key, key


def places(rule: Rule) -> Iterator[Place]:
    thing = RESOURCES[rule.about or rule.names]
    apart = thing.personal or bool(rule.others)
    if thing.of_person or apart:
        yield "other_person"
    if thing.placed or apart:
        yield "other_region"
    yield "own"


def agrees(key: str, expected: Verdict, answer: httpx2.Response) -> bool:
    rule = ROUTES[key]
    status = answer.status_code
    problem = answer.json()["type"] if status >= 400 else ""
    if expected == "signed_out":
        return status == 401
    if expected == "forbidden":
        return (status, problem) == (403, "forbidden")
    if expected == "absent":
        return status == 404 or (status == 422 and bool(rule.names))
    if key in NEVER_MADE:
        return status == 404 or problem == "step_up"
    if rule.names and key not in NOTHING_TO_SAY:
        # So that what is refused elsewhere is refused for being elsewhere.
        return status < 300 or status == 409
    return status != 401 and status < 500 and problem not in {"forbidden", "not_found"}


@dataclass(slots=True, kw_only=True)
class Cells:
    """One account before the running hub."""

    world: World
    asker: Asker
    client: httpx2.AsyncClient
    county: County
    points: Mapping[str, str]
    own_ids: dict[str, str]
    wrong: list[str]

    async def ask(self, key: str, place: Place) -> None:
        rule = ROUTES[key]
        expected = verdict(self.asker.role, self.asker.area, rule, place)
        house = {"own": OWN, "other_person": OTHER_PERSON, "other_region": self.asker.foreign}[
            place
        ]
        ids = dict(self.county.ids[house.home])
        if place == "own":
            ids |= self.own_ids
            if rule.others and self.asker.username:
                ids["username"] = self.asker.username
        elif place == "other_person" and rule.about == "account":
            ids["username"] = "colleague"
        if rule.about == "own_request" and place == "own":
            ids["request_id"] = ids.get("own_request_id", "nothing")
        # Who has no reports has an assessment of her own.
        ids |= {"who_kind": "region", "who": ids["code"]}
        if "report.read" not in self.asker.can:
            ids |= {"who_kind": "visitor", "who": house.visitor}
        ids["point_id"] = self.points.get(ids["username"], "nothing")
        method, path = key.split(" ")
        path = filled(path, ids)
        content = CONTENTS.get(key)
        answer = await self.client.request(
            method,
            path if path in OPERATIONS else f"{API}{path}",
            params=filled(QUERIES.get(key, {}), ids),
            json=None
            if content or method in {"GET", "DELETE"}
            else filled(BODIES.get(key, {}), ids),
            content=content,
        )
        cell = f"{self.asker.username or 'nobody'} {key} [{place}]"
        if not agrees(key, expected, answer):
            told = answer.text[:300]
            self.wrong.append(f"{cell}: {expected}, but {answer.status_code} {told}")
        if leaks := [mark for mark in self.asker.secrets() if mark in answer.text]:
            self.wrong.append(f"{cell}: told {leaks}")


# Nothing was measured of the county's first quarter.
NOTHING_TO_SAY: Final = frozenset({"POST /assessments/settle"})
# Made by browsers and their keys, not by these requests: there is none even of one's own.
NEVER_MADE: Final = frozenset(
    {
        *(key for key, rule in ROUTES.items() if rule.about == "sign_in"),
        # No identity provider is configured.
        "DELETE /users/{username}/sign-on",
        "GET /sign-on/back",
        "GET /sign-on/start",
    }
)
OPERATIONS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})


def _what_takes_away_last(cell: tuple[str, Place]) -> tuple[bool, bool, bool]:
    # A second import takes the place of the first; an alarm that is closed opens no record.
    key = cell[0]
    early = key == "POST /emergency-openings"
    return key == "POST /person-imports", key.startswith("DELETE "), not early


async def points_of(world: World, usernames: set[str]) -> dict[str, str]:
    """A contact point of each account."""
    made = {}
    async with world.client("admin-1") as admin:
        for n, username in enumerate(sorted(usernames)):
            answer = await admin.post(
                f"{API}/users/{username}/contact-points",
                json={"channel": "aliyun_sms", "address": f"1360000{n:04}"},
            )
            assert answer.is_success, answer.text
            made[username] = answer.json()["id"]
    return made


async def made_by(client: httpx2.AsyncClient, asker: Asker) -> dict[str, str]:
    """What is nobody's but who made it."""
    ids = {}
    if "person.write" in asker.can:
        ids["import_id"] = (await begun(client, workbook([("", "坏")])))["id"]
    if "data.export" in asker.can:
        body = filled(BODIES["POST /export-requests"], {"code": OWN.region, "town": OWN.region})
        made = await client.post(f"{API}/export-requests", json=body)
        ids["own_request_id"] = made.json()["id"]
    if "rule.try" in asker.can:
        body = filled(BODIES["POST /rules/tries"], {"code": OWN.region})
        ids["try_id"] = (await client.post(f"{API}/rules/tries", json=body)).json()["id"]
    return ids


@pytest.mark.parametrize("asker", ASKERS, ids=lambda a: a.username or "nobody")
async def test_every_cell(world: World, asker: Asker) -> None:
    county = await access_county.fill(world)
    usernames = {house.visitor for house in HOUSEHOLDS} | {asker.username, "colleague"} - {""}
    points = await points_of(world, usernames)
    signed_in = world.client(asker.username) if asker.username else world.anonymous()
    async with signed_in as client:
        own_ids = await made_by(client, asker)
        cells = Cells(
            world=world,
            asker=asker,
            client=client,
            county=county,
            points=points,
            own_ids=own_ids,
            wrong=[],
        )
        wanted = [
            (key, place)
            for key, rule in ROUTES.items()
            if key not in ASKED_APART
            for place in places(rule)
        ]
        refused = [
            (key, place)
            for key, place in wanted
            if verdict(asker.role, asker.area, ROUTES[key], place) != "reached"
        ]
        before = await world.query("SELECT count(*) FROM entry")
        for key, place in refused:
            await cells.ask(key, place)
        assert await world.query("SELECT count(*) FROM entry") == before, "a refusal wrote"
        for key, place in sorted(wanted, key=_what_takes_away_last):
            if (key, place) not in refused:
                await cells.ask(key, place)
        if asker.role is not None:
            await cells.ask("POST /login", "own")
            async with world.client("duty-2") as leaving:
                cells.client = leaving
                await cells.ask("POST /logout", "own")
    assert not cells.wrong, f"{len(cells.wrong)} cells:\n" + "\n".join(cells.wrong)
