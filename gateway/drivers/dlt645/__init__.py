"""DL/T 645 electricity meters on RS-485, read only (2007 edition; 1997's frames recognised)."""

from collections.abc import Mapping
from typing import Any

from contract.config import ConfigError, check_keys, get
from contract.errors import ContractError
from contract.ids import check_name
from gateway.driver import Decoded, DecodeRequest, Driver, DriverSpec, LineSettings, Outcome
from gateway.driver import Decoder as DecoderType
from gateway.drivers.dlt645.frame import Frame, Framer
from gateway.drivers.dlt645.items import ALIASES_1997, ALIASES_2007
from gateway.drivers.dlt645.master import BusPlan, Master, MeterPlan
from gateway.drivers.dlt645.meaning import Meaning, explain

DEFAULT_ITEMS = ("energy", "power", "voltage", "current")
# A meter's register is read every quarter of an hour unless the installer says otherwise.
POLL_S = 900
POLL_S_MIN = 1


def build(config: Mapping[str, Any]) -> Driver:
    where = "dlt645"
    check_keys(config, ("meters", "discover", "reply_timeout_ms", "retries"), where)
    tables = get(config, "meters", list, where, [])
    plans = [_meter(table, f"{where}.meters[{n}]") for n, table in enumerate(tables, start=1)]
    discover = None
    if get(config, "discover", bool, where, False):
        discover = MeterPlan(
            address="", device="meter", items=_items(DEFAULT_ITEMS, where), poll_ms=POLL_S * 1000
        )
    return Master(
        BusPlan(
            meters=plans,
            discover=discover,
            reply_timeout_ms=get(config, "reply_timeout_ms", int, where, 1500),
            retries=get(config, "retries", int, where, 2),
        )
    )


def _meter(table: Mapping[str, Any], where: str) -> MeterPlan:
    check_keys(table, ("device", "address", "poll_s", "items", "edition"), where)
    address = get(table, "address", str, where)
    if len(address) != 12 or not address.isdigit():
        raise ConfigError(f"{where}.address", f"{address[:20]!r} is not the meter's 12 digits")
    edition = get(table, "edition", str, where, "2007")
    poll_s = get(table, "poll_s", float, where, float(POLL_S))
    if poll_s < POLL_S_MIN:
        raise ConfigError(f"{where}.poll_s", f"at least {POLL_S_MIN}")
    try:
        device = check_name(get(table, "device", str, where), "device")
    except ConfigError:
        raise
    except ContractError as error:
        raise ConfigError(f"{where}.device", error.detail) from error
    items = get(table, "items", list, where, list(DEFAULT_ITEMS))
    return MeterPlan(
        address=address,
        device=device,
        items=_items(items, where, edition),
        poll_ms=int(poll_s * 1000),
    )


def _items(names: Any, where: str, edition: str = "2007") -> list[str]:
    """Data identifiers for names or identifiers in a configuration."""
    known = ALIASES_1997 if edition == "1997" else ALIASES_2007
    found = []
    for name in names:
        if name in known:
            found.append(known[name])
        elif len(str(name)) in (4, 8) and all(c in "0123456789ABCDEF" for c in str(name)):
            found.append(str(name))
        else:
            check_keys({str(name): 1}, known, f"{where}.items")
    return found


def _decoder() -> DecoderType:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    """Every frame in the bytes, each explained; what is no frame is told with its reason."""
    framer = Framer()
    found: list[Frame | Any] = [*framer.feed(request.data), *framer.flush()]
    out: list[Outcome] = []
    for item in found:
        if isinstance(item, Frame):
            meaning = explain(item)
            out.append(Decoded(fields=meaning.fields) if isinstance(meaning, Meaning) else meaning)
        else:
            out.append(item)
    return out


SPEC = DriverSpec(
    name="dlt645",
    title="DL/T 645-2007 electricity meters on RS-485 (1997 edition recognised)",
    transport="serial",
    line=LineSettings(baud=2400, parity="E"),
    settings={
        "meters": "list of {device, address (12 digits), poll_s, items, edition}",
        "discover": "ask the only meter on the bus for its number",
        "reply_timeout_ms": "how long a meter may take",
        "retries": "how often a request is repeated",
    },
    build=build,
    decoder=_decoder,
)
