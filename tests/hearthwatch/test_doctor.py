"""What the doctor finds, and that it says what to do."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hearthwatch import doctor, embedded_broker
from hearthwatch.__main__ import main

HOMES = """\
[[region]]
code = "1"
name = "village"
level = "village"
[[gateway]]
id = "gw-1"
region = "1"
[[home]]
id = "home-1"
region = "1"
address = "first"
[[home.device]]
gateway = "gw-1"
device = "meter-1"
kind = "power"
[[home]]
id = "home-2"
region = "1"
address = "second"
"""


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Check and its line; a remedy belongs to the line before it."""
    rows: dict[str, str] = {}
    name = ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith(" "):
            rows[name] += line
        else:
            name = line[6:24].strip()
            rows[name] = rows.get(name, "") + line
    return rows


def hub_toml(folder: Path, broker_port: int, more: str = "") -> Path:
    path = folder / "hub.toml"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        http_port = probe.getsockname()[1]
    path.write_text(
        f'data_dir = "data"\n[http]\nport = {http_port}\n[broker]\nport = {broker_port}\n{more}'
    )
    return path


def test_names_file_key_and_nearest_name(tmp_path, capsys) -> None:
    (tmp_path / "hub.toml").write_text('data_dir = "d"\n[brokr]\nport = 1\n')
    assert main(["doctor", "--hub", str(tmp_path / "hub.toml")]) == 1
    assert "hub.toml.brokr: unknown key, did you mean 'broker'?" in capsys.readouterr().out


def test_a_missing_file_is_said_and_not_a_traceback(tmp_path, capsys) -> None:
    for option in ("--hub", "--gateway", "--rules", "--homes"):
        assert main(["doctor", option, str(tmp_path / "none.toml")]) == 1
        assert "o such file" in told(capsys)["configuration"]


def test_finds_a_missing_line_and_a_dead_broker(tmp_path, capsys) -> None:
    (tmp_path / "gateway.toml").write_text(
        'gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost = "127.0.0.1"\nport = 1\n'
        '[[serial]]\nname = "rf"\nport = "/dev/not-there"\ndriver = "ev1527"\n'
    )
    assert main(["doctor", "--gateway", str(tmp_path / "gateway.toml")]) == 1
    rows = told(capsys)
    assert "fail" in rows["source rf"]
    assert "/dev/not-there does not exist" in rows["source rf"]
    assert "127.0.0.1:1" in rows["hub's broker"]
    assert rows["feedback.received"].startswith("warn")


def test_a_dead_broker_and_a_taken_port(tmp_path, capsys, monkeypatch) -> None:
    # What took the port says nothing for ever.
    monkeypatch.setattr(doctor, "CONNECT_TIMEOUT_S", 0.05)
    path = hub_toml(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        text = path.read_text().splitlines()
        text[2] = f"port = {taken}"
        path.write_text("\n".join(text))
        assert main(["doctor", "--hub", str(path)]) == 1
    rows = told(capsys)
    assert rows["broker"].startswith("fail")
    assert "Connection refused" in rows["broker"]
    assert rows["http port"].startswith("warn")


def test_a_hub_that_runs_is_nothing_to_mend(tmp_path, capsys) -> None:
    class Alive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Not into the doctor's answer."""

    path = hub_toml(tmp_path, 1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Alive) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        text = path.read_text().splitlines()
        text[2] = f"port = {hub.server_port}"
        path.write_text("\n".join(text))
        main(["doctor", "--hub", str(path)])
        hub.shutdown()
    row = told(capsys)["http port"]
    assert row.startswith("ok")
    assert "a hub runs" in row


@pytest.mark.mosquitto
@pytest.mark.skipif(embedded_broker.find_mosquitto() is None, reason="no mosquitto")
def test_a_broker_that_knows_the_hub_and_one_that_does_not(tmp_path, capsys) -> None:
    broker = embedded_broker.start(tmp_path / "broker")
    try:
        login = f'username = "{broker.username}"\npassword_file = "{broker.password_file}"\n'
        main(["doctor", "--hub", str(hub_toml(tmp_path, broker.port, login))])
        rows = told(capsys)
        assert rows["broker"].startswith("ok")
        assert rows["http port"].startswith("ok")
        assert main(["doctor", "--hub", str(hub_toml(tmp_path, broker.port))]) == 1
        row = told(capsys)["broker"]
        assert row.startswith("fail")
        assert "correct username and password_file" in row
    finally:
        broker.process.terminate()
        broker.process.wait(10)


def test_a_program_that_is_no_broker(tmp_path, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = hub_toml(tmp_path, server.getsockname()[1])
        server.setblocking(False)
        assert main(["doctor", "--hub", str(path)]) == 1
    assert "timed out" in told(capsys)["broker"]


def test_homes_and_rules_by_themselves(tmp_path, capsys) -> None:
    (tmp_path / "homes.toml").write_text(HOMES)
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "gateway_silent"\nafter_s = 120\n')
    main(["doctor", f"--homes={tmp_path}/homes.toml", f"--rules={tmp_path}/rules.toml"])
    rows = told(capsys)
    assert "2 homes, 0 people, 1 devices" in rows["homes"]
    assert "1 homes without a device, the first is home-2" in rows["homes"]
    assert rows["rules"].startswith("ok")


def test_a_roster_with_a_mistake_is_refused(tmp_path, capsys) -> None:
    (tmp_path / "homes.toml").write_text(HOMES.replace('kind = "power"', 'kind = "powr"'))
    assert main(["doctor", f"--homes={tmp_path}/homes.toml"]) == 1
    assert "powr" in told(capsys)["configuration"]
