"""A disk whose power can be cut: an ext4 file system on a loop device whose file lies on btrfs.

`cp --reflink=always` of that file is one moment of it: all that had reached the device, and nothing
of what was still in the memory of the file system above. A copy is mounted as after a reboot: the
journal is replayed, then the product reads its files.

What this is not: a device that loses or reorders what it was handed, as its own cache may.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Room for the stores of a long run; both files are sparse.
DISK_BYTES: Final = 512 << 20
POOL_BYTES: Final = 4 << 30
PROGRAMS: Final = ("btrfs", "mkfs.btrfs", "mkfs.ext4", "mount", "setpriv", "unshare")
# Set in the process that has its mounts for itself.
APART: Final = "HEARTHWATCH_POWERCUT_APART"


def missing() -> str | None:
    """Why the rig can't run here."""
    if os.geteuid() != 0:
        return "mounting file systems needs root"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (apt-get install btrfs-progs e2fsprogs)"
    if not Path("/dev/loop-control").exists():
        return "this kernel has no loop devices"
    return None


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def go_apart(module: str, arguments: list[str]) -> None:
    """Begin again in a mount namespace of our own: whatever ends this process, its mounts and loop
    devices go with it. Returns in the process that has it."""
    if os.environ.get(APART) != "1":
        env = {**os.environ, APART: "1", "PATH": _path()}
        command = ["unshare", "--mount", "--propagation", "private"]
        words = [*command, sys.executable, "-m", module, *arguments]
        os.execvpe("unshare", words, env)  # noqa: S606 - no shell is wanted


class Drive:
    """In use at `root`. One at a time in a folder."""

    def __init__(self, folder: Path) -> None:
        self.root, self._pool, self._copy = (folder / n for n in ("root", "pool", "copy"))
        for place in (self.root, self._pool, self._copy):
            place.mkdir()
        below = folder / "pool.img"
        _sparse(below, POOL_BYTES)
        _run("mkfs.btrfs", "-q", "-f", below)
        _run("mount", "-o", "loop,noatime", below, self._pool)
        # The loop device holds it; so it is gone with the mount, however this ends.
        below.unlink()
        self._disk = self._pool / "disk.img"
        _sparse(self._disk, DISK_BYTES)
        settled = "lazy_itable_init=0,lazy_journal_init=0"  # no writer but ours
        _run("mkfs.ext4", "-q", "-F", "-E", settled, self._disk)
        self.plug_in()

    def plug_in(self) -> None:
        _run("mount", "-o", "loop,noatime", self._disk, self.root)

    def cut(self) -> Path:
        """The disk as the power would leave it at this moment."""
        copy = self._pool / "cut.img"
        copy.unlink(missing_ok=True)
        _run("cp", "--reflink=always", self._disk, copy)
        return copy

    @contextlib.contextmanager
    def rebooted(self, copy: Path) -> Iterator[Path]:
        _run("mount", "-o", "loop,noatime", copy, self._copy)
        try:
            yield self._copy
        finally:
            _run("umount", self._copy)

    def go_on_from(self, copy: Path) -> None:
        """What the disk holds beyond the copy is gone. Nobody may have files open on it."""
        _run("umount", self.root)
        copy.replace(self._disk)
        self.plug_in()

    def close(self) -> None:
        for place in (self._copy, self.root, self._pool):
            if place.is_mount():
                _run("umount", "--lazy", place)


@contextlib.contextmanager
def drive() -> Iterator[Drive]:
    with tempfile.TemporaryDirectory(prefix="hearthwatch-powercut-") as name:
        made = Drive(Path(name))
        try:
            yield made
        finally:
            made.close()


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _run(*command: "str | Path") -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
