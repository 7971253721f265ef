"""A file system so small that a test can fill it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tiny_disk(folder: Path, size: int) -> Iterator[Path]:
    """Where none can be made the test is skipped, with the reason."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave_bytes: int) -> Path:
    """Somebody else's file, until this much is free."""
    stat = os.statvfs(folder)
    free = stat.f_bavail * stat.f_frsize
    other = folder / f"other-{len(list(folder.iterdir()))}"
    with other.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - leave_bytes)
    return other
