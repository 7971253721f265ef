"""The entry script: when it makes the environment anew, and what it keeps out of it."""

import importlib.util
import signal
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from tests.adapters.processes import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev(tmp_path) -> ModuleType:
    """The script, for a project in a folder of its own; what it would run is noted in `ran`."""
    loader = SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    script = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    script.ROOT = tmp_path
    script.VENV = tmp_path / ".venv"
    script.PYTHON = script.VENV / "bin" / "python"
    script.LOCK = tmp_path / "all.txt"
    script.STAMP = script.VENV / "stamp"
    script.LOCK.write_text("first")
    script.ran = []

    def make_venv() -> None:
        script.ran.append("venv")
        script.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        script.PYTHON.touch()

    script.make_venv = make_venv
    script.run = lambda *command, check=True: script.ran.append("install")
    script.install_project = lambda: script.ran.append("project")
    return script


def test_makes_it_once(dev) -> None:
    dev.make_environment()
    assert dev.ran == ["venv", "install", "project"]
    dev.make_environment()
    assert dev.ran == ["venv", "install", "project"]


def test_a_new_lock_installs_into_what_is_there(dev) -> None:
    dev.make_environment()
    dev.LOCK.write_text("second")
    dev.ran.clear()
    dev.make_environment()
    assert dev.ran == ["install", "project"]


@pytest.mark.parametrize("change", ["moved", "another Python", "lost"])
def test_an_environment_that_cannot_work_is_made_anew(dev, change, tmp_path, monkeypatch) -> None:
    dev.make_environment()
    dev.ran.clear()
    if change == "moved":
        dev.ROOT = tmp_path / "elsewhere"
    elif change == "lost":
        dev.PYTHON.unlink()
    else:
        monkeypatch.setattr(sys, "version", "3.99.0 (other)")
    dev.make_environment()
    assert dev.ran == ["venv", "install", "project"]


def test_an_installation_that_broke_off_is_done_again(dev) -> None:
    def broken(*_command: object, check: bool = True) -> None:
        raise SystemExit("no network")

    good, dev.run = dev.run, broken
    with pytest.raises(SystemExit):
        dev.make_environment()
    dev.run = good
    dev.ran.clear()
    dev.make_environment()
    assert "install" in dev.ran


def test_settings_that_lead_astray_are_left_out(dev, monkeypatch) -> None:
    for name in ("PIP_TARGET", "PIP_USER", "PYTHONPATH", "PYTHONHOME"):
        monkeypatch.setenv(name, "/somewhere")
    monkeypatch.setenv("PIP_CERT", "/a/proxy.pem")
    seen = dev.environment()
    assert not {"PIP_TARGET", "PIP_USER", "PYTHONPATH", "PYTHONHOME"} & set(seen)
    assert seen["PIP_CERT"] == "/a/proxy.pem"
    assert seen["PATH"].startswith(str(dev.VENV / "bin"))


def test_the_command_works_from_a_folder_with_spaces(tmp_path) -> None:
    """A `#!` line can't name such an interpreter."""
    loader = SourceFileLoader("dev_again", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_again", loader)
    assert spec is not None
    script = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    script.VENV = tmp_path / "a folder" / ".venv"
    script.PYTHON = script.VENV / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", script.VENV], check=True)
    script.install_project()
    done = subprocess.run(
        [script.VENV / "bin" / "hearthwatch", "--version"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("hearthwatch ")


def test_an_unknown_target_is_refused_and_help_needs_nothing() -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", str(ROOT / "dev"), *words],
            env={},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = call("tset")
    assert refused.returncode == 1
    assert "unknown target 'tset'" in refused.stderr
    helped = call()
    assert helped.returncode == 0
    assert "./dev test" in helped.stdout


def python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


SAYS = python("import sys; print(sys.argv[1], flush=True)")
# Leaves the first file, and ends when the second one is there.
MEETS = python(
    "import os, select, sys; open(sys.argv[1], 'w').close()\n"
    "while not os.path.exists(sys.argv[2]): select.select([], [], [], 0.01)"
)
FAILS = python("import sys; sys.exit(int(sys.argv[1]))")


def test_tests_run_beside_each_other_and_are_told_in_their_order(dev, tmp_path, capfd) -> None:
    a, b, c, d = (str(tmp_path / name) for name in "abcd")
    first = [*MEETS, a, b]
    others = [[*SAYS, "one"], [*MEETS, b, a], [*MEETS, c, d], [*MEETS, d, c], [*SAYS, "last"]]
    # It meets the first, and when that has ended they meet each other.
    assert dev.side_by_side(first, others) == [0] * 6
    told = [line for line in capfd.readouterr().out.splitlines() if line in ("one", "last")]
    assert told == ["one", "last"]


def test_one_that_fails_is_told_and_stops_nothing(dev, capfd) -> None:
    asked = [[*FAILS, "5"], [*FAILS, "0"], [*SAYS, "still told"]]
    assert dev.side_by_side([*FAILS, "3"], asked) == [3, 5, 0, 0]
    assert "still told" in capfd.readouterr().out


def test_what_could_not_be_started_has_failed(dev, capfd) -> None:
    nowhere = ["/nowhere/at-all"]
    assert dev.side_by_side([*FAILS, "0"], [nowhere, [*SAYS, "still told"]]) == [0, 1, 0]
    said = capfd.readouterr().out
    assert "No such file" in said
    assert "still told" in said


# Passes from the second time on, as one does that needs the machine for itself.
UNSTEADY = """
from pathlib import Path
def test_it():
    mark = Path(__file__).with_suffix(".seen")
    seen = mark.exists()
    mark.touch()
    assert seen
"""
BROKEN = "def test_it(): assert False\n"
SOUND = "def test_it(): pass\n"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ([UNSTEADY, BROKEN, SOUND], [0, 1, 0]),
        # So many at once are no accident, and are not forgiven.
        ([UNSTEADY] * 4, [1] * 4),
    ],
)
def test_the_few_that_failed_run_once_more_alone(dev, tmp_path, capfd, written, wanted) -> None:
    suites, notes = [], []
    for at, text in enumerate(written):
        (tmp_path / f"test_{at}.py").write_text(text)
        notes.append(tmp_path / f"cache-{at}")
        pytest_here = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path)]
        where = ["-o", f"cache_dir={notes[at]}", str(tmp_path / f"test_{at}.py")]
        suites.append([*pytest_here, *where])
    dev.run = lambda *command, check: subprocess.run(command, check=check).returncode
    codes = [subprocess.run(suite, check=False).returncode for suite in suites]
    assert dev.once_more(suites, notes, codes) == wanted
    unsteady = [line for line in capfd.readouterr().out.splitlines() if "UNSTEADY" in line]
    assert ["test_0.py::test_it" in line for line in unsteady] == ([True] if 0 in wanted else [])


async def test_a_run_that_was_stopped_leaves_nothing_behind(tmp_path) -> None:
    first, other, never = (tmp_path / name for name in ("first", "other", "never"))
    script = "\n".join(
        [
            "import signal, sys, types",
            "from importlib.machinery import SourceFileLoader",
            "script = types.ModuleType('dev')",
            "script.__file__ = sys.argv[1]",
            "SourceFileLoader('dev', sys.argv[1]).exec_module(script)",
            "signal.signal(signal.SIGINT, signal.default_int_handler)",
            "first, other, never = sys.argv[2:5]",
            "script.side_by_side([*sys.argv[5:], first, never], [[*sys.argv[5:], other, never]])",
        ]
    )
    run = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        python(script, ROOT / "dev", first, other, never, *MEETS), stderr=subprocess.DEVNULL
    )
    try:
        await until(lambda: first.exists() and other.exists(), "both run")
        children = psutil.Process(run.pid).children()
        assert len(children) == 2
        run.send_signal(signal.SIGINT)
        await until(lambda: not any(child.is_running() for child in children), "both ended")
        await until(lambda: run.poll() is not None, "it ended")
        assert run.returncode != 0
    finally:
        never.touch()
        run.kill()
        run.wait()


def test_ci_runs_what_a_stranger_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert 'exec ./dev test "$@"' in script.read_text()
    assert (ROOT / "dev").stat().st_mode & 0o111
