"""What root's commands leave in a service's data folder belongs to whom the folder belongs to.

A service has a user of its own, whom systemd may have made up. What `gateway enrol`, `restore` or
`keys rotate` write as root is for root's eyes alone: the service would not start with it.
"""

import os
from collections.abc import Iterator
from pathlib import Path


def give_over(folder: Path) -> None:
    """What lies in the folder and is somebody else's becomes its owner's. Nothing is done unless
    root asks, or where the folder is root's own."""
    if os.geteuid() != 0 or not folder.is_dir():
        return
    owner = folder.stat()
    if owner.st_uid == 0:
        return
    for name, at, _path in _strange(folder):
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=at, follow_symlinks=False)


def others(folder: Path) -> list[Path]:
    """What lies in the folder and belongs to somebody else than the folder."""
    return [path for _name, _at, path in _strange(folder)]


def _strange(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """Name, descriptor of its folder, path. By descriptors and without following links: whoever
    the folder belongs to may change it meanwhile, and must not be given a file of root's."""
    owner = folder.stat()
    # systemd's folder of a service's state is a link in a folder of root's.
    for path, folders, files, at in os.fwalk(folder.resolve()):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            linked = found.st_nlink > 1 and name in files
            theirs = (found.st_uid, found.st_gid) != (owner.st_uid, owner.st_gid)
            if theirs and not linked:
                yield name, at, Path(path) / name
