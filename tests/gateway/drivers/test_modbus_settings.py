"""Maps of Modbus meters, and what a configuration may say of them."""

import pytest

from contract.config import ConfigError
from gateway.drivers.modbus import SPEC
from gateway.drivers.modbus.maps import METER_MAPS, content
from tests.gateway.drivers.modbus_bench import OWN, PZEM, SDM


def test_maps_fit_their_blocks() -> None:
    for name, blocks in METER_MAPS.items():
        names = [r.name for block in blocks for r in block.registers]
        assert len(names) == len({*names}), name
        # The length of an answer tells which question it belongs to.
        assert len({block.count for block in blocks}) == len(blocks), name
        for block in blocks:
            said = content(block, bytes(2 * block.count))
            assert {*said} == {r.name for r in block.registers}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "modbus.meters"),
        ({"meter": []}, "did you mean 'meters'"),
        ({"meters": [{**SDM, "map": "sdm12"}]}, "did you mean 'sdm120'"),
        ({"meters": [{**SDM, "unt": 1}]}, "did you mean 'unit'"),
        ({"meters": [{**SDM, "unit": 0}]}, "expected 1 to 247"),
        ({"meters": [SDM, {**PZEM, "unit": 1}]}, "unit 1 appears twice"),
        ({"meters": [SDM, {**PZEM, "device": "sdm"}]}, "device 'sdm' appears twice"),
        ({"meters": [SDM, {**PZEM, "unit": 248}]}, "every PZEM answers"),
        ({"meters": [{**SDM, "registers": []}]}, "either map or registers"),
        ({"meters": [{"unit": 1}]}, "either map or registers"),
        ({"meters": [{"unit": 1, "registers": [{"name": "volt"}]}]}, "function: missing"),
        ({"meters": [SDM], "retries": 99}, "modbus.retries: is 99"),
        ({"meters": ["sdm"]}, "expected a table"),
        (
            {"meters": [{**OWN, "registers": [{**OWN["registers"][0], "function": 6}]}]},
            "it only reads",
        ),
        (
            {"meters": [{**OWN, "registers": [{**OWN["registers"][0], "name": "volt"}]}]},
            "did you mean 'voltage_v'",
        ),
        (
            {"meters": [{**OWN, "registers": [{**OWN["registers"][0], "scale": 0.0}]}]},
            "other than 0",
        ),
        (
            {"meters": [{**OWN, "registers": [{**OWN["registers"][0], "address": 65535}]}]},
            "expected 0 to 65535",
        ),
        ({"meters": [{**OWN, "registers": [OWN["registers"][0]] * 2}]}, "appears twice"),
    ],
)
def test_mistakes_in_the_configuration_are_named(config, message) -> None:
    with pytest.raises(ConfigError, match=message):
        SPEC.build(config)
