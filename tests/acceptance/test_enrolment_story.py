"""From the code on the installer's telephone to the first acknowledged press, over real TLS; then
the Pi breaks and another takes its place; then that one is stolen."""

import shutil
import urllib.error
from collections.abc import Iterator

import pytest

from hearthwatch.embedded_broker import find_mosquitto
from tests.acceptance.enrolled_rig import (
    DEADLINE_S,
    GATEWAY,
    Cluster,
    County,
    Machine,
    OneMachine,
)
from tests.acceptance.rig import wait_until
from tests.adapters.broker_line import Refused
from tests.adapters.deployment import CLUSTER

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine"),
]


@pytest.fixture(scope="module")
def county(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[County]:
    folder = tmp_path_factory.mktemp("county")
    runs_on: OneMachine | Cluster = OneMachine(folder)
    if request.config.getoption("--deployment") == CLUSTER:
        runs_on = Cluster(folder, request.getfixturevalue("postgres"))
    county = County(folder, runs_on)
    try:
        county.start()
        yield county
    finally:
        county.close()


@pytest.fixture(scope="module")
def fitter(county: County) -> str:
    return county.installer()


def fitted(county: County, name: str, code: str) -> Machine:
    machine = county.machine(name)
    done = machine.enrol(code)
    assert done.returncode == 0, done.stderr + county.programs["hub"].log.read_text()[-3000:]
    machine.fit()
    machine.start()
    return machine


def press_and_wait(county: County, machine: Machine, number: int) -> None:
    before = machine.accepted()
    machine.press(number)
    wait_until(lambda: len(machine.accepted()) > len(before), DEADLINE_S, "accepted")
    wait_until(lambda: machine.accepted() <= county.events(), DEADLINE_S, "in the book")
    wait_until(lambda: machine.waiting() == 0, DEADLINE_S, f"acknowledged {machine.log[-3000:]}")


def gaps(county: County) -> list[tuple[str, ...]]:
    return county.rows("SELECT id FROM alarm WHERE kind = 'spool_gap'")


def test_from_the_code_to_the_first_acknowledged_press(county: County, fitter: str) -> None:
    """The order of the tests in this file is the story's."""
    made = county.post(f"gateways/{GATEWAY}/code", {}, fitter)
    assert made["svg"].startswith("<svg")
    machine = fitted(county, "first-pi", made["code"])
    key = machine.folder / "spool" / "identity" / "current" / "key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    press_and_wait(county, machine, 1)
    assert "second_path_used" not in machine.log
    held = county.get(f"gateways/{GATEWAY}/certificates", fitter)
    assert [one["how"] for one in held["items"]] == ["enrolled"]
    assert held["code_until"] is None
    # The private key is nowhere but on the machine.
    secret = key.read_bytes().splitlines()[1]
    for folder in county.stored():
        for path in folder.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes()


def test_a_code_is_burnt(county: County, fitter: str) -> None:
    code = county.post(f"gateways/{GATEWAY}/code", {}, fitter)["code"]
    stranger = county.machine("stranger")
    assert stranger.enrol(code).returncode == 0
    again = county.machine("again").enrol(code)
    assert again.returncode == 1
    assert "was used already: make a new one" in again.stderr


def test_a_broken_pi_is_replaced_by_another(county: County, fitter: str) -> None:
    old = county.machines[0]
    # It broke with a press on its card that the hub never got: the card is put into the new one.
    old.program.stop()
    county.programs["broker"].stop()
    county.programs["hub"].stop()
    old.start()
    before = old.accepted()
    old.press(2)
    wait_until(lambda: len(old.accepted()) > len(before), DEADLINE_S, "accepted by the old one")
    old.program.kill()
    county.start()
    code = county.post(f"gateways/{GATEWAY}/code", {}, fitter)["code"]
    new = county.machine("second-pi")
    shutil.copytree(old.folder / "spool", new.folder / "spool", symlinks=True)
    done = new.enrol(code)
    assert done.returncode == 0, done.stderr
    new.fit()
    new.start()
    press_and_wait(county, new, 3)
    assert len(new.accepted()) == 3
    assert county.events() == new.accepted(), "each press once"
    # The old one wakes up again: it is nobody any more, by either road.
    came_in = old.log.count("uplink_connected")
    old.start()
    old.press(4)
    wait_until(lambda: "second_path_refused" in old.log, DEADLINE_S, "refused by HTTPS")
    assert old.log.count("uplink_connected") == came_in, "refused by the broker"
    old.program.stop()
    assert county.events() == new.accepted()
    assert gaps(county) == []


def test_a_new_pi_with_an_empty_card_is_no_gap(county: County, fitter: str) -> None:
    county.machines[-1].program.stop()
    code = county.post(f"gateways/{GATEWAY}/code", {}, fitter)["code"]
    before = county.events()
    new = fitted(county, "third-pi", code)
    press_and_wait(county, new, 5)
    assert county.events() == before | new.accepted()

    def heard_of() -> bool:
        sql = "SELECT status FROM gateway WHERE online"
        return any('"last_seq":1' in row[0] for row in county.rows(sql))

    wait_until(heard_of, DEADLINE_S, "its heartbeat with the new numbers")
    assert gaps(county) == []


def test_an_expired_certificate_silences_nobody(county: County) -> None:
    """Its road by the broker is closed (here: altogether); the other credential holds."""
    machine = county.machines[-1]
    county.programs["broker"].stop()
    before = machine.accepted()
    machine.press(6)
    wait_until(lambda: len(machine.accepted()) > len(before), DEADLINE_S, "accepted")
    wait_until(lambda: machine.accepted() <= county.events(), DEADLINE_S, "by the second path")
    wait_until(lambda: "second_path_used" in machine.log, DEADLINE_S, "it says so")
    county.programs["broker"].start()
    press_and_wait(county, machine, 7)


def test_a_stolen_gateway_is_let_go_at_once(county: County, fitter: str) -> None:
    machine = county.machines[-1]
    current = machine.folder / "spool" / "identity" / "current"
    # What the thief's own program does with the card.
    machine.program.stop()
    live = county.connected(current)
    reason = {"reason": "stolen from the village office"}
    held = county.post(f"gateways/{GATEWAY}/revoke", reason, fitter)
    assert all(one["revoked_at"] for one in held["items"])
    # A session that was there ends: the broker's list alone would leave it.
    with live, pytest.raises(ConnectionError):
        live.hear(1)

    def refused() -> bool:
        try:
            with county.connected(current):
                return False
        except Refused:
            return True

    wait_until(refused, DEADLINE_S, "the broker has read the new list")
    came_in = machine.log.count("uplink_connected")
    machine.start()
    machine.press(8)
    wait_until(lambda: "second_path_refused" in machine.log, DEADLINE_S, "no other road either")
    assert machine.log.count("uplink_connected") == came_in
    told = county.rows("SELECT actor, reason FROM entry WHERE fact = 'revoked'")
    assert told == [("fitter", "stolen from the village office")]


def test_another_may_not_revoke(county: County) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        county.post(f"gateways/{GATEWAY}/revoke", {"reason": "for fun"})
