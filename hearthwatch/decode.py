"""`hearthwatch decode` and `hearthwatch drivers`: what a frame or message says, as JSON lines."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contract.item import Measurement
from contract.moment import to_iso
from gateway.driver import Decoded, DecodeRequest, DriverSpec, Outcome, Undecodable
from gateway.registry import DRIVERS
from hearthwatch.clock import wall_ms


def documents(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """One document for each measurement; a frame without any has its fields alone."""
    if isinstance(outcome, Undecodable):
        yield {
            "error": outcome.code,
            "detail": outcome.detail,
            "raw_hex": outcome.raw.hex(),
            "fields": dict(outcome.fields),
        }
    elif not outcome.measurements:
        yield {"fields": dict(outcome.fields)}
    else:
        for measurement in outcome.measurements:
            yield {**_measurement(measurement), "fields": dict(outcome.fields)}


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        "device": measurement.device,
        "kind": measurement.kind,
        "measured_at": to_iso(measurement.measured_at_ms),
        "values": dict(measurement.values),
        "attrs": dict(measurement.attrs),
    }


def requests(args: argparse.Namespace) -> Iterator[DecodeRequest]:
    """The inputs of a call; ValueError says what is wrong with them."""
    now_ms = wall_ms()
    if args.file is not None:
        yield from _file(args.file.read_bytes(), args.characteristic, now_ms)
    elif args.hex is not None:
        try:
            data = bytes.fromhex("".join(args.hex.split()))
        except ValueError:
            detail = f"--hex: {args.hex[:60]!r} is not pairs of digits 0-9, a-f"
            raise ValueError(detail) from None
        yield DecodeRequest(data=data, characteristic=args.characteristic, now_ms=now_ms)
    else:
        payload = (args.payload or "").encode()
        yield DecodeRequest(data=payload, topic=args.topic, now_ms=now_ms)


def _file(content: bytes, characteristic: str | None, now_ms: int) -> Iterator[DecodeRequest]:
    """Lines `topic<TAB>payload`, lines of hexadecimal, else the bytes as they are."""
    try:
        lines = [line for line in content.decode().splitlines() if line.strip()]
    except UnicodeDecodeError:
        lines = []
    if lines and all("\t" in line for line in lines):
        for line in lines:
            topic, _, payload = line.partition("\t")
            yield DecodeRequest(data=payload.encode(), topic=topic, now_ms=now_ms)
        return
    try:
        frames = [bytes.fromhex(line) for line in lines]
    except ValueError:
        frames = []
    for frame in frames or [content]:
        yield DecodeRequest(data=frame, characteristic=characteristic, now_ms=now_ms)


def run_decode(args: argparse.Namespace) -> int:
    decoder = DRIVERS[args.driver].decoder()
    failed = False
    try:
        for request in requests(args):
            for outcome in decoder(request) or [Decoded(fields={})]:
                failed |= isinstance(outcome, Undecodable)
                for document in documents(outcome):
                    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    except (ValueError, OSError) as error:
        sys.stdout.write(json.dumps({"error": "bad_input", "detail": str(error)[:300]}) + "\n")
        return 1
    return 1 if failed else 0


def run_drivers(args: argparse.Namespace) -> int:
    if args.json:
        rows = [_driver(spec) for spec in DRIVERS.values()]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return 0
    width = max(len(name) for name in DRIVERS)
    for spec in DRIVERS.values():
        sys.stdout.write(f"{spec.name:{width}}  {spec.transport:7} {spec.title}\n")
    return 0


def _driver(spec: DriverSpec) -> dict[str, Any]:
    line = spec.line
    return {
        "name": spec.name,
        "title": spec.title,
        "title_zh": spec.title_zh,
        "transport": spec.transport,
        "line": None
        if line is None
        else f"{line.baud} {line.bytesize}{line.parity}{line.stopbits}",
        "settings": dict(spec.settings),
    }


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    decode = subparsers.add_parser(
        "decode",
        help="decode one device frame or message",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  hearthwatch decode --driver dlt645 --hex 686101000000006891063334343534431016\n"
        "  hearthwatch decode --driver ble-health --hex 0455003C0046004B00 --characteristic 2A35\n"
        "  hearthwatch decode --driver zigbee2mqtt --topic zigbee2mqtt/button"
        ' --payload \'{"action":"emergency"}\'\n'
        "A file holds lines of `topic<TAB>payload`, lines of hexadecimal, or plain bytes.\n"
        'Errors are JSON too: {"error": code, "detail": …}, and the exit code is 1.',
    )
    decode.add_argument("--driver", required=True, choices=sorted(DRIVERS))
    given = decode.add_mutually_exclusive_group(required=True)
    given.add_argument("--hex", help="the frame's bytes in hexadecimal")
    given.add_argument("--topic", help="an MQTT topic, with --payload")
    given.add_argument("--file", type=Path)
    decode.add_argument("--payload")
    decode.add_argument("--characteristic", help="of a Bluetooth value, e.g. 2A35")
    decode.set_defaults(func=run_decode)
    drivers = subparsers.add_parser("drivers", help="list the device drivers")
    drivers.add_argument("--json", action="store_true", help="with every setting")
    drivers.set_defaults(func=run_drivers)
