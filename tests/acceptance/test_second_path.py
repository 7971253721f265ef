"""With the broker gone a press reaches the book by the hub's web address, and stays one press when
the broker is back."""

import pytest

from dashboard.accounts import issue_gateway_key
from hearthwatch.book_change import change_book
from tests.acceptance.rig import Rig, wait_until

pytestmark = pytest.mark.both_deployments


def test_a_press_arrives_without_the_broker_and_once(tmp_path) -> None:
    rig = Rig(tmp_path)
    try:

        def enrol(unit) -> str:
            unit.execute(
                "INSERT INTO gateway (id, name, online, status) VALUES (?, ?, ?, ?)",
                ("gw-1", "", False, "{}"),
            )
            return issue_gateway_key(unit, "gw-1", actor="test")

        (tmp_path / "key").write_text(change_book(rig.book, enrol))
        config = tmp_path / "gateway.toml"
        config.write_text(
            config.read_text()
            + f'[second_path]\nurl = "http://127.0.0.1:{rig.http_port}"\n'
            + 'key_file = "key"\nafter_s = 1.0\n'
        )
        rig.start()
        wait_until(rig.ready, 60, "the hub answers")
        wait_until(rig.listening, 60, "the gateway listens")
        rig.programs["broker"].kill()
        rig.press(1)
        wait_until(lambda: len(rig.events()) == 1, 60, "the press in the book")
        log = rig.programs["gateway"].log
        wait_until(lambda: "second_path_used" in log.read_text(), 60, "the second path was used")
        rig.programs["broker"].start()
        rig.press(2)
        wait_until(lambda: len(rig.events()) == 2, 60, "the next press in the book")
        wait_until(lambda: not waiting(rig), 60, "nothing waits at the gateway")
        assert {event[0] for event in rig.events()} == set(rig.accepted())
        assert [count for _id, count, _state, _task in rig.alarms()] == [1, 1]
    finally:
        rig.close()


def waiting(rig: Rig) -> bool:
    """Whether the gateway holds a press that the hub has not acknowledged."""
    return rig.unacknowledged() > 0
