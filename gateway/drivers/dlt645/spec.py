"""DL/T 645 meters as configured, and as `hearthwatch decode` reads a capture of their bus."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, bounded, check_keys, get, name_of
from contract.item import ATTRS_MAX, Measurement
from gateway.driver import (
    Decoded,
    Decoder,
    DecodeRequest,
    DriverSpec,
    LineSettings,
    Outcome,
    Undecodable,
)
from gateway.drivers.dlt645.frame import Framer
from gateway.drivers.dlt645.items import (
    ALIASES_1997,
    ALIASES_2007,
    READABLE,
    attributes_of,
)
from gateway.drivers.dlt645.master import (
    REPLY_TIMEOUT_MS,
    RETRIES,
    TURNAROUND_MS,
    BusPlan,
    Discovery,
    Master,
)
from gateway.drivers.dlt645.meaning import explain
from gateway.drivers.dlt645.meter import FAULT_AFTER_ROUNDS, MeterPlan

# One RS-485 bus carries 32 standard receivers, 64 of the usual half-load ones.
METERS_MAX: Final = 64
POLL_S_DEFAULT: Final = 60
POLL_S_MAX: Final = 86_400
ITEMS_DEFAULT: Final = ("energy", "power", "voltage", "current")
ITEMS_MAX: Final = 16
REPLY_TIMEOUT_MS_MAX: Final = 10_000
RETRIES_MAX: Final = 10

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "meters": "tables with address, device, poll_s, items and version (2007 or 1997)",
        "meters.address": "the 12 digits printed on the meter; shorter numbers get zeros in front",
        "meters.device": "name of its readings; default dlt645-<address>",
        "meters.version": "edition of the standard the meter speaks, 2007 (default) or 1997",
        "poll_s": f"seconds between two rounds of a meter, default {POLL_S_DEFAULT}",
        "items": "what to ask for: names such as energy, power, voltage, current, voltages, "
        "energy_tariffs, status, or identifiers of the standard; "
        f"default {', '.join(ITEMS_DEFAULT)}, and reverse_energy once power was negative",
        "discover": "true: no meters listed, the only one on the bus is asked for its number",
        "device": "with discover: the name of that meter's readings",
        "reply_timeout_ms": f"how long to wait for an answer, default {REPLY_TIMEOUT_MS}",
        "retries": f"repeated requests before an item is given up, default {RETRIES}",
        "turnaround_ms": f"quiet time before the next request, default {TURNAROUND_MS}",
        "fault_after_rounds": f"failed rounds until no_answer, default {FAULT_AFTER_ROUNDS}",
    }
)


def bus_plan(config: Mapping[str, Any]) -> BusPlan:
    """What the table of one line in gateway.toml says."""
    check_keys(config, (key for key in SETTINGS if "." not in key), "dlt645")
    poll_ms = bounded(config, "poll_s", POLL_S_DEFAULT, (1, POLL_S_MAX), "dlt645") * 1000
    discover = get(config, "discover", bool, "dlt645", default=False)
    rows = get(config, "meters", list, "dlt645", default=[])
    meters = tuple(_meter(row, config, poll_ms, i) for i, row in enumerate(rows))
    if bool(meters) == discover:
        detail = "list the meters of the bus, or set discover = true when there is just one"
        raise ConfigError("dlt645.meters", detail)
    if len(meters) > METERS_MAX:
        raise ConfigError("dlt645.meters", f"{len(meters)} meters, at most {METERS_MAX} on a bus")
    for what in ("address", "device"):
        names = [getattr(meter, what) for meter in meters]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigError("dlt645.meters", f"{what} {twice!r} appears twice")
    discovery = None
    if discover:
        # Without a name, the meter's number becomes one.
        nameless = get(config, "device", str, "dlt645", default="") == ""
        device = "" if nameless else name_of(config, "device", "dlt645")
        items = _items(config, ALIASES_2007, "dlt645", default=ITEMS_DEFAULT)
        reverse = _once_giving(config, ALIASES_2007)
        discovery = Discovery(device=device, items=items, poll_ms=poll_ms, once_giving=reverse)
    elif "device" in config:
        raise ConfigError("dlt645.device", "only with discover = true; meters have their own")
    return BusPlan(
        meters=meters,
        discovery=discovery,
        reply_timeout_ms=bounded(
            config, "reply_timeout_ms", REPLY_TIMEOUT_MS, (10, REPLY_TIMEOUT_MS_MAX), "dlt645"
        ),
        retries=bounded(config, "retries", RETRIES, (0, RETRIES_MAX), "dlt645"),
        turnaround_ms=bounded(config, "turnaround_ms", TURNAROUND_MS, (0, 1000), "dlt645"),
        fault_after_rounds=bounded(
            config, "fault_after_rounds", FAULT_AFTER_ROUNDS, (1, 1000), "dlt645"
        ),
    )


def build(config: Mapping[str, Any]) -> Master:
    """The master of one bus, from its table in gateway.toml."""
    return Master(bus_plan(config))


def decoder() -> Decoder:
    """Decodes captures of either direction: each good frame, each damaged one, what was cut."""

    def decode(request: DecodeRequest) -> list[Outcome]:
        framer = Framer()
        found = [*framer.feed(request.data), *framer.flush()]
        out: list[Outcome] = []
        for frame in found:
            if isinstance(frame, Undecodable):
                out.append(frame)
                continue
            meaning = explain(frame)
            if isinstance(meaning, Undecodable):
                out.append(meaning)
                continue
            measurement = Measurement(
                device=f"dlt645-{frame.address}",
                kind="power",
                measured_at_ms=request.now_ms,
                received_at_ms=request.now_ms,
                values=meaning.values,
                attrs=meaning.attrs,
            )
            says_something = bool(meaning.values or meaning.attrs)
            measurements = (measurement,) if says_something else ()
            out.append(Decoded(fields=meaning.fields, measurements=measurements))
        return out

    return decode


SPEC: Final = DriverSpec(
    name="dlt645",
    title="DL/T 645-2007 electricity meters on RS-485 (1997 edition recognised); it can only read",
    title_zh="RS-485 上的 DL/T 645-2007 电表（能识别 1997 版），只读不写",
    transport="serial",
    line=LineSettings(baud=2400, parity="E"),
    settings=SETTINGS,
    build=build,
    decoder=decoder,
)


def _meter(row: object, config: Mapping[str, Any], poll_ms: int, index: int) -> MeterPlan:
    where = f"dlt645.meters[{index}]"
    if not isinstance(row, dict):
        raise ConfigError(where, f"is {type(row).__name__}, expected a table")
    check_keys(row, ("address", "device", "poll_s", "items", "version"), where)
    address = get(row, "address", str, where)
    if not (address.isascii() and address.isdecimal() and len(address) <= 12):
        raise ConfigError(f"{where}.address", f"{address[:40]!r}, expected 1 to 12 digits")
    address = address.zfill(12)
    if address == "9" * 12:
        raise ConfigError(f"{where}.address", "twelve nines is the broadcast, not a meter")
    version = get(row, "version", int, where, default=2007)
    if version not in {1997, 2007}:
        raise ConfigError(f"{where}.version", f"{version}, expected 2007 or 1997")
    aliases = ALIASES_2007 if version == 2007 else ALIASES_1997
    device = name_of(row, "device", where, f"dlt645-{address}")
    poll_s = bounded(row, "poll_s", poll_ms // 1000, (1, POLL_S_MAX), where)
    table = row if "items" in row else config
    items = _items(table, aliases, where, default=ITEMS_DEFAULT)
    return MeterPlan(
        address=address,
        device=device,
        items=items,
        poll_ms=poll_s * 1000,
        once_giving=_once_giving(table, aliases),
    )


def _once_giving(table: Mapping[str, Any], aliases: Mapping[str, str]) -> str:
    """A meter whose list of items somebody wrote is asked for these and nothing else."""
    return "" if "items" in table else aliases["reverse_energy"]


def _items(
    table: Mapping[str, Any], aliases: Mapping[str, str], where: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    names = get(table, "items", list, where, default=list(default))
    if not names or len(names) > ITEMS_MAX:
        raise ConfigError(f"{where}.items", f"{len(names)} items, expected 1 to {ITEMS_MAX}")
    width = 8 if aliases is ALIASES_2007 else 4
    found: list[str] = []
    for name in names:
        di = aliases.get(name, name.upper()) if isinstance(name, str) else ""
        if len(di) != width or di not in READABLE:
            raise ConfigError(f"{where}.items", _unknown_item(name, aliases))
        if di not in found:
            found.append(di)
    # One round is one item of `power`: what it could hold must fit, or no reading would leave.
    brought = frozenset().union(*(attributes_of(di) for di in found))
    if len(brought) > ATTRS_MAX:
        detail = f"bring {len(brought)} attributes, at most {ATTRS_MAX} fit into a reading"
        raise ConfigError(f"{where}.items", detail)
    return tuple(found)


def _unknown_item(name: object, aliases: Mapping[str, str]) -> str:
    shown = repr(name)[:60]
    near = get_close_matches(name, aliases, n=1) if isinstance(name, str) else []
    hint = f"did you mean {near[0]!r}? " if near else ""
    digits = 8 if aliases is ALIASES_2007 else 4
    known = ", ".join(sorted(aliases))
    return f"{shown}: {hint}expected a known identifier of {digits} digits or one of {known}"
