"""What an installer is told: every row names what is wrong and what to do."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.config import load
from gateway.doctor import Check, examine
from tests.adapters.modem_line import ModemOnALine


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def write(folder: Path, port: int, extra: str = "", host: str = "127.0.0.1") -> Path:
    path = folder / "gateway.toml"
    path.write_text(
        f'gateway = "gw-1"\ndata_dir = "data"\n[uplink]\nhost = "{host}"\nport = {port}\n{extra}'
    )
    return path


def row(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.check == name)


def test_a_good_gateway_has_no_remedies(tmp_path: Path, listener: int) -> None:
    (tmp_path / "tty").touch()
    checks = examine(
        write(
            tmp_path,
            listener,
            '[feedback]\nreceived = ["true"]\nreassured = ["true"]\n'
            f'[[serial]]\nname = "rf"\nport = "{tmp_path}/tty"\ndriver = "ev1527"\n'
            f'[[mqtt]]\nname = "zigbee"\nport = {listener}\ndriver = "zigbee2mqtt"\n',
        )
    )
    # The machine of a test may have little room or no NTP; everything else is ours.
    assert [c for c in checks if not c.ok and c.check not in ("clock", "disk")] == []
    assert {c.check for c in checks} >= {"source rf", "source zigbee", "hub's broker", "clock"}


def test_what_is_missing_is_named_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    checks = examine(
        write(
            tmp_path,
            closed,
            'username = "gw-1"\n[feedback]\nreceived = ["no-such-program"]\n'
            f'[[serial]]\nname = "rf"\nport = "{tmp_path}/none"\ndriver = "ev1527"\n',
        )
    )
    for name in ("source rf", "hub's broker", "feedback.received", "password"):
        assert not row(checks, name).ok
        assert row(checks, name).remedy


def test_an_elder_who_would_hear_nothing_is_a_warning(
    tmp_path: Path, listener: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, listener)
    for moment in ("received", "reassured"):
        found = row(examine(path), f"feedback.{moment}")
        assert (found.ok, found.grave) == (False, False)
        assert "the elder hears nothing" in found.detail
        assert "[[output]]" in found.remedy
    assert main(["--config", str(path), "--doctor"]) == 0
    assert "WARN  feedback.received" in capsys.readouterr().out


def test_an_output_is_heard_where_no_program_is(tmp_path: Path, listener: int) -> None:
    sound = (
        '[[output]]\nname = "lamp"\nkind = "mqtt"\non = ["received"]\n'
        'config = { topic = "lamp/set", payload = "ON" }\n'
    )
    checks = examine(write(tmp_path, listener, sound))
    assert row(checks, "feedback.received") == Check(
        check="feedback.received", ok=True, detail="answered by lamp", grave=False
    )
    assert not row(checks, "feedback.reassured").ok
    bedside = sound.replace('on = ["received"]', 'on = ["received"]\ndevices = ["button-1"]')
    found = row(examine(write(tmp_path, listener, bedside)), "feedback.received")
    assert "all but 1 devices" in found.detail
    assert not found.ok


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[ModemOnALine]:
    modem = ModemOnALine(tmp_path / "modem")
    yield modem
    modem.close()


def test_the_modem_is_asked_and_nothing_is_sent(
    tmp_path: Path, listener: int, modem: ModemOnALine
) -> None:
    (tmp_path / "pin").write_text("1234")
    path = write(
        tmp_path,
        listener,
        f'[second_path.sms]\nport = "{tmp_path}/modem"\nnumbers = ["+8613800138000"]\n'
        'pin_file = "pin"\n',
    )
    found = row(examine(path), "short messages")
    assert found.ok
    assert "-79 dBm" in found.detail
    assert modem.sent == []
    modem.modem.sim = "locked"
    found = row(examine(path), "short messages")
    assert (found.ok, found.detail) == (False, "sim_locked")
    assert "PIN" in found.remedy
    assert modem.modem.pin_tries == 0
    (tmp_path / "modem").unlink()
    found = row(examine(path), "short messages")
    assert not found.ok
    assert "does not exist" in found.detail


def test_an_open_line_beyond_this_machine_is_a_fault(tmp_path: Path, listener: int) -> None:
    open_line = examine(write(tmp_path, listener, host="hub.invalid"))
    assert not row(open_line, "transport").ok
    assert "transport" not in {c.check for c in examine(write(tmp_path, listener))}


def test_tls_with_something_that_is_no_tls(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    checks = examine(write(tmp_path, closed, "tls = true\n"))
    assert not row(checks, "TLS").ok
    missing = examine(write(tmp_path, closed, f'tls = true\nca_file = "{tmp_path}/none.pem"\n'))
    assert not row(missing, "TLS").ok


def test_a_wrong_configuration_is_the_only_row(tmp_path: Path) -> None:
    path = write(tmp_path, 1883, "hots = 1\n")
    (only,) = examine(path)
    assert not only.ok
    assert "host" in only.detail


def test_a_folder_that_may_not_be_made(tmp_path: Path, listener: int) -> None:
    (tmp_path / "data").touch()  # a file is where the folder should be: not even root gets by
    assert not row(examine(write(tmp_path, listener)), "data folder").ok


def test_the_command_prints_rows_and_fails_when_one_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    assert main(["--config", str(write(tmp_path, closed)), "--doctor"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  hub's broker" in out
    assert "is the broker running" in out


def test_the_example_is_a_valid_configuration(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / "gateway" / "example.toml"
    lines = example.read_text().splitlines()
    path = tmp_path / "gateway.toml"
    # The secrets' files are on a gateway only.
    (tmp_path / "key").write_text("word")
    text = "\n".join(line for line in lines if not line.startswith("password_file"))
    (tmp_path / "pin").write_text("1234")
    text = re.sub(r'"[^"]+second-path-key"', '"key"', text)
    path.write_text(re.sub(r'"[^"]+sim-pin"', '"pin"', text))
    config = load(path)
    assert config.uplink.tls
    assert [source.name for source in config.sources] == [
        "meters",
        "rf",
        "zigbee",
        "cuffs",
        "radio",
    ]
    assert len(lines) - len(path.read_text().splitlines()) == 2
