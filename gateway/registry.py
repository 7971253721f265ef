"""Every device driver: one line each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.driver import DriverSpec
from gateway.drivers import (
    ble_health,
    cms50,
    dlt645,
    dsmr,
    esphome,
    ev1527,
    generic_mqtt,
    gsm_sms,
    ld2410,
    modbus,
    pulse_counter,
    shelly,
    tasmota,
    zigbee2mqtt,
)

DRIVERS: Final[Mapping[str, DriverSpec]] = MappingProxyType(
    {
        "ble-health": ble_health.SPEC,
        "cms50": cms50.SPEC,
        "dlt645": dlt645.SPEC,
        "dsmr": dsmr.SPEC,
        "esphome": esphome.SPEC,
        "ev1527": ev1527.SPEC,
        "generic-mqtt": generic_mqtt.SPEC,
        "gsm-sms": gsm_sms.SPEC,
        "ld2410": ld2410.SPEC,
        "modbus": modbus.SPEC,
        "pulse-counter": pulse_counter.SPEC,
        "shelly": shelly.SPEC,
        "tasmota": tasmota.SPEC,
        "zigbee2mqtt": zigbee2mqtt.SPEC,
    }
)
