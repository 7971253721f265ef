"""Buttons, sensors and cuffs: their bytes and messages against known ones."""

import json
import re
import struct

import pytest

from device_sims.ble_format import sfloat
from device_sims.devices import (
    ev1527_button,
    zigbee_bridge,
    zigbee_button,
    zigbee_contact,
    zigbee_motion,
    zigbee_plug,
)
from device_sims.devices.ble_cuff import CuffModel, measurement

# 2026-11-23T08:05:09+08:00
AT_MS = 1_795_392_309_000


def test_a_press_is_the_same_frame_several_times() -> None:
    """Form and proportions of a real bridge's frame: AAA421E8011803484C729855."""
    heard = ev1527_button.press_frames("4C729", 8)
    frames = [heard[n : n + 12] for n in range(0, len(heard), 12)]
    assert len(frames) == ev1527_button.REPEATS
    assert len(set(frames)) == 1
    assert frames[0][:2] == b"\xaa\xa4"
    assert frames[0][8:] == bytes.fromhex("4C729855")
    sync_us, low_us, high_us = struct.unpack(">HHH", frames[0][2:8])
    assert (sync_us, high_us) == (31 * low_us, 3 * low_us)
    assert heard == ev1527_button.press_frames("4C729", 8)
    assert heard[2:8] != ev1527_button.press_frames("4C72A", 8)[2:8]


@pytest.mark.parametrize(
    ("value", "exponent", "wire"),
    [(138, 0, "8a00"), (18.9, -1, "bdf0"), (98, 0, "6200"), (36.6, -1, "6ef1")],
)
def test_sfloat(value: float, exponent: int, wire: str) -> None:
    assert sfloat(value, exponent).hex() == wire


def test_a_measurement_in_mmhg_with_time_and_pulse() -> None:
    wire = measurement(AT_MS, 192, 118, 88)
    assert wire.hex() == "16" + "c000" + "7600" + "8f00" + "ea070b17080509" + "5800" + "0000"


def test_makes_of_cuffs_differ() -> None:
    kpa = measurement(AT_MS, 180, 105, 70, model=CuffModel(kpa=True, stamps_time=False))
    assert kpa.hex() == "15" + "f0f0" + "8cf0" + "adf0" + "4600" + "0000"
    user = measurement(AT_MS, 120, 80, None, model=CuffModel(stamps_time=False, user=2), status=4)
    assert user.hex() == "18" + "7800" + "5000" + "5d00" + "02" + "0400"


def test_zigbee_messages() -> None:
    press = json.loads(zigbee_button.press(None, 90))
    assert press == {"action": "emergency", "battery": None, "linkquality": 90}
    assert json.loads(zigbee_button.announce(80, 90))["action"] is None
    moving = json.loads(
        zigbee_motion.state(occupied=True, battery_pct=80, battery_mv=2900, link_quality=90)
    )
    assert (moving["occupancy"], moving["battery"]) == (True, 80)
    door = json.loads(
        zigbee_contact.state(is_open=True, battery_pct=10, battery_mv=2380, link_quality=90)
    )
    assert door["contact"] is False, "true means shut"
    assert (moving["battery_low"], moving["voltage"]) == (False, 2900)
    assert (door["battery_low"], door["voltage"]) == (True, 2380)
    plug = json.loads(zigbee_plug.state(97.6, 12.349, 231.2, 120))
    assert (plug["power"], plug["energy"], plug["voltage"], plug["current"]) == (
        98,
        12.34,
        231,
        0.42,
    )


def test_the_bridge_lists_its_network() -> None:
    paired = [
        zigbee_bridge.Paired(name="button-0002", model="TS0215A_sos", battery=True),
        zigbee_bridge.Paired(name="plug-0005", model="TS011F_plug_3", battery=False),
    ]
    listed = json.loads(zigbee_bridge.devices(paired))
    assert [d["friendly_name"] for d in listed] == ["Coordinator", "button-0002", "plug-0005"]
    assert [d["type"] for d in listed] == ["Coordinator", "EndDevice", "Router"]
    assert listed[1]["definition"]["model"] == "TS0215A_sos"
    assert all(re.fullmatch("0x[0-9a-f]{16}", d["ieee_address"]) for d in listed)
    assert json.loads(zigbee_bridge.online(False)) == {"state": "offline"}
