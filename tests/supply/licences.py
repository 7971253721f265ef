"""Under which licences the packages of the locks are, and which of them the project may carry.

Those of Python are told by what is installed; a package for another system than Linux is on no hub
and no gateway.
"""

import re
from collections.abc import Mapping
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from typing import Final

from tests.supply.locks import Pin

# What a county may use, change and pass on without telling its own sources.
ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BlueOak-1.0.0",
        "CC-BY-4.0",
        "CC0-1.0",
        "HPND",
        "ISC",
        "LLVM-exception",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "OFL-1.1",
        "PSF-2.0",
        "Python-2.0",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
    }
)
# Weak copyleft, used as a library that anybody can exchange and never changed by us.
AS_LIBRARIES: Final[Mapping[str, str]] = {
    "LGPL-2.1": "a library beside us, installed from its own files",
    "LGPL-3.0": "a library beside us, installed from its own files",
    "LGPL": "a library beside us, installed from its own files",
    "MPL-2.0": "files of its own, which we don't change",
    "EPL-2.0": "files of its own, which we don't change; EDL-1.0 (BSD) is offered beside it",
    "GPL-2.0": "offered beside a permissive licence, which we take",
    "GPL": "offered beside a permissive licence, which we take",
}
_WORDS: Final = (
    (r"apache", "Apache-2.0"),
    (r"mozilla|mpl", "MPL-2.0"),
    (r"lesser|lgpl", "LGPL"),
    (r"isc", "ISC"),
    (r"python software foundation|psf", "PSF-2.0"),
    (r"bsd[- ]3|3-clause|new bsd|modified bsd", "BSD-3-Clause"),
    (r"bsd[- ]2|2-clause|simplified", "BSD-2-Clause"),
    (r"bsd", "BSD"),
    (r"mit\b", "MIT"),
    (r"open font|ofl", "OFL-1.1"),
    (r"eclipse|epl", "EPL-2.0"),
    (r"unlicense", "Unlicense"),
    (r"general public|gpl", "GPL"),
)


def is_for_linux(pin: Pin) -> bool:
    return re.search(r"(sys_platform|platform_system) == '(?!linux)", pin.marker.lower()) is None


def licence_of(pin: Pin) -> str:
    """As an SPDX expression where one is told; empty: nobody says."""
    if pin.licence:
        return pin.licence
    try:
        return _told(metadata(pin.name))
    except PackageNotFoundError:
        return ""


def _told(found: PackageMetadata) -> str:
    expression = found.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        name.rpartition(" :: ")[2]
        for name in found.get_all("Classifier") or ()
        if name.startswith("License :: ") and not name.endswith("OSI Approved")
    ]
    first = str(found.get("License") or "").strip().partition("\n")[0]
    texts = classifiers or [first]
    return " OR ".join(sorted({_spdx(one) for one in texts if one and one != "UNKNOWN"}))


def _spdx(words: str) -> str:
    lowered = words.lower()
    return next((name for pattern, name in _WORDS if re.search(pattern, lowered)), words)


def names(licence: str) -> set[str]:
    """The licences of an expression: `(MIT OR Apache-2.0) AND BSD-3-Clause`."""
    parts = re.split(r"\s+(?:OR|AND|WITH)\s+", re.sub(r"[()]", "", licence))
    return {re.sub(r"(-only|-or-later|\+)\Z", "", part.strip()) for part in parts if part.strip()}


def is_allowed(licence: str) -> bool:
    known = names(licence)
    return bool(known) and known <= ALLOWED | AS_LIBRARIES.keys()
