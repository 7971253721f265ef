"""Every kind of output: one line each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.output import OutputSpec
from gateway.outputs import buzzer, gpio, mqtt, sound, speech

OUTPUTS: Final[Mapping[str, OutputSpec]] = MappingProxyType(
    {
        "buzzer": buzzer.SPEC,
        "gpio": gpio.SPEC,
        "mqtt": mqtt.SPEC,
        "sound": sound.SPEC,
        "speech": speech.SPEC,
    }
)
