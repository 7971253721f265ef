"""`./dev units`: the installation guide and the units of systemd, in a fresh Debian of their own.

./dev units                 root; debootstrap and systemd-container; about 6 minutes
./dev units KEEP=FOLDER     leaves the system there
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.units.guide import blocks
from tests.units.machine import Machine, StepError
from tests.units.story import STEPS, Site

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "deployment.md"
# What a stranger has: the wheel, the locks, and the folder that the guide names.
BROUGHT = ("deploy", "requirements", "dist")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _bring(machine: Machine) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    place = machine.root / "srv/project"
    place.mkdir(parents=True)
    for name in BROUGHT:
        subprocess.run(["cp", "-r", str(ROOT / name), str(place)], check=True)
    subprocess.run(["rm", "-rf", str(place / "deploy/secrets")], check=True)


def _play(folder: Path) -> None:
    machine = Machine(folder)
    _say("a fresh Debian …")
    machine.make()
    _bring(machine)
    hub, gateway = blocks(GUIDE.read_text())
    _say("packages, as the guide says …")
    # The button of the story is pressed by mosquitto_pub.
    pressing = "apt-get install -y -q mosquitto-clients"
    machine.before_boot(f"cd /srv/project\n{hub.packages}\n{pressing}")
    machine.boot()
    try:
        site = Site(machine, hub.rest, gateway.rest)
        for what, step in STEPS:
            step(site)
            _say(f"ok  {what}")
    except StepError:
        _say(machine.tried("journalctl -o cat --no-pager -n 60 -u 'hearthwatch-*'"))
        raise
    finally:
        machine.close()


def main() -> int:
    arguments = sys.argv[1:]
    if arguments and not arguments[0].startswith("KEEP="):
        sys.stderr.write(f"units: {arguments[0]!r} is not KEEP=…\n{__doc__}")
        return 2
    try:
        if arguments:
            folder = Path(arguments[0].removeprefix("KEEP="))
            folder.mkdir(parents=True)
            _play(folder)
        else:
            with tempfile.TemporaryDirectory(prefix="hw-units-") as name:
                _play(Path(name))
    except StepError as failure:
        sys.stderr.write(f"units: FAILED\n{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
