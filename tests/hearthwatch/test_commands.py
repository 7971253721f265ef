"""Every command is there, explains itself, and the doctor says what to mend."""

import importlib

import pytest

from hearthwatch.__main__ import COMMANDS, main


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command, capsys) -> None:
    importlib.import_module(COMMANDS[command][0])
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_an_unknown_command_is_refused(capsys) -> None:
    assert main(["nonsense"]) == 2
    assert "unknown command 'nonsense'" in capsys.readouterr().err


def test_the_doctor_names_file_key_and_nearest_name(tmp_path, capsys) -> None:
    (tmp_path / "hub.toml").write_text('data_dir = "d"\n[brokr]\nport = 1\n')
    assert main(["doctor", "--hub", str(tmp_path / "hub.toml")]) == 1
    assert "hub.toml.brokr: unknown key, did you mean 'broker'?" in capsys.readouterr().out


def test_the_doctor_finds_a_missing_line_and_a_dead_broker(tmp_path, capsys) -> None:
    (tmp_path / "gateway.toml").write_text(
        'gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost = "127.0.0.1"\nport = 1\n'
        '[[serial]]\nname = "rf"\nport = "/dev/not-there"\ndriver = "ev1527"\n'
    )
    assert main(["doctor", "--gateway", str(tmp_path / "gateway.toml")]) == 1
    out = capsys.readouterr().out
    assert "/dev/not-there is not there" in out
    assert "127.0.0.1:1: Connection refused" in out


def test_a_missing_file_is_said_and_not_a_traceback(tmp_path, capsys) -> None:
    assert main(["doctor", "--hub", str(tmp_path / "none.toml")]) == 1
    assert "no such file" in capsys.readouterr().out
