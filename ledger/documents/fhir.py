"""Vital signs as an HL7 FHIR R4 bundle (hl7.org/fhir/R4): a Patient and Observations. Pure.

Codes are LOINC's and units UCUM's, as the profiles for vital signs ask. What has no place in them
(which device, whose home) stands in `device.display`; identity numbers are left out.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.moment import to_iso

Document = dict[str, Any]

MEDIA_TYPE: Final = "application/fhir+json"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
PERSON_SYSTEM: Final = "urn:hearthwatch:service-user"
_NAMESPACE: Final = uuid.UUID("5d1c2f0e-8f55-5d7e-9a3c-0d1b6a7e4c21")
_GENDERS: Final = {"F": "female", "M": "male"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirPerson:
    id: str
    name: str
    sex: str
    born: str
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """What one device measured at one moment, by the fields of the contract."""

    kind: str
    at_ms: int
    values: Mapping[str, float]
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    codes: tuple[tuple[str, str], ...]  # LOINC code and display; the profile's own first
    zh: str
    unit: str
    ucum: str
    category: str = "vital-signs"


_PULSE: Final = _Code(codes=(("8867-4", "Heart rate"),), zh="心率", unit="次/分", ucum="/min")
# field of the contract → what it is; blood pressure is a panel of its own.
_CODES: Final[Mapping[str, _Code]] = {
    "pulse_bpm": _PULSE,
    "spo2_pct": _Code(
        codes=(
            ("2708-6", "Oxygen saturation in Arterial blood"),
            ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
        ),
        zh="血氧饱和度",
        unit="%",
        ucum="%",
    ),
    "temperature_c": _Code(
        codes=(("8310-5", "Body temperature"),), zh="体温", unit="℃", ucum="Cel"
    ),
    "glucose_mmol_l": _Code(
        codes=(("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer"),),
        zh="血糖",
        unit="mmol/L",
        ucum="mmol/L",
        category="laboratory",
    ),
    "weight_kg": _Code(codes=(("29463-7", "Body weight"),), zh="体重", unit="kg", ucum="kg"),
}
_PRESSURE: Final = _Code(
    codes=(("85354-9", "Blood pressure panel with all children optional"),),
    zh="血压",
    unit="mmHg",
    ucum="mm[Hg]",
)
_PARTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "systolic_mmhg": ("8480-6", "Systolic blood pressure", "收缩压"),
    "diastolic_mmhg": ("8462-4", "Diastolic blood pressure", "舒张压"),
    "mean_mmhg": ("8478-0", "Mean blood pressure", "平均压"),
}
# The panel's profile wants both, or a reason why one is missing.
_BOTH: Final = ("systolic_mmhg", "diastolic_mmhg")
# Kinds of readings that are somebody's vital signs.
KINDS: Final = frozenset(
    {"blood_pressure", "oximetry", "heart_rate", "temperature", "glucose", "weight"}
)


def bundle(person: FhirPerson, vitals: Iterable[Vital], now_ms: int) -> Document:
    """A collection that names itself; the same readings make the same ids."""
    patient_id = _id("patient", person.id)
    patient = f"urn:uuid:{patient_id}"
    observations = [o for vital in vitals for o in _observations(vital, person, patient)]
    return {
        "resourceType": "Bundle",
        "id": _id("bundle", person.id, str(now_ms)),
        "type": "collection",
        "timestamp": to_iso(now_ms),
        "entry": [
            {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
            for resource in (_patient(person, patient_id), *observations)
        ],
    }


def _patient(person: FhirPerson, patient_id: str) -> Document:
    found: Document = {
        "resourceType": "Patient",
        "id": patient_id,
        "identifier": [{"system": PERSON_SYSTEM, "value": person.id}],
        "name": [{"text": person.name}],
        "gender": _GENDERS.get(person.sex, "unknown"),
    }
    if person.born:
        found["birthDate"] = person.born
    if person.phone:
        found["telecom"] = [{"system": "phone", "value": person.phone}]
    if person.address:
        found["address"] = [{"text": person.address, "country": "CN"}]
    return found


def _observations(vital: Vital, person: FhirPerson, patient: str) -> Iterator[Document]:
    parts = {name: vital.values[name] for name in _PARTS if name in vital.values}
    if parts:
        yield {
            **_observation("pressure", _PRESSURE, vital, person, patient),
            "component": [_component(name, parts.get(name)) for name in (*_BOTH, *_mean(parts))],
        }
    for field, code in _CODES.items():
        if field in vital.values:
            yield {
                **_observation(field, code, vital, person, patient),
                "valueQuantity": _quantity(vital.values[field], code.unit, code.ucum),
            }


def _mean(parts: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(name for name in parts if name not in _BOTH)


def _observation(
    field: str, code: _Code, vital: Vital, person: FhirPerson, patient: str
) -> Document:
    return {
        "resourceType": "Observation",
        "id": _id(field, person.id, vital.device, vital.kind, str(vital.at_ms)),
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": code.category}]}],
        "code": _concept(code.codes, code.zh),
        "subject": {"reference": patient, "display": person.name},
        "effectiveDateTime": to_iso(vital.at_ms),
        "device": {"display": vital.device},
    }


def _component(name: str, value: float | None) -> Document:
    loinc, display, zh = _PARTS[name]
    code = {"code": _concept(((loinc, display),), zh)}
    if value is None:
        reason = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
        return {**code, "dataAbsentReason": {"coding": [{"system": reason, "code": "unknown"}]}}
    return {**code, "valueQuantity": _quantity(value, _PRESSURE.unit, _PRESSURE.ucum)}


def _concept(codes: tuple[tuple[str, str], ...], zh: str) -> Document:
    coding = [{"system": LOINC, "code": code, "display": display} for code, display in codes]
    return {"coding": coding, "text": zh}


def _quantity(value: float, unit: str, ucum: str) -> Document:
    return {"value": value, "unit": unit, "system": UCUM, "code": ucum}


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))
