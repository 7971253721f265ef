"""Every command is there and explains itself."""

import importlib
import json

import pytest

from hearthwatch.__main__ import COMMANDS, main


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command, capsys) -> None:
    importlib.import_module(COMMANDS[command][0])
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_hexadecimal_that_is_none_is_named(capsys) -> None:
    assert main(["decode", "--driver", "dlt645", "--hex", "68 1z"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["error"] == "bad_input"
    assert said["detail"] == "--hex: '68 1z' is not pairs of digits 0-9, a-f"


def test_the_list_of_drivers_is_in_columns(capsys) -> None:
    assert main(["drivers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    places = {min(line.find(f" {word} ") for word in ("serial", "mqtt") if f" {word} " in line)
              for line in lines}  # fmt: skip
    assert len(places) == 1


def test_an_unknown_command_is_refused(capsys) -> None:
    assert main(["nonsense"]) == 2
    assert "unknown command 'nonsense'" in capsys.readouterr().err
