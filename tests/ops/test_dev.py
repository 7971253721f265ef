"""The entry script: when it makes the environment anew, and what it keeps out of it."""

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

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


def test_ci_runs_what_a_stranger_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert 'exec ./dev test "$@"' in script.read_text()
    assert (ROOT / "dev").stat().st_mode & 0o111
