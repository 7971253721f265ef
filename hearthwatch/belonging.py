"""What root's commands leave in a hub's data folder belongs to whom the folder belongs to.

A service has a user of its own, whom systemd may have made up; `restore`, `keys rotate` and others
are run by root, and what they write is for root's eyes alone. The hub would not start with it.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

# As os.chown with a folder's descriptor: name, user, group.
Chown = Callable[[str, int, int, int], None]


def give_over(folder: Path, am_root: bool | None = None, chown: Chown | None = None) -> int:
    """Of what lies in the folder and belongs to somebody else; how many there were. Nothing is done
    unless root asks, or where the folder is root's own."""
    root = os.geteuid() == 0 if am_root is None else am_root
    if not root or not folder.is_dir() or folder.stat().st_uid == 0:
        return 0
    given = 0
    owner = folder.stat()
    for name, at, _path in _strange(folder):
        (chown or _chown)(name, owner.st_uid, owner.st_gid, at)
        given += 1
    return given


def others(folder: Path) -> list[Path]:
    """What lies in the folder and belongs to somebody else than the folder."""
    return [path for _name, _at, path in _strange(folder)]


def _strange(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """Name, descriptor of its folder, path. By descriptors and without following links: whoever
    the folder belongs to may change it meanwhile, and must not be given a file of root's."""
    owner = folder.stat().st_uid
    # systemd's folder of a service's state is a link in a folder of root's.
    for path, folders, files, at in os.fwalk(folder.resolve()):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            linked = found.st_nlink > 1 and name in files
            if found.st_uid != owner and not linked:
                yield name, at, Path(path) / name


def _chown(name: str, user: int, group: int, at: int) -> None:
    os.chown(name, user, group, dir_fd=at, follow_symlinks=False)
