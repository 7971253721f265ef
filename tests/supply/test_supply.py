"""Where our packages come from and what they are: hashes, a list, licences, and what is known of
them; and what the tools that look for weaknesses and secrets find in our own files."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.supply import audit, licences, sbom, secrets, semgrep
from tests.supply.bandit_findings import not_judged
from tests.supply.locks import PACKAGE_LOCK, ROOT, npm_pins, python_locks, python_pins

# What the hub and its gateways run, and what builds the page: not the tools of the tests alone.
CARRIED = ("gateway", "ble", "hub", "build", "all")


@pytest.mark.parametrize("lock", python_locks(), ids=lambda lock: lock.stem)
def test_every_package_of_python_is_pinned_with_hashes(lock: Path) -> None:
    pins = python_pins(lock)
    assert pins
    assert not [pin.name for pin in pins if not pin.hashes]
    # Whoever installs asks his own registry.
    assert "://" not in lock.read_text()


def test_every_package_of_npm_has_its_digest() -> None:
    assert [pin.name for pin in npm_pins() if not pin.hashes[0].startswith("sha512-")] == []
    packages = json.loads(PACKAGE_LOCK.read_text())["packages"]
    assert not [name for name, package in packages.items() if package.get("hasInstallScript")]


def test_nothing_is_installed_without_hashes() -> None:
    """By the project's own scripts and by who follows its documents."""
    files = [ROOT / "dev", ROOT / "deploy" / "Dockerfile", *(ROOT / "docs").glob("*.md")]
    for file in files:
        for line in re.findall(r".*pip install.*-r .*", file.read_text()):
            assert "--require-hashes" in line, f"{file.name}: {line}"
    assert '"--require-hashes", "-r", str(LOCK)' in (ROOT / "dev").read_text()
    assert '"ci", "--ignore-scripts"' in (ROOT / "hatch_build.py").read_text()


def wheel_of(folder: Path, code: str) -> Path:
    """A package of one module."""
    place = folder / "quiet_lamp-1.0-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("quiet_lamp.py", code)
        info = "quiet_lamp-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: quiet-lamp\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return place


def test_a_package_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    """As `./dev`, the image and the documents install; the registry has another file now."""
    good = hashlib.sha256(wheel_of(tmp_path, "light = True").read_bytes()).hexdigest()
    lock = tmp_path / "lock.txt"
    lock.write_text(f"quiet-lamp==1.0 \\\n    --hash=sha256:{good}\n")

    def install() -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--no-index",
            "--dry-run",
            "--find-links",
        ]
        options = ["--require-hashes", "--disable-pip-version-check", "-r", str(lock)]
        return subprocess.run(
            [*command, str(tmp_path), *options], capture_output=True, text=True, check=False
        )

    assert install().returncode == 0
    wheel_of(tmp_path, "import os; os.environ")
    refused = install()
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr


def test_the_list_of_components_is_whole_valid_and_the_same_again() -> None:
    made = sbom.text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made) is None
    document = json.loads(made)
    assert "timestamp" not in document["metadata"]
    listed = {component["purl"] for component in document["components"]}
    for lock in python_locks():
        for pin in python_pins(lock):
            assert f"pkg:pypi/{pin.name}@{quote(pin.version)}" in listed
    assert len([one for one in listed if one.startswith("pkg:npm/")]) == len(
        {(pin.name, pin.version) for pin in npm_pins()}
    )
    again = subprocess.run(
        [sys.executable, "-c", "from tests.supply import sbom; print(sbom.text(), end='')"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout == made


@pytest.mark.parametrize("lock", CARRIED)
def test_the_licence_of_every_package_is_one_we_may_carry(lock: str) -> None:
    refused = {
        f"{pin.name} {pin.version}: {licences.licence_of(pin) or 'none told'}"
        for pin in python_pins(ROOT / "requirements" / f"{lock}.txt")
        if licences.is_for_linux(pin) and not licences.is_allowed(licences.licence_of(pin))
    }
    assert refused == set()


def test_the_licence_of_every_package_of_the_page_is_one_we_may_carry() -> None:
    assert [pin for pin in npm_pins() if not licences.is_allowed(pin.licence)] == []


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", True),
        ("LGPL-2.1-or-later", True),
        ("AGPL-3.0-only", False),
        ("SSPL-1.0", False),
        ("MIT AND AGPL-3.0", False),
        ("", False),
    ],
)
def test_what_may_be_carried(licence: str, allowed: bool) -> None:
    assert licences.is_allowed(licence) == allowed


FINE = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'
KNOWN = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}'
SKIPPED = '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}'
NPM_FINE = '{"auditReportVersion": 2, "vulnerabilities": {}}'
NPM_KNOWN = '{"vulnerabilities": {"b": {"severity": "high"}}}'
NPM_AWAY = '{"error": {"code": "ECONNREFUSED"}, "vulnerabilities": {}}'


@pytest.mark.parametrize(
    ("python", "npm", "code"),
    [
        (FINE, NPM_FINE, audit.CLEAN),
        (KNOWN, NPM_FINE, audit.VULNERABLE),
        (FINE, NPM_KNOWN, audit.VULNERABLE),
        (KNOWN, "", audit.VULNERABLE),
        ("", NPM_FINE, audit.NOT_CHECKED),
        (FINE, "", audit.NOT_CHECKED),
        (FINE, NPM_AWAY, audit.NOT_CHECKED),
        (SKIPPED, NPM_FINE, audit.NOT_CHECKED),
        ('{"dependencies": []}', NPM_FINE, audit.NOT_CHECKED),
        ("null", "[]", audit.NOT_CHECKED),
    ],
)
def test_what_was_not_looked_up_is_never_good(python: str, npm: str, code: int) -> None:
    looked = [audit.of_python("all", python, "away"), audit.of_npm(npm, "away")]
    ended, lines = audit.verdict(looked)
    assert ended == code
    unchecked = any("NOT CHECKED: no vulnerability service reachable" in line for line in lines)
    assert unchecked == any(one.found is None for one in looked)
    assert audit.verdict([])[0] == audit.NOT_CHECKED


def test_without_a_network_nothing_is_called_good() -> None:
    """The real program, behind a proxy that isn't there."""
    nowhere = "http://127.0.0.1:9"
    env = {**os.environ, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "https_proxy": nowhere}
    env |= {"http_proxy": nowhere, "NO_PROXY": "", "no_proxy": "", "npm_config_registry": nowhere}
    code = (
        "import sys; from tests.supply import audit; audit.LOCKS = ('gateway',); "
        "sys.exit(audit.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == audit.NOT_CHECKED, done.stdout + done.stderr
    assert done.stdout.count("NOT CHECKED") == 2


def test_bandit_finds_nothing_that_nobody_has_judged() -> None:
    assert not_judged([*semgrep.LOOKED_AT]) == []


def test_bandit_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "weak.py").write_text(
        "import hashlib, subprocess, yaml\n"
        "hashlib.md5(b'secret')\n"
        "subprocess.run('ls', shell=True)\n"
        "yaml.load('a')  # noqa: S506 - of our own file\n"
        "yaml.load('a')  # noqa: S506\n"
    )
    told = not_judged(["weak.py"], tmp_path)
    assert [re.search(r"S\d+", line)[0] for line in told] == ["S324", "S602", "S506"]  # type: ignore[index]  # each has one


def test_each_rule_of_semgrep_says_what_it_finds_and_what_not() -> None:
    names = [rule["id"] for rule in semgrep.rules()]
    assert len(names) == len(set(names)) > 5
    for rule in semgrep.rules():
        assert rule["message"]
        assert rule["metadata"]["bad"], rule["id"]
        assert rule["metadata"]["good"], rule["id"]
    assert {pin.name for pin in python_pins(semgrep.LOCK)} >= {"semgrep"}
    assert all((ROOT / place).exists() for place in semgrep.LOOKED_AT)


def test_no_secret_stands_in_settings_and_documents() -> None:
    names = secrets.tracked(
        "*.md", "*.toml", "*.yml", "dev", ".ci", "deploy", "docs", "hearthwatch"
    )
    assert len(names) > 150
    assert secrets.new_ones(names) == []


def test_a_secret_would_be_seen(tmp_path: Path) -> None:
    places = {
        "key.pem": "-----BEGIN EC PRIVATE KEY-----\n",
        "hub.toml": 'password = "Zx9-plum-Orchard-42"\n',
        "push.py": 'TOKEN = "ghp_' + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8" + '"\n',
    }
    for name, text in places.items():
        (tmp_path / name).write_text(text)
    found = {Path(name).name for name, *_ in secrets.suspected([str(tmp_path / n) for n in places])}
    assert found == set(places)
