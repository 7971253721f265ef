"""0x2A36 Intermediate Cuff Pressure (Blood Pressure Service 1.1.1).

Laid out as 0x2A35, with the pressure in the cuff while it inflates in the place of the systolic
value. It is no blood pressure and never becomes a reading.
"""

from gateway.drivers.ble_health import blood_pressure
from gateway.drivers.ble_health.value import Explained


def explain(data: bytes) -> Explained:
    fields = dict(blood_pressure.explain(data).fields)
    fields["cuff_pressure"] = fields.pop("systolic")
    del fields["diastolic"], fields["mean"]
    return Explained(fields=fields)
