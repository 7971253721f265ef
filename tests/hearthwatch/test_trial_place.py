"""What is in a sealed copy lies in clear nowhere near it, at no moment, however its making ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hearthwatch import copies_command, trial_place
from hearthwatch.__main__ import main
from hearthwatch.trial_place import place_for, thrown_away
from ledger.archive import ArchiveError
from tests.adapters.hub_bench import Bench, press
from tests.adapters.sealed import sealed_file

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    bench = Bench(tmp_path, sealed_file(tmp_path / "hub" / "hub.db"))
    bench.deliver(press(1))
    bench.hub.close()
    (tmp_path / "copies").mkdir()
    (tmp_path / "hub.toml").write_text('data_dir = "hub"\n[backup]\nkey_file = "copies.key"\n')
    assert main(["keys", "make-copy-key", "--out", str(tmp_path / "copies.key")]) == 0
    return tmp_path


class Seen(set):
    """What lies in a folder at each step of the work, the folders of others as well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, _table: str, _rows: int) -> None:
        self |= {path.name for path in self.folder.rglob("*")}


def test_nothing_in_clear_is_ever_beside_a_sealed_copy(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    beside, inside = Seen(site / "copies"), Seen(site / "hub")

    def seen(table: str, rows: int) -> None:
        beside(table, rows)
        inside(table, rows)

    monkeypatch.setattr(copies_command, "_say_progress", seen)
    file = site / "copies" / "hub-1.zip"
    assert main(["backup", "--config", str(site / "hub.toml"), str(file)]) == 0
    assert beside == {"hub-1.zip", "hub-1.zip.part"}
    # It was tried where the book lies anyway, and nothing is left there.
    assert any(name.startswith(".hearthwatch-try-") for name in inside)
    assert not list((site / "hub").glob(".hearthwatch-*"))
    beside.clear()
    where = ["--check", "--key-file", str(site / "copies.key"), str(file)]
    assert main(["backup", *where]) == 0, capsys.readouterr().err
    assert beside == {"hub-1.zip"}
    monkeypatch.setattr(trial_place, "MEMORY", site / "none")
    assert main(["backup", *where]) == 1
    assert "--within names a folder" in capsys.readouterr().err
    assert main(["backup", "--within", str(site / "hub"), *where]) == 0


def test_a_place_is_found_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "copies"
    assert place_for(sealed=False, size=1, data_dir=tmp_path, beside=beside) == beside
    assert place_for(sealed=False, size=1, data_dir=tmp_path, beside=None) is None
    assert place_for(sealed=True, size=1, data_dir=tmp_path, beside=beside) == tmp_path
    monkeypatch.setattr(trial_place, "MEMORY", tmp_path)
    assert place_for(sealed=True, size=1, data_dir=None, beside=beside) == tmp_path
    with pytest.raises(ArchiveError, match="--within"):
        place_for(sealed=True, size=1 << 60, data_dir=tmp_path / "none", beside=beside)


def test_it_is_for_its_owner_alone_and_goes_also_by_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with thrown_away(tmp_path) as folder:
            (folder / "hub.db").write_text("in clear")
            assert folder.stat().st_mode & 0o777 == 0o700
            raise ArchiveError("damaged")

    with pytest.raises(ArchiveError):
        fail()
    assert list(tmp_path.iterdir()) == []


WAITS = """
import sys
from pathlib import Path
from hearthwatch.trial_place import thrown_away
with thrown_away(Path(sys.argv[1])) as folder:
    (folder / "hub.db").write_text("in clear")
    print("there", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_program(tmp_path: Path, number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WAITS, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"there\n"
    [left] = tmp_path.iterdir()
    # Another run leaves it alone as long as it lives.
    with thrown_away(tmp_path):
        assert left.is_dir()
    child.send_signal(number)
    child.wait(30)
    child.stdin.close()
    child.stdout.close()
    assert left.exists() == (number == signal.SIGKILL)
    with thrown_away(tmp_path):
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_one_that_had_our_number_is_gone(tmp_path: Path) -> None:
    """In a container each run has the same one."""
    left = tmp_path / f".hearthwatch-try-{os.getpid()}-abc"
    left.mkdir()
    foreign = tmp_path / ".hearthwatch-try-x-abc"
    foreign.mkdir()
    with thrown_away(tmp_path) as folder:
        assert set(tmp_path.iterdir()) == {folder}


def test_old_copies_go_and_never_those_that_gateways_rely_on(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_ms = [1_800_000_000_000]
    monkeypatch.setattr(copies_command, "wall_ms", lambda: at_ms[0])
    own = ("my-own.zip", "hub-2019-before-the-move.zip", "hub-x.zip")
    for name in own:
        (site / "copies" / name).write_text("not ours")
    for keep in (9, 9, 9, 1):
        at_ms[0] += 86_400_000
        command = ["backup", "--config", str(site / "hub.toml"), "--keep", str(keep)]
        assert main([*command, str(site / "copies")]) == 0, capsys.readouterr().err
    left = sorted(path.name for path in (site / "copies").iterdir())
    # [backup] kept is 2.
    assert [name for name in left if name not in own] == [
        "hub-2027-01-18T080000.zip",
        "hub-2027-01-19T080000.zip",
    ]
    assert set(own) <= set(left)
