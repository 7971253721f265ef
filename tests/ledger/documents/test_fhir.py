"""The bundle is what FHIR R4 says of Bundle, Patient, Observation and the vital-signs profiles.

The facts checked are those of hl7.org/fhir/R4: allowed elements with their cardinality, types,
value sets that are required, and the codes and units of the profiles.
"""

import json
import re
from typing import Any

import pytest

from ledger.documents.fhir import FhirPerson, Vital, bundle
from tests.adapters.sample_papers import AT_MS

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
# Elements of R4 that we use: name → (required, a list).
ELEMENTS: dict[str, dict[str, tuple[bool, bool]]] = {
    "Bundle": {
        **{"resourceType": (True, False), "id": (False, False), "type": (True, False)},
        **{"timestamp": (False, False), "entry": (False, True)},
    },
    "Patient": {
        **{"resourceType": (True, False), "id": (False, False), "identifier": (False, True)},
        **{"name": (False, True), "gender": (False, False), "birthDate": (False, False)},
        **{"telecom": (False, True), "address": (False, True)},
    },
    "Observation": {
        **{"resourceType": (True, False), "id": (False, False), "status": (True, False)},
        # The profiles for vital signs also want category, subject and a time.
        **{"category": (True, True), "code": (True, False), "subject": (True, False)},
        **{"effectiveDateTime": (True, False), "device": (False, False)},
        **{"valueQuantity": (False, False), "component": (False, True)},
    },
}
UNITS = {
    "8867-4": "/min",
    "2708-6": "%",
    "8310-5": "Cel",
    "29463-7": "kg",
    "14743-9": "mmol/L",
    "8480-6": "mm[Hg]",
    "8462-4": "mm[Hg]",
    "8478-0": "mm[Hg]",
}
PERSON = FhirPerson(
    id="person-0001", name="张桂英", sex="F", born="1941-03-02", phone="13800000001", address="某村"
)
CUFF = {"systolic_mmhg": 152, "diastolic_mmhg": 91, "mean_mmhg": 111, "pulse_bpm": 74}


def vital(kind: str, at_ms: int = AT_MS, **values: float) -> Vital:
    return Vital(kind=kind, at_ms=at_ms, values=values, device="血压计 AOJ-30B")


def conforms(resource: dict[str, Any]) -> None:
    elements = ELEMENTS[resource["resourceType"]]
    assert set(resource) <= set(elements)
    for name, (required, many) in elements.items():
        assert not required or name in resource, name
        if name in resource:
            assert isinstance(resource[name], list) == many, name
            assert resource[name] not in ([], "", None), name
    assert ID.fullmatch(resource["id"])


def quantity_of(code: str, quantity: dict[str, Any]) -> None:
    assert set(quantity) == {"value", "unit", "system", "code"}
    assert quantity["system"] == "http://unitsofmeasure.org"
    assert quantity["code"] == UNITS[code]
    assert isinstance(quantity["value"], int | float)


def code_of(concept: dict[str, Any]) -> str:
    for coding in concept["coding"]:
        assert set(coding) == {"system", "code", "display"}
        assert coding["system"] == "http://loinc.org"
    return concept["coding"][0]["code"]


def observed(*vitals: Vital, person: FhirPerson = PERSON) -> list[dict[str, Any]]:
    """The observations of a bundle that was found in order."""
    found = json.loads(json.dumps(bundle(person, vitals, AT_MS)))
    conforms(found)
    assert found["type"] == "collection"
    assert INSTANT.fullmatch(found["timestamp"])
    urls = [entry["fullUrl"] for entry in found["entry"]]
    assert len(set(urls)) == len(urls)
    resources = [entry["resource"] for entry in found["entry"]]
    for url, resource in zip(urls, resources, strict=True):
        conforms(resource)
        assert url == f"urn:uuid:{resource['id']}"
    patient, *observations = resources
    assert patient["gender"] in ("male", "female", "other", "unknown")
    assert DATE.fullmatch(patient.get("birthDate", "2000"))
    for one in observations:
        assert one["status"] == "final"
        [category] = one["category"]
        assert category["coding"][0]["code"] in ("vital-signs", "laboratory")
        assert one["subject"]["reference"] == urls[0]
        assert INSTANT.fullmatch(one["effectiveDateTime"])
        assert ("valueQuantity" in one) != ("component" in one)
        if "valueQuantity" in one:
            quantity_of(code_of(one["code"]), one["valueQuantity"])
    return observations


def test_blood_pressure_is_a_panel_with_its_parts() -> None:
    pressure, pulse = observed(vital("blood_pressure", **CUFF))
    assert code_of(pressure["code"]) == "85354-9"
    parts = {code_of(part["code"]): part for part in pressure["component"]}
    assert list(parts) == ["8480-6", "8462-4", "8478-0"]
    for code, part in parts.items():
        quantity_of(code, part["valueQuantity"])
    assert [part["valueQuantity"]["value"] for part in parts.values()] == [152, 91, 111]
    assert code_of(pulse["code"]) == "8867-4"
    assert pulse["valueQuantity"]["value"] == 74


def test_half_a_pressure_says_that_the_other_half_is_missing() -> None:
    [pressure] = observed(vital("blood_pressure", systolic_mmhg=152))
    _systolic, diastolic = pressure["component"]
    assert "valueQuantity" not in diastolic
    assert diastolic["dataAbsentReason"]["coding"][0]["code"] == "unknown"


@pytest.mark.parametrize(
    ("kind", "field", "value", "code", "category"),
    [
        ("oximetry", "spo2_pct", 94, "2708-6", "vital-signs"),
        ("heart_rate", "pulse_bpm", 61, "8867-4", "vital-signs"),
        ("temperature", "temperature_c", 36.6, "8310-5", "vital-signs"),
        ("glucose", "glucose_mmol_l", 7.1, "14743-9", "laboratory"),
        ("weight", "weight_kg", 52.4, "29463-7", "vital-signs"),
    ],
)
def test_each_measurement_has_its_code_and_unit(kind, field, value, code, category) -> None:
    [one] = observed(vital(kind, **{field: value}))
    assert code_of(one["code"]) == code
    assert one["valueQuantity"]["value"] == value
    assert one["category"][0]["coding"][0]["code"] == category
    assert one["device"]["display"] == "血压计 AOJ-30B"


def test_the_same_readings_are_the_same_resources() -> None:
    first = observed(vital("weight", weight_kg=52.0), vital("weight", AT_MS + 1, weight_kg=52.1))
    again = observed(vital("weight", weight_kg=52.0), vital("weight", AT_MS + 1, weight_kg=52.1))
    assert [one["id"] for one in first] == [one["id"] for one in again]


def test_what_is_not_known_is_not_said() -> None:
    person = FhirPerson(id="person_2", name="王", sex="", born="")
    found = bundle(person, [], AT_MS)
    [patient] = [entry["resource"] for entry in found["entry"]]
    conforms(patient)
    assert patient["gender"] == "unknown"
    assert not {"birthDate", "telecom", "address"} & set(patient)
