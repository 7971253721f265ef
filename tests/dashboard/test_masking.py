"""What is masked for whoever may not read people, and what no refusal and no log says again."""

import json
import logging
from typing import Any

import pytest

from dashboard.masking import HIDDEN, present
from dashboard.problems import where_it_failed
from tests.dashboard.conftest import World, problem_of

API = "/api/v1"
NAME = "冼翠嫘"
DOCUMENT = {
    "device_label": f"{NAME}床头",
    "persons": [{"name": NAME, "phone": "13987651234", "contacts": [{"name": "x"}]}],
    "home": {"address": "九十七号", "dog": "黄犬"},
    "checks": [{"label": f"{NAME}厨房", "kind": "low_battery"}],
    "devices": [{"label": f"{NAME}门口", "troubles": [{"label": f"{NAME}门口"}]}],
    "note": "摔在灶台",
}


def test_who_may_read_nobody_reads_nobody() -> None:
    shown = json.dumps(present(DOCUMENT, frozenset()), ensure_ascii=False)
    for hidden in (NAME, "13987651234", "九十七号", "黄犬", "摔在灶台"):
        assert hidden not in shown
    assert "冼**" in shown
    assert "139****1234" in shown
    assert shown.count(HIDDEN) >= 6


def test_who_may_read_all_reads_it_as_it_is() -> None:
    can = frozenset({"person.read", "address.read", "contact.read"})
    assert present(DOCUMENT, can) == DOCUMENT


def test_an_address_alone_leaves_people_masked() -> None:
    shown = present(DOCUMENT, frozenset({"address.read"}))
    assert shown["device_label"] == DOCUMENT["device_label"]
    assert shown["persons"][0]["name"] == "冼**"


@pytest.mark.parametrize(
    "body",
    [
        {"home": "home-0001", "name": "x", NAME: 1},
        {"home": "home-0001", "name": [NAME]},
        {"home": "home-0001", "name": "x", "contacts": [{"name": "x", "phone": "1", NAME: 1}]},
    ],
)
async def test_a_refusal_does_not_say_again_what_was_sent(world: World, body: Any) -> None:
    async with world.client("manager-1") as client:
        answer = await client.post(f"{API}/service-users", json=body)
    assert answer.status_code == 422
    assert problem_of(answer)["field"]
    assert NAME not in answer.text


async def test_an_error_is_logged_without_what_it_says(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_what: object) -> None:
        raise ValueError(f"no such person: {NAME}")

    monkeypatch.setattr("dashboard.routes.looks.looks_of", broken)
    with caplog.at_level(logging.ERROR):
        async with world.client("duty-1") as client:
            answer = await client.get(f"{API}/service-users/person-0001/looks")
    assert answer.status_code == 500
    [record] = [one for one in caplog.records if "failed" in one.message]
    assert "ValueError" in record.message
    assert "dashboard/routes/looks.py" in record.message.replace("\\", "/")
    assert NAME not in caplog.text


def test_where_it_failed_has_lines_and_no_words() -> None:
    try:
        raise KeyError(NAME)
    except KeyError as error:
        said = where_it_failed(error)
    assert said.startswith("KeyError\n")
    assert "test_masking.py" in said


async def test_parameters_of_statements_are_in_no_error(world: World) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    with world.deps.engine.connect() as connection, pytest.raises(SQLAlchemyError) as raised:
        connection.execute(text("SELECT * FROM nothing WHERE name = :name"), {"name": NAME})
    assert NAME not in str(raised.value)
