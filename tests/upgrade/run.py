"""`./dev upgrade`: this program beside an older one, both ways round, the way up and the way back.

./dev upgrade                     beside the one before the newest migration, from the history
./dev upgrade FROM=COMMIT         beside another
./dev upgrade RESULT=FILE.json    what came out, for docs/promise.md
./dev upgrade RECORD=FOLDER       what the two older programs said to each other, for the tests
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ledger import database
from tests.acceptance.rig import ROOT, Rig, wait_until
from tests.results import write_result
from tests.upgrade.presser import Presser
from tests.upgrade.sniffer import Sniffer

_NAMES: Final = ("FROM", "RESULT", "RECORD")
# Presses between two changes.
SOME: Final = 4
PATIENCE_S: Final = 300.0
REFUSED: Final = 2


class Older:
    """The tree of an older program, from the history."""

    def __init__(self, commit: str | None, folder: Path) -> None:
        newest = f"ledger/migrations/versions/{database.head()}_*.py"
        added = ("log", "--diff-filter=A", "--format=%H", "-1", "--", f":(glob){newest}")
        self.commit = _git("rev-parse", "--short=9", commit or f"{_git(*added).strip()}^").strip()
        self.root = folder
        archive = subprocess.run(
            ["git", "-c", "safe.directory=*", "archive", self.commit],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        # The page is no part of the history.
        static = ROOT / "dashboard" / "static"
        if static.exists():
            shutil.copytree(static, folder / "dashboard" / "static", dirs_exist_ok=True)


def _git(*words: str) -> str:
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


class Site:
    """A rig whose hub and gateway are each of one of the two programs."""

    def __init__(self, folder: Path, *, hub: Path, gateway: Path) -> None:
        folder.mkdir()
        self.rig = Rig(folder)
        config = folder / "gateway.toml"
        config.write_text(config.read_text().replace("[uplink]\n", "[uplink]\nheartbeat_s = 1.0\n"))
        self.folder, self.presser = folder, None
        self.rig.programs["hub"].root, self.rig.programs["gateway"].root = hub, gateway

    @property
    def accepted(self) -> set[str]:
        return self.presser.accepted

    def start(self) -> None:
        self.rig.start()
        self.until(self.rig.ready, "the hub answers")
        self.until(self.rig.listening, "the gateway listens")
        self.presser = Presser(self.rig)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, PATIENCE_S, f"{self.folder.name}: {what}")

    def some(self) -> None:
        goal = len(self.accepted) + SOME
        self.until(lambda: self.presser.beyond(goal), "presses")

    def change(self, program: str, root: Path) -> None:
        """Another program in its place, under presses."""
        self.rig.programs[program].stop()
        self.some() if program == "hub" else None
        self.rig.programs[program].root = root
        self.rig.programs[program].start()

    def quiet(self) -> None:
        self.presser.end()
        self.until(lambda: self.rig.unacknowledged() == 0, "all acknowledged")

    def judged(self) -> dict[str, int]:
        self.quiet()
        events = [event for event, _alarm in self.rig.events()]
        alarms = {alarm for _event, alarm in self.rig.events()}
        lost = self.accepted - set(events)
        return {
            "accepted": len(self.accepted),
            "lost": len(lost),
            "doubled": len(events) - len(set(events)),
            "unknown": len(set(events) - self.accepted),
            "without an alarm of its own": len(events) - len(alarms - {None}),
        }

    def close(self) -> None:
        if self.presser is not None:
            self.presser.end()
        self.rig.close()


def older_gateway(folder: Path, older: Older) -> dict[str, int]:
    """At a newer hub; it forgets what two copies have; then it becomes a newer gateway."""
    site = Site(folder, hub=ROOT, gateway=older.root)
    try:
        site.start()
        site.some()
        for number in range(2):
            copy = folder / f"{number}.zip"
            command = [sys.executable, "-m", "hearthwatch", "backup"]
            command += ["--config", str(folder / "hub.toml"), str(copy)]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            site.some()
        site.until(lambda: len(site.rig.accepted()) < len(site.accepted), "something is forgotten")
        forgot = len(site.accepted) - len(site.rig.accepted())
        site.change("gateway", ROOT)
        site.some()
        return {**site.judged(), "forgotten by copies": forgot}
    finally:
        site.close()


def older_hub(folder: Path, older: Older) -> dict[str, int]:
    """With a newer gateway, which then becomes an older one."""
    site = Site(folder, hub=older.root, gateway=ROOT)
    try:
        site.start()
        site.some()
        site.change("gateway", older.root)
        site.some()
        return site.judged()
    finally:
        site.close()


def up_and_back(folder: Path, older: Older, record: Path | None) -> dict[str, int]:
    """Under presses: hub, then gateway; and both back, with the copy from before the migration."""
    site = Site(folder, hub=older.root, gateway=older.root)
    sniffer = None
    try:
        site.rig.start()
        site.until(site.rig.ready, "the hub answers")
        if record is not None:
            sniffer = Sniffer(site.rig)
        site.until(site.rig.listening, "the gateway listens")
        site.presser = Presser(site.rig)
        site.some()
        if sniffer is not None and record is not None:
            sniffer.write(record / f"{older.commit}.json", older.commit)
        site.change("hub", ROOT)
        site.until(site.rig.ready, "the newer hub answers")
        site.some()
        site.change("gateway", ROOT)
        site.some()
        hub = site.rig.programs["hub"]
        hub.stop()
        site.some()
        hub.root = older.root
        hub.start()
        refused = hub.process.wait(PATIENCE_S)
        assert refused == REFUSED, f"the older hub ends with {refused}"
        assert "written by a newer program" in hub.log.read_text()
        put_back(folder / "hub")
        hub.start()
        site.until(site.rig.ready, "the older hub answers again")
        site.change("gateway", older.root)
        site.some()
        site.quiet()
        # What the newer hub had, it asks for by the heartbeats.
        site.until(lambda: len(site.rig.events()) >= len(site.accepted), "all is in the book")
        return site.judged()
    finally:
        if sniffer is not None:
            sniffer.close()
        site.close()


def put_back(folder: Path) -> None:
    """As docs/deployment.md says."""
    newer = folder / "newer"
    newer.mkdir()
    for name in ("hub.db", "hub.db-wal", "hub.db-shm"):
        if (folder / name).exists():
            (folder / name).rename(newer / name)
    shutil.copyfile(folder / f"hub.db.before-{database.head()}", folder / "hub.db")


def main(arguments: list[str]) -> int:
    given = dict(word.split("=", 1) for word in arguments if "=" in word)
    if len(given) != len(arguments) or set(given) - set(_NAMES):
        sys.stderr.write(__doc__ or "")
        return 2
    counts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="hearthwatch-upgrade-") as name:
        folder = Path(name)
        (folder / "older").mkdir()
        try:
            older = Older(given.get("FROM"), folder / "older")
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"no such program in this history: {error.stderr!r}\n")
            return 2
        record = Path(given["RECORD"]) if "RECORD" in given else None
        sys.stdout.write(f"beside {older.commit}\n")
        for what, play in (
            ("older gateway, newer hub", lambda: older_gateway(folder / "1", older)),
            ("newer gateway, older hub", lambda: older_hub(folder / "2", older)),
            ("up and back", lambda: up_and_back(folder / "3", older, record)),
        ):
            counts[what] = play()
            sys.stdout.write(f"{what}: {counts[what]}\n")
            sys.stdout.flush()
    wrong = ("lost", "doubled", "unknown", "without an alarm of its own")
    bad = sum(found[name] for found in counts.values() for name in wrong)
    if "RESULT" in given:
        command = " ".join(("./dev upgrade", *arguments))
        write_result(
            Path(given["RESULT"]),
            command=command,
            seed=0,
            counts={"beside": older.commit, **counts},
        )
    return 1 if bad else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main(sys.argv[1:]))
