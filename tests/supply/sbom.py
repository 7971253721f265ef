"""`./dev sbom [FILE]`: what an installation consists of, as CycloneDX 1.6.

From the lock files alone, so that the same locks give the same bytes: no times, no serial number
that is drawn. A component of Python is a hub's, a gateway's or only the project's own tools', which
its property `hearthwatch:lock` says; one of npm is part of the page or builds it.
"""

import sys
import uuid
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tests.supply.licences import licence_of
from tests.supply.locks import ROOT, Pin, npm_pins, python_locks, python_pins

# Names of this project's lists are made below it.
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "hearthwatch.invalid")
PLACE: Final = ROOT / "build" / "sbom.cdx.json"


def python_components() -> list[Component]:
    of: dict[tuple[str, str], tuple[Pin, set[str]]] = {}
    for lock in python_locks():
        for pin in python_pins(lock):
            of.setdefault((pin.name, pin.version), (pin, set()))[1].add(lock.stem)
    return [_python(pin, sorted(locks)) for _key, (pin, locks) in sorted(of.items())]


def _python(pin: Pin, locks: list[str]) -> Component:
    component = _component(pin, PackageURL("pypi", None, pin.name, pin.version))
    component.hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in pin.hashes]
    component.properties = [Property(name="hearthwatch:lock", value=lock) for lock in locks]
    return component


def npm_components() -> list[Component]:
    found = {}
    for pin in npm_pins():
        scope, _, name = pin.name.rpartition("/")
        component = _component(pin, PackageURL("npm", scope or None, name, pin.version))
        kept = [Property(name="hearthwatch:integrity", value=pin.hashes[0])]
        component.properties = [*kept, Property(name="hearthwatch:lock", value="npm")]
        found[pin.name, pin.version] = component
    return [component for _key, component in sorted(found.items())]


def _component(pin: Pin, address: PackageURL) -> Component:
    component = Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        purl=address,
        bom_ref=str(address),
    )
    licence = licence_of(pin)
    if licence:
        component.licenses = [LicenseFactory().make_from_string(licence)]
    return component


def text() -> str:
    bom = Bom(components=[*python_components(), *npm_components()])
    bom.metadata.component = Component(
        name="hearthwatch", type=ComponentType.APPLICATION, bom_ref="hearthwatch"
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]  # it would differ each time
    listed = "\n".join(sorted(str(component.purl) for component in bom.components))
    bom.serial_number = uuid.uuid5(NAMESPACE, listed)
    bom.register_dependency(bom.metadata.component, bom.components)
    return str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"


def main(arguments: list[str]) -> int:
    place = Path(arguments[0]) if arguments else PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    made = text()
    place.write_text(made)
    sys.stdout.write(f"{place}: {made.count('bom-ref') - 1} components\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
