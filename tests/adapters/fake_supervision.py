"""Broken and forgotten devices of the fake county: alarms about devices, and the troubles of homes.

`wear` is an evening with enough of them to show what a board, a task and a device list make of
many; nobody's emergency is among them.
"""

from typing import Any, Final

from contract.moment import from_iso, to_iso
from tests.adapters.fake_county import DAY_MS, HOUR_MS, MINUTE_MS, County, Document

# Until when each kind is to be mended.
DUE_MS: Final = {
    "device_silent": 2 * HOUR_MS,
    "device_fault": 3 * DAY_MS,
    "low_battery": 3 * DAY_MS,
    "test_due": 7 * DAY_MS,
}
_WAITS: Final = ("open", "acknowledged", "in_response")


def equipment_shape(kind: str, tag: str, at_ms: int) -> Document:
    """The part of such an alarm that its rule decides."""
    device, reason = {
        "device_silent": (f"button-{tag}", "not_heard"),
        "device_fault": (f"meter-{tag}", "no_answer"),
        "low_battery": (f"cuff-{tag}", "battery_low"),
        "test_due": (f"button-{tag}", "weekly_test_due"),
    }[kind]
    return {
        "severity": "technical",
        "reason": reason,
        "device": device,
        "evidence": {"began_ms": at_ms, "life_critical": device.startswith("button")},
    }


def trouble_of(alarm: Document, task: Document, device: Document, now_ms: int) -> Document:
    return {
        "gateway": alarm["gateway"],
        "device": alarm["device"],
        "label": device["label"],
        "kind": alarm["kind"],
        "reason": alarm["reason"],
        "since": alarm["raised_at"],
        "due_at": task["due_at"],
        "life_critical": device["life_critical"],
        "overdue": from_iso(task["due_at"]) < now_ms,
        "alarm": alarm["id"],
        "task": task["id"],
    }


def troubles(cases: Any, county: County, now_ms: int) -> list[Document]:
    """Of every live alarm about a device."""
    return [
        trouble_of(
            alarm,
            cases.tasks[alarm["task"]],
            county.devices[f"{alarm['gateway']}/{alarm['device']}"],
            now_ms,
        )
        for alarm in cases.alarms.values()
        if alarm["kind"] in DUE_MS and alarm["state"] in _WAITS
    ]


def repairs(found: list[Document]) -> Document:
    return {"open": len(found), "overdue": sum(trouble["overdue"] for trouble in found)}


def wear(cases: Any, county: County) -> None:
    """Silent buttons, empty batteries, a meter that does not answer, tests that nobody made."""
    silent = cases.raise_alarm("device_silent", "home-0002", ago_ms=70 * MINUTE_MS)
    _silence(county, silent, hours=25)
    late = cases.raise_alarm("device_silent", "home-0010", ago_ms=3 * HOUR_MS)
    _silence(county, late, hours=27)
    cases.worsen(late["id"])
    for number in (1, 3, 5, 7, 9, 11, 13, 15):
        cases.raise_alarm("low_battery", f"home-{number:04d}", ago_ms=number * HOUR_MS)
    for number in (2, 5, 12):
        due = cases.raise_alarm("test_due", f"home-{number:04d}", ago_ms=number * HOUR_MS)
        button = county.devices[f"{due['gateway']}/{due['device']}"]
        button |= {"tested_at": None, "test_due_at": due["raised_at"]}
    meter = cases.raise_alarm("device_fault", "home-0006", ago_ms=4 * DAY_MS)
    county.devices[f"{meter['gateway']}/{meter['device']}"] |= {
        "state": "fault",
        "fault": "no_answer",
        "mains": False,
    }
    cases.move_alarm(meter["id"], "assign", "duty-1", {"assignee": "visitor-1"})
    county.devices["gw-0001/motion-0004"] |= {
        "signal_dbm": -92,
        "tampered_at": to_iso(county.now_ms - 2 * DAY_MS),
    }


def _silence(county: County, alarm: Document, *, hours: int) -> None:
    county.devices[f"{alarm['gateway']}/{alarm['device']}"] |= {
        "state": "silent",
        "last_seen_at": to_iso(county.now_ms - hours * HOUR_MS),
        "expected_interval_s": 86_400,
    }
