"""What alarms of each kind look like: severity, reason, device and evidence as of the rules."""

from typing import Final

from tests.adapters.fake_county import DAY_MS, DEAD_GATEWAY, HOUR_MS, MINUTE_MS, VILLAGES, Document
from tests.adapters.fake_supervision import DUE_MS, equipment_shape

# What an alarm says once it has happened.
NOT_YET: Final = (
    "worsened_at",
    "cleared_at",
    "acknowledged_at",
    "acknowledged_by",
    "assignee",
    "closed_at",
    "closed_by",
    "outcome",
    "found_out",
    "note",
    "asked_at",
    "ask_until",
    "answered_at",
    "answer",
    "held_at",
    "held_until",
    "held_for",
    "held_by",
    "released_at",
)


def shape_of(kind: str, home: str | None, at_ms: int) -> Document:
    """The part of an alarm that its rule decides. `blood_pressure_low` is a watch alarm."""
    tag = (home or "home-0000")[5:]
    gateway = f"gw-{(int(tag) - 1) // 8 + 1:04d}" if home else DEAD_GATEWAY
    pressed = {"action": "press", "measured_at_ms": at_ms}
    shapes: dict[str, Document] = {
        "sos": {
            "severity": "urgent",
            "reason": "pressed",
            "device": f"button-{tag}",
            "evidence": pressed,
        },
        "fall": {
            "severity": "urgent",
            "reason": "detected",
            "device": f"motion-{tag}",
            "evidence": pressed,
        },
        "blood_pressure": _high_pressure(tag, at_ms),
        "blood_pressure_low": _low_pressure(tag, at_ms),
        "no_sign_of_life": _silent_home(tag, at_ms),
        "gateway_silent": {
            "severity": "technical",
            "reason": "no_heartbeat",
            "device": None,
            "evidence": {"last_heard_ms": at_ms - 90_000, "after_s": 90, "silent_s": 90},
        },
    }
    if kind == "village_dark":
        return {"kind": kind, "gateway": None, **_dark_village(at_ms)}
    found = equipment_shape(kind, tag, at_ms) if kind in DUE_MS else shapes[kind]
    return {"kind": kind, "gateway": gateway, **found}


def _dark_village(at_ms: int) -> Document:
    """The first village of the county; home-0003 has an oxygen concentrator."""
    return {
        "severity": "technical",
        "reason": "village_dark",
        "device": None,
        "region": VILLAGES[0][0],
        "region_path": ["平利县", "城关镇", VILLAGES[0][1]],
        "evidence": {
            "since_ms": at_ms - 4 * MINUTE_MS,
            "meters_silent": 7,
            "meters_known": 8,
            "homes_dark": 7,
            "homes_first": ["home-0003"],
            "homes_first_why": ["conditions"],
            "homes_others": [f"home-{n:04d}" for n in (1, 2, 4, 5, 6, 7)],
        },
    }


def _high_pressure(tag: str, at_ms: int) -> Document:
    readings = [[at_ms - 9 * DAY_MS // 8 * n, 148 - n, 88, 76] for n in range(6, 0, -1)]
    readings += [[at_ms - 4 * MINUTE_MS, 188, 116, 92], [at_ms, 192, 118, 96]]
    return {
        "severity": "urgent",
        "reason": "high_confirmed",
        "device": f"cuff-{tag}",
        "evidence": {
            "systolic_mmhg": 192.0,
            "diastolic_mmhg": 118.0,
            "count": 2,
            "mean_systolic_mmhg": 190.0,
            "mean_diastolic_mmhg": 117.0,
            "pulse_bpm": 96.0,
            "irregular_pulse": False,
            "cuff_fit": "ok",
            "also": ["mean_high"],
            "measured_at_ms": at_ms,
            "limit_systolic_mmhg": 180.0,
            "limit_diastolic_mmhg": 110.0,
            "readings": readings,
        },
    }


def _low_pressure(tag: str, at_ms: int) -> Document:
    readings = [[at_ms - n * DAY_MS, 104 + n, 64, 66] for n in range(6, 0, -1)]
    return {
        "kind": "blood_pressure",
        "severity": "watch",
        "reason": "low_watch",
        "device": f"cuff-{tag}",
        "evidence": {
            "systolic_mmhg": 96.0,
            "diastolic_mmhg": 61.0,
            "count": 1,
            "measured_at_ms": at_ms,
            "limit_systolic_mmhg": 100.0,
            "readings": [*readings, [at_ms, 96, 61, 64]],
        },
    }


def _silent_home(tag: str, at_ms: int) -> Document:
    return {
        "severity": "urgent",
        "reason": "no_activity",
        "device": f"meter-{tag}",
        "evidence": {
            "quiet_since_ms": at_ms - 26 * HOUR_MS,
            "window_h": 24,
            "days_learned": 31,
            "activity_pct": 100,
            "floor_w": 58.0,
            "mean_w": 84.5,
            "last_sign_ms": at_ms - 26 * HOUR_MS,
            "last_sign": "activity",
            "last_sign_device": f"meter-{tag}",
        },
    }
