"""EV1527 radio buttons as a Sonoff or Portisch bridge reports them on its serial line.

    AA A4 SYNC(2) LOW(2) HIGH(2) CODE(3) 55      twelve bytes, times in microseconds

The code is 20 bits of identity and 4 of key, so one transmitter has one identity and up to four
buttons. 55 and AA occur inside frames: the length decides. The radio has no battery state, no
supervision and no authentication. A press is sent several times; frames of one identity and key
within the repeat window are one press, and one that never pauses is told again as held.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.config import ConfigError, check_keys, get, one_of
from contract.errors import ContractError
from contract.ids import check_name
from contract.item import Measurement
from contract.kinds import WELL
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
from gateway.well import KEY_MEANINGS, well

_HEX: Final = "0123456789ABCDEF"
_START: Final = 0xAA
_END: Final = 0x55
_RECEIVED: Final = 0xA4
_RECEIVED_BYTES: Final = 12
# AA B0 LENGTH COUNT REPEATS TIME(2)*COUNT DATA 55: what a Portisch bridge is told to send.
_SEND_RAW: Final = 0xB0
# Raw captures (B1) are the longest frames a bridge sends; 200 is beyond all of them.
FRAME_BYTES_MAX: Final = 200
# Repeats of one press are tens of milliseconds apart; people need longer between two presses.
REPEAT_WINDOW_MS: Final = 2000
# Shorter, one press is told several times; longer, a second call for help is swallowed.
REPEAT_WINDOW_LIMITS_MS: Final = (100, 10_000)
# A held or jammed button is told again this often, so that it is neither silent nor a flood.
HOLD_EVERY_MS: Final = 30_000
# Strangers' remote controls are heard too; this many identities are remembered.
IDENTITIES_MAX: Final = 1000
_COMMANDS: Final[Mapping[int, str]] = {
    0xA0: "ack",
    0xA1: "learn",
    0xA2: "learn_timeout",
    0xA3: "learn_done",
    0xA6: "advanced",
    _SEND_RAW: "send_raw",
    0xB1: "raw",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A transmitter as bound by the installer; keys: what each key number means."""

    device: str
    keys: Mapping[int, str]


@dataclass(slots=True)
class _Heard:
    began_ms: int
    last_ms: int
    told_ms: int


class Receiver:
    """The stream driver. Identities without a button come out as `ev1527-<identity>`."""

    def __init__(self, buttons: Mapping[str, Button], repeat_window_ms: int) -> None:
        self._buttons = buttons
        self._window_ms = repeat_window_ms
        self._buffer = b""
        self._heard: dict[tuple[str, int], _Heard] = {}

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        frames, self._buffer = split(self._buffer + data)
        out: list[Outcome] = []
        for frame in frames:
            if isinstance(frame, Undecodable):
                out.append(frame)
                continue
            fields = explain(frame)
            if isinstance(fields, Undecodable):
                out.append(fields)
                continue
            press = self._press(fields, now_ms, line) if frame[1] == _RECEIVED else None
            out.append(Decoded(fields=fields, measurements=() if press is None else (press,)))
        return out

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:  # noqa: ARG002
        rest, self._buffer = self._buffer, b""
        return [_unfinished(rest)] if rest else []

    def _press(self, fields: Mapping[str, Any], now_ms: int, line: int) -> Measurement | None:
        """The activation of a frame, or None when it repeats a press that was told."""
        identity, key = fields["ev1527_id"], fields["ev1527_key"]
        heard = self._heard.get((identity, key))
        action = "press"
        if heard is not None and 0 <= line - heard.last_ms <= self._window_ms:
            heard.last_ms = line
            if line - heard.told_ms < HOLD_EVERY_MS:
                return None
            heard.told_ms = line
            action = "hold"
        else:
            if len(self._heard) >= IDENTITIES_MAX:
                self._heard.pop(next(iter(self._heard)))
            self._heard[(identity, key)] = _Heard(line, line, line)
        button = self._buttons.get(identity)
        device = f"ev1527-{identity.lower()}" if button is None else button.device
        meant = "press" if button is None else button.keys.get(key, "press")
        about = {"code": fields["code"], "key": key, "unauthenticated_radio": True}
        if meant == WELL:
            return well(device, now_ms, about)
        return Measurement(
            device=device,
            kind="sos",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            attrs={"action": action if meant == "press" else meant, **about},
        )


def split(buffer: bytes) -> tuple[list[bytes | Undecodable], bytes]:
    """Complete frames and what is left; bytes that begin no frame are told once per run."""
    frames: list[bytes | Undecodable] = []
    at = 0
    junk = 0
    while at < len(buffer):
        size = _size(buffer, at)
        if size is None:
            break
        if size == 0:
            at += 1
            junk += 1
            continue
        if junk:
            frames.append(_noise(buffer[at - junk : at]))
            junk = 0
        frames.append(buffer[at : at + size])
        at += size
    if junk:
        frames.append(_noise(buffer[at - junk : at]))
    return frames, buffer[at:]


def _size(buffer: bytes, at: int) -> int | None:
    """The length of the frame at `at`; 0 if none begins there; None if more bytes must tell."""
    if buffer[at] != _START:
        return 0
    if at + 1 >= len(buffer):
        return None
    command = buffer[at + 1]
    if command == _RECEIVED:
        if len(buffer) - at < _RECEIVED_BYTES:
            return None
        return _RECEIVED_BYTES if buffer[at + _RECEIVED_BYTES - 1] == _END else 0
    if command not in _COMMANDS:
        return 0
    if command == _SEND_RAW:
        if at + 2 >= len(buffer):
            return None
        size = 3 + buffer[at + 2] + 1
        if len(buffer) - at < size:
            return None
        return size if buffer[at + size - 1] == _END else 0
    end = buffer.find(bytes((_END,)), at + 2, at + FRAME_BYTES_MAX)
    if end >= 0:
        return end + 1 - at
    return None if len(buffer) - at < FRAME_BYTES_MAX else 0


def explain(frame: bytes) -> dict[str, Any] | Undecodable:
    """The fields of one complete frame; Undecodable when its own counts don't fit its length."""
    command = frame[1]
    fields: dict[str, Any] = {"cmd": f"{command:02X}"}
    if command == _RECEIVED:
        fields.update(
            sync_us=int.from_bytes(frame[2:4], "big"),
            low_us=int.from_bytes(frame[4:6], "big"),
            high_us=int.from_bytes(frame[6:8], "big"),
            **code_fields(frame[8:11].hex().upper()),
        )
    elif command == _SEND_RAW:
        count = frame[3] if frame[2] else 0
        if frame[2] < 2 + 2 * count:
            return Undecodable(
                code="bad_length",
                detail=f"{frame[2]} bytes hold no {count} times",
                raw=frame[:RAW_SHOWN_MAX],
                fields={**fields, "invalid": "bad_length"},
            )
        fields.update(
            length=frame[2],
            repeats=frame[4],
            buckets_us=[int.from_bytes(frame[5 + 2 * n : 7 + 2 * n], "big") for n in range(count)],
            data=frame[5 + 2 * count : -1].hex().upper(),
        )
    else:
        fields["meaning"] = _COMMANDS[command]
        if len(frame) > 3:
            fields["data"] = frame[2:-1].hex().upper()
    return fields


def code_fields(code: str) -> dict[str, Any]:
    """Six hexadecimal digits as identity (20 bits) and key (4 bits)."""
    return {"code": code, "ev1527_id": code[:5], "ev1527_key": int(code[5], 16)}


def _noise(raw: bytes) -> Undecodable:
    return Undecodable(
        code="noise", detail=f"{len(raw)} bytes that begin no frame", raw=raw[:RAW_SHOWN_MAX]
    )


def _unfinished(raw: bytes) -> Undecodable:
    return Undecodable(
        code="incomplete",
        detail=f"a frame began and {len(raw)} bytes came, then nothing",
        raw=raw[:RAW_SHOWN_MAX],
        fields={"incomplete": True},
    )


def build(config: Mapping[str, Any]) -> Driver:
    where = "ev1527"
    check_keys(config, ("buttons", "repeat_window_ms"), where)
    buttons: dict[str, Button] = {}
    for number, table in enumerate(get(config, "buttons", list, where, []), start=1):
        place = f"{where}.buttons[{number}]"
        check_keys(table, ("id", "device", "keys"), place)
        identity = get(table, "id", str, place).upper()
        if len(identity) != 5 or any(digit not in _HEX for digit in identity):
            raise ConfigError(f"{place}.id", f"{identity[:20]!r} is not five hexadecimal digits")
        if identity in buttons:
            raise ConfigError(f"{place}.id", f"{identity} is there twice")
        buttons[identity] = Button(device=_device(table, place), keys=_keys(table, place))
    window_ms = get(config, "repeat_window_ms", int, where, REPEAT_WINDOW_MS)
    low_ms, high_ms = REPEAT_WINDOW_LIMITS_MS
    if not low_ms <= window_ms <= high_ms:
        detail = f"is {window_ms}, expected {low_ms} to {high_ms}"
        raise ConfigError(f"{where}.repeat_window_ms", detail)
    return Receiver(buttons, window_ms)


def _device(table: Mapping[str, Any], where: str) -> str:
    name = get(table, "device", str, where)
    try:
        return check_name(name, "device")
    except ContractError as error:
        raise ConfigError(f"{where}.device", error.detail) from error


def _keys(table: Mapping[str, Any], where: str) -> dict[int, str]:
    found = {}
    for key, meaning in get(table, "keys", dict, where, {}).items():
        if not (key.isascii() and key.isdecimal()) or int(key) > 15:
            raise ConfigError(f"{where}.keys.{key}", "a key is a number from 0 to 15")
        found[int(key)] = one_of(str(meaning), KEY_MEANINGS, f"{where}.keys.{key}")
    return found


def _decoder() -> Decoder:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    """Frames in hexadecimal, or a Tasmota bridge's `RfReceived` message."""
    if request.topic is not None:
        return tasmota_message(request.data)
    frames, rest = split(request.data)
    out = [f if isinstance(f, Undecodable) else _shown(f) for f in frames]
    return [*out, _unfinished(rest)] if rest else out


def _shown(frame: bytes) -> Outcome:
    fields = explain(frame)
    return fields if isinstance(fields, Undecodable) else Decoded(fields=fields)


def tasmota_message(payload: bytes) -> list[Outcome]:
    """The same code as Tasmota's RF bridge publishes it."""
    try:
        received = json.loads(payload)["RfReceived"]
        code = str(received["Data"]).upper()
        if len(code) != 6 or any(digit not in _HEX for digit in code):
            raise ValueError(f"a code has six hexadecimal digits, not {code[:20]!r}")
        fields = code_fields(code)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raw = payload[:RAW_SHOWN_MAX]
        return [Undecodable(code="not_rf_received", detail=str(error)[:200], raw=raw)]
    names = {"Sync": "sync_us", "Low": "low_us", "High": "high_us", "Bits": "bits"}
    fields.update({ours: received[name] for name, ours in names.items() if name in received})
    return [Decoded(fields=fields)]


SPEC = DriverSpec(
    name="ev1527",
    title="EV1527 433 MHz call buttons through a Sonoff or Portisch bridge",
    title_zh="通过 Sonoff / Portisch 网桥的 433 MHz 呼叫按钮",
    transport="serial",
    line=LineSettings(baud=19200),
    settings={
        "buttons": "list of {id (five hexadecimal digits), device, keys}",
        "repeat_window_ms": "frames of one button within this time are one press",
    },
    build=build,
    decoder=_decoder,
)
