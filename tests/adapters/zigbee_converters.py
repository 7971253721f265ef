"""Zigbee2MQTT's own converters (zigbee-herdsman-converters), run by Node outside the project.

Installed once for each lock below build/, which git ignores; a test that needs them needs npm's
registry, as the web page does.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from hatch_build import COMMAND_TIMEOUT_S, find_node

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "tests" / "oracles" / "zigbee"
FILES: Final = ("package.json", "package-lock.json", "payloads.cjs")
AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")


def published(devices: list[dict[str, Any]], messages: list[dict[str, Any]]) -> dict[str, Any]:
    """What is published: `devices` as bridge/devices, `payloads` one for each message."""
    folder = _installed()
    done = subprocess.run(
        [str(find_node().program), "payloads.cjs"],
        cwd=folder,
        input=json.dumps({"devices": devices, "messages": messages}),
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _installed() -> Path:
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()
    folder = ROOT / "build" / f"zigbee-oracle-{digest[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            for name in FILES:
                shutil.copy(SOURCE / name, folder / name)
            _install(folder)
            ready.touch()
    return folder


def _install(folder: Path) -> None:
    node = find_node()
    env = {**os.environ, "NO_UPDATE_NOTIFIER": "1"}
    env["PATH"] = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if AUTHORITIES.exists():
        env.setdefault("NODE_EXTRA_CA_CERTS", str(AUTHORITIES))
    flags = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    command = [str(node.program), str(node.npm), "ci", *flags]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
