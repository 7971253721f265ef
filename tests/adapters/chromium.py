"""Debian's Chromium for the tests of the page, its pictures and the screenshots."""

import shutil
from typing import Final

PLACES: Final = ("/usr/bin/chromium", "chromium", "chromium-browser")
MISSING: Final = "no chromium here: apt-get install chromium fonts-wqy-microhei"
# The first group is what root in a container needs; the rest keeps Chromium from calling home.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str | None:
    return next((found for place in PLACES if (found := shutil.which(place))), None)
