"""Commands that documents and helps show do run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hearthwatch.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
COMMAND = re.compile(r"^(?:\./dev run )?hearthwatch (\S.*)$", flags=re.MULTILINE)
# The ones that need nothing but themselves are run; others must be commands that exist.
SELF_CONTAINED = {"decode", "drivers"}


def shown() -> list[str]:
    """Lines of code blocks, and what stands between backquotes."""
    found: set[str] = set()
    for path in DOCUMENTS:
        text = path.read_text()
        for block in re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
            found |= {line.replace("\\\n", " ") for line in COMMAND.findall(block)}
        found |= set(re.findall(r"`hearthwatch ([^`]+)`", text))
    return sorted(" ".join(line.split()) for line in found)


@pytest.mark.parametrize("line", shown())
def test_a_command_of_the_documents_exists(line) -> None:
    words = line.split()
    assert words[0] in COMMANDS or words[0] == "COMMAND"
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    if options:
        done = subprocess.run(
            [sys.executable, "-m", "hearthwatch", *_until_options(words), "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for option in options:
            assert option in done.stdout, option


def _until_options(words: list[str]) -> list[str]:
    """The command and its action: `admin create-user`."""
    bare = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
    return bare if words[0] in ("admin", "gateway", "simulate") else bare[:1]


def examples() -> list[str]:
    return [line for line in shown() if line.split()[0] in SELF_CONTAINED and "…" not in line]


@pytest.mark.parametrize("line", [line for line in examples() if len(line.split()) > 1])
def test_a_self_contained_command_of_the_documents_succeeds(line, capsys) -> None:
    assert main(shlex.split(line, comments=True)) == 0
    assert capsys.readouterr().out


def test_the_examples_of_decode_succeed(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["decode", "--help"])
    lines = COMMAND.findall(re.sub(r"(?m)^ +", "", capsys.readouterr().out))
    assert len(lines) >= 3
    for line in lines:
        assert main(shlex.split(line)) == 0, capsys.readouterr().out


def test_every_target_of_dev_that_documents_show_exists() -> None:
    targets = set(re.findall(r"^  \./dev (\w+)", (ROOT / "dev").read_text(), flags=re.MULTILINE))
    assert {"demo", "test", "check", "bench"} <= targets
    for path in DOCUMENTS:
        for target in re.findall(r"\./dev (\w+)", path.read_text()):
            assert target in targets, f"./dev {target} in {path.name}"
