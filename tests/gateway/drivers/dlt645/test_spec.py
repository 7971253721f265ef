"""Mistakes in the configuration are named: which key, what was found, what comes nearest."""

import pytest

from contract.config import ConfigError
from contract.item import ATTRS_MAX
from gateway.drivers.dlt645.items import READABLE
from gateway.drivers.dlt645.spec import METERS_MAX, SETTINGS, build

METER = {"address": "161"}


def told(config) -> str:
    with pytest.raises(ConfigError) as caught:
        build(config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, ["dlt645.meters", "discover"]),
        ({"meters": [METER], "discover": True}, ["dlt645.meters"]),
        ({"meters": [METER], "device": "x"}, ["dlt645.device"]),
        ({"meters": [METER], "pol_s": 5}, ["dlt645.pol_s", "poll_s"]),
        ({"meters": [METER], "poll_s": 0}, ["dlt645.poll_s", "1 to 86400"]),
        ({"meters": [METER], "poll_s": "60"}, ["dlt645.poll_s", "str", "int"]),
        ({"meters": [METER], "retries": 11}, ["dlt645.retries", "0 to 10"]),
        ({"meters": [METER], "reply_timeout_ms": 5}, ["dlt645.reply_timeout_ms"]),
        ({"meters": [METER], "turnaround_ms": -1}, ["dlt645.turnaround_ms"]),
        ({"meters": [METER], "fault_after_rounds": 0}, ["dlt645.fault_after_rounds"]),
        ({"meters": ["161"]}, ["dlt645.meters[0]", "table"]),
        ({"meters": [{}]}, ["dlt645.meters[0].address", "missing"]),
        ({"meters": [{"address": 161}]}, ["dlt645.meters[0].address", "int"]),
        ({"meters": [{"address": "16A"}]}, ["dlt645.meters[0].address", "digits"]),
        ({"meters": [{"address": "1" * 13}]}, ["dlt645.meters[0].address"]),
        ({"meters": [{"address": "٣"}]}, ["dlt645.meters[0].address"]),
        ({"meters": [{"address": "9" * 12}]}, ["dlt645.meters[0].address", "broadcast"]),
        ({"meters": [METER, {"address": "0161"}]}, ["dlt645.meters", "000000000161", "twice"]),
        (
            {"meters": [{**METER, "device": "m"}, {"address": "2", "device": "m"}]},
            ["dlt645.meters", "'m'", "twice"],
        ),
        ({"meters": [{**METER, "device": "küche"}]}, ["dlt645.meters[0].device"]),
        ({"meters": [{**METER, "version": 2012}]}, ["dlt645.meters[0].version", "1997"]),
        ({"meters": [{**METER, "adress": "1"}]}, ["dlt645.meters[0].adress", "address"]),
        ({"meters": [{**METER, "items": []}]}, ["dlt645.meters[0].items", "1 to 16"]),
        ({"meters": [{**METER, "items": ["voltag"]}]}, ["dlt645.meters[0].items", "'voltage'"]),
        ({"meters": [{**METER, "items": [7]}]}, ["dlt645.meters[0].items", "7"]),
        ({"meters": [{**METER, "items": ["04001501"]}]}, ["dlt645.meters[0].items"]),
        ({"meters": [{**METER, "items": ["9010"]}]}, ["dlt645.meters[0].items"]),
        (
            {"meters": [{**METER, "version": 1997, "items": ["00010000"]}]},
            ["dlt645.meters[0].items"],
        ),
        ({"discover": True, "items": ["frequenzy"]}, ["dlt645.items", "'frequency'"]),
        ({"discover": True, "device": "a b"}, ["dlt645.device"]),
        ({"meters": [{"address": str(n + 1)} for n in range(65)]}, ["65", str(METERS_MAX)]),
    ],
)
def test_a_mistake_is_named(config, words) -> None:
    message = told(config)
    for word in words:
        assert word in message


def test_more_attributes_than_a_reading_holds_are_refused_beforehand() -> None:
    blocks = sorted(di for di in READABLE if di.startswith("00") and di.endswith("FF00"))
    message = told({"meters": [{**METER, "items": blocks[:10]}]})
    assert str(ATTRS_MAX) in message


def test_what_is_right_is_taken() -> None:
    master = build(
        {
            "poll_s": 30,
            "items": ["energy_tariffs", "powers", "voltages", "currents", "status"],
            "meters": [METER, {"address": "162", "version": 1997, "items": ["energy", "voltages"]}],
        }
    )
    request = master.next_request(0, 0)
    assert request is not None
    assert request.startswith(bytes.fromhex("FEFEFEFE68610100000000681104"))


def test_items_are_asked_once_though_named_twice() -> None:
    master = build({"meters": [{**METER, "items": ["energy", "00010000", "power"]}]})
    assert master._meters[0].plan.items == ("00010000", "02030000")


def test_every_key_is_documented() -> None:
    for key in ("meters", "poll_s", "items", "discover", "device", "retries", "turnaround_ms"):
        assert SETTINGS[key]
