"""The wheel has everything that runs and nothing else; a gateway needs the base packages alone."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built as the image builds it, with the web page that is there."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "HEARTHWATCH_SKIP_WEB": "1"},
        check=True,
        capture_output=True,
    )
    [found] = folder.glob("*.whl")
    return found


def sources() -> set[str]:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", *ROOMS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = done.stdout.splitlines()
    return {n for n in names if not n.startswith("dashboard/web/") and (ROOT / n).exists()}


def test_every_source_is_in_it_and_nothing_else(wheel) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert sources() <= names
    others = {n.split("/")[0] for n in names} - set(ROOMS)
    assert [re.sub(r"-.*\.", ".", n) for n in others] == ["hearthwatch.dist-info"]
    assert not [n for n in names if n.startswith("dashboard/web/")]


def test_the_built_page_is_in_it(wheel) -> None:
    if not (ROOT / "dashboard" / "static" / "index.html").exists():
        pytest.skip("the web page is not built: ./dev web")
    assert "dashboard/static/index.html" in zipfile.ZipFile(wheel).namelist()


def test_it_is_not_for_upload_and_carries_its_licence(wheel) -> None:
    archive = zipfile.ZipFile(wheel)
    [metadata] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
    text = archive.read(metadata).decode()
    assert "Classifier: Private :: Do Not Upload" in text
    assert "License-Expression: Apache-2.0" in text
    assert any(n.endswith("/licenses/LICENSE") for n in archive.namelist())


@pytest.fixture(scope="module")
def gateway_only(wheel, tmp_path_factory) -> Path:
    """A Python that has the wheel and what requirements/gateway.txt names, as on a Raspberry Pi."""
    folder = tmp_path_factory.mktemp("pi")
    venv.create(folder, with_pip=False)
    [site] = folder.glob("lib/python3*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    pins = re.findall(r"^([\w-]+)==", (ROOT / "requirements" / "gateway.txt").read_text(), re.M)
    assert set(pins) == {re.split(r"[<>=]", d)[0] for d in PROJECT["project"]["dependencies"]}
    from importlib.metadata import files

    for pin in pins:
        for file in files(pin) or ():
            top = file.parts[0]
            target = site / top
            if top != ".." and not target.exists():
                target.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return folder / "bin" / "python"


@pytest.mark.parametrize(
    "command",
    [
        ["--version"],
        ["gateway", "--help"],
        ["decode", "--help"],
        ["drivers"],
        ["doctor"],
        ["simulate", "--help"],
    ],
    ids=" ".join,
)
def test_a_gateway_installation_runs(gateway_only, tmp_path, command) -> None:
    done = subprocess.run(
        [str(gateway_only), "-m", "hearthwatch", *command],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_hub_is_not_there_and_says_what_to_install(gateway_only, tmp_path) -> None:
    done = subprocess.run(
        [str(gateway_only), "-m", "hearthwatch", "hub", "--config", "hub.toml"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "hearthwatch[hub]" in done.stderr
    assert "Traceback" not in done.stderr


def test_build_requirements_are_those_of_the_lock() -> None:
    assert (
        PROJECT["build-system"]["requires"]
        == (PROJECT["project"]["optional-dependencies"]["build"])
    )
