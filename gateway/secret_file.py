"""A secret that a configuration names by a file, under systemd or not.

A service of systemd sees secrets as credentials (`LoadCredential=NAME:FILE`, systemd.exec(5)) in a
folder that is there only while it runs; who commands as root sees the files. So a configuration
names the file, and the service reads the credential of its name: one configuration for both.
"""

import os
from pathlib import Path
from typing import Final

# systemd tells a service its folder by it …
_OWN: Final = "CREDENTIALS_DIRECTORY"
# … which lies here. A configuration that names a credential means, while the service is stopped,
# the file of that name beside it.
_SHOWN: Final = Path("/run/credentials")


def read(path: Path, base: Path) -> str:
    """The secret's text; base: the configuration's folder. OSError, of `path`."""
    found = next((place for place in _places(path, base) if place.exists()), path)
    return found.read_text().strip()


def _places(path: Path, base: Path) -> tuple[Path, ...]:
    own = os.environ.get(_OWN)
    shown = (Path(own) / path.name,) if own else ()
    beside = (base / path.name,) if _SHOWN in path.parents else ()
    return (*shown, path, *beside)
