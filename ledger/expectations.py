"""What is expected of a device, by its own settings or by its kind. Pure.

A setting of the device wins: a number of seconds, or 0 for never. Without one its kind decides,
and whether it has shown that it reports by itself: a plain 433 MHz button or contact speaks only
when it is pressed or opened, and silence says nothing about it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Row = Mapping[str, Any]

HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S

# Shorter than this a device would be called silent between two looks at the heartbeats (5 min);
# longer than this nobody would remember having set it.
INTERVAL_MIN_S: Final = 600
INTERVAL_MAX_S: Final = 90 * DAY_S

# Meters are asked, or send, every few seconds to minutes.
ALWAYS_EXPECTED_S: Final[Mapping[str, int]] = MappingProxyType({"power": HOUR_S})

# What reports by itself: buttons within 24 h (thresholds, section 3); battery sensors within 25 h,
# after which Zigbee2MQTT too takes a battery device for gone (passive availability, 1500 min).
_SENSOR_S: Final = 25 * HOUR_S
EXPECTED_ONCE_SHOWN_S: Final[Mapping[str, int]] = MappingProxyType(
    {
        "sos": DAY_S,
        "fall": DAY_S,
        "smoke": _SENSOR_S,
        "gas": _SENSOR_S,
        "leak": _SENSOR_S,
        "motion": _SENSOR_S,
        "contact": _SENSOR_S,
        "bed": _SENSOR_S,
        "presence": _SENSOR_S,
        "environment": _SENSOR_S,
    }
)

# A button that is pressed once a week is known to work (thresholds, section 3).
TEST_INTERVAL_S: Final[Mapping[str, int]] = MappingProxyType({"sos": 7 * DAY_S, "fall": 7 * DAY_S})

# Who depends on it cannot be reached, or not be warned, without it.
LIFE_CRITICAL_KINDS: Final = frozenset({"sos", "fall", "smoke", "gas"})


def once_shown(row: Row) -> bool:
    """Whether its expected interval holds only after it has reported by itself."""
    return row["expected_interval_s"] is None and row["kind"] in EXPECTED_ONCE_SHOWN_S


def interval_s(row: Row) -> int | None:
    """The expected interval, be it shown or not (`once_shown`); None: never expected."""
    own = row["expected_interval_s"]
    if own is not None:
        return own or None
    kind = row["kind"]
    return ALWAYS_EXPECTED_S.get(kind) or EXPECTED_ONCE_SHOWN_S.get(kind)


def effective_interval_s(row: Row) -> int | None:
    """The interval that holds now; None: not expected to be heard."""
    return None if once_shown(row) and not row["reports_itself"] else interval_s(row)


def test_interval_s(row: Row) -> int | None:
    own = row["test_interval_s"]
    return TEST_INTERVAL_S.get(row["kind"]) if own is None else own or None


def life_critical(row: Row) -> bool:
    own = row["life_critical"]
    return row["kind"] in LIFE_CRITICAL_KINDS if own is None else bool(own)
