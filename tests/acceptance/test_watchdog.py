"""The watchdog on real programs: the heartbeat at a real address, the press over a real broker."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hearthwatch.embedded_broker import find_mosquitto
from tests.acceptance.rig import Rig, wait_until

pytestmark = [
    pytest.mark.both_deployments,
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]


class Outside(HTTPServer):
    """Counts the heartbeats that it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Beat)
        self.paths: list[str] = []


class _Beat(BaseHTTPRequestHandler):
    server: Outside

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args: object) -> None: ...


@pytest.fixture
def outside() -> Iterator[Outside]:
    server = Outside()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_hub_is_heard_outside_and_its_press_goes_the_whole_way(
    tmp_path: Path, outside: Outside
) -> None:
    rig = Rig(tmp_path)
    config = tmp_path / "hub.toml"
    config.write_text(
        f'homes = "homes.toml"\n{config.read_text()}[watchdog]\n'
        f'url = "http://127.0.0.1:{outside.server_port}/beat"\ninterval_s = 10\n'
        'test_home = "home-test"\n'
    )
    (tmp_path / "homes.toml").write_text(
        '[[region]]\ncode = "1"\nname = "county"\nlevel = "county"\n'
    )
    press = "SELECT result, missing FROM test_press"
    try:
        rig.start()
        wait_until(rig.ready, 60, "the hub answers")
        wait_until(lambda: [r[0] for r in rig.rows(press)] == ["ok"], 60, "the press came through")
        wait_until(lambda: outside.paths, 60, "the hub is heard outside")
        assert set(outside.paths) == {"/beat"}
        assert rig.rows("SELECT kind FROM alarm") == []
        # A broker that is gone is no hub that is well.
        rig.programs["broker"].kill()
        wait_until(lambda: not rig.ready(), 60, "the hub says so")
    finally:
        rig.close()
