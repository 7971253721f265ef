"""`hearthwatch decode --driver gsm-sms`: what a PDU says. A modem is no source of readings: it is
the second path of an alarm, set up under [second_path.sms].
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    Decoder,
    DecodeRequest,
    Driver,
    DriverSpec,
    LineSettings,
    Outcome,
    Undecodable,
)
from gateway.drivers.gsm_sms.pdu import BadPdu, explain


def _build(_config: Mapping[str, Any]) -> Driver:
    detail = "a modem sends alarms and reads nothing: configure it under [second_path.sms]"
    raise ConfigError("gsm-sms", detail)


def _decoder() -> Decoder:
    def decode(request: DecodeRequest) -> list[Outcome]:
        try:
            return [Decoded(fields=explain(request.data))]
        except BadPdu as error:
            raw = request.data[:RAW_SHOWN_MAX]
            return [Undecodable(code="bad_pdu", detail=str(error), raw=raw)]

    return decode


SPEC: Final = DriverSpec(
    name="gsm-sms",
    title="short messages of a GSM modem, the second path of an alarm ([second_path.sms])",
    title_zh="GSM 模块短信：报警的第二通道（[second_path.sms]）",
    transport="serial",
    line=LineSettings(baud=115_200),
    settings=MappingProxyType({}),
    build=_build,
    decoder=_decoder,
)
