"""[[bluetooth]] of gateway.toml: what it means, and that every mistake is named."""

from pathlib import Path

import pytest

from contract.config import ConfigError
from gateway import doctor
from gateway.clock import Clock
from gateway.config import load
from gateway.process import Gateway
from gateway.sources import bluetooth
from gateway.sources.bluetooth import BluetoothSource, NoBluetooth

GOOD = """\
gateway = "gw-1"
data_dir = "spool"
[uplink]
host = "hub.example"
[[bluetooth]]
name = "radio"
adapter = "hci0"
[bluetooth.devices]
"a4:c1:38:00:00:01" = "cuff-0001"
"A4:C1:38:00:00:02" = "meter-0001"
[bluetooth.config]
utc_offset_minutes = 480
"""
MORE = '\n[[bluetooth]]\nname = "b"\nadapter = "hci0"\n[bluetooth.devices]\n"{}" = "x"\n'

MISTAKES = [
    ('adapter = "hci0"', 'adaptor = "hci0"', ["bluetooth[1]", "adaptor", "'adapter'"]),
    ('name = "radio"', "", ["bluetooth[1]", "name", "missing"]),
    ("[bluetooth.devices]", "[bluetooth.device]", ["bluetooth[1]", "'devices'"]),
    ("a4:c1:38:00:00:01", "a4:c1:38:00:00", ["devices", "not an address"]),
    ("a4:c1:38:00:00:01", "a4:c1:38:00:00:02", ["devices", "named twice"]),
    ('"cuff-0001"', '"meter-0001"', ["devices", "named twice"]),
    ('"cuff-0001"', '"血压计"', ["devices", "A-Z a-z 0-9"]),
    ('"cuff-0001"', "7", ["devices", "int", "expected str"]),
    ("utc_offset_minutes = 480", "utc_offset_minutes = 4800", ["radio.config", "between -720"]),
    ("utc_offset_minutes = 480", 'payload = "text"', ["radio.config", "payload", "'text'"]),
    ("[[bluetooth]]", "[bluetooth]", ["[[bluetooth]]"]),
    ("= 480\n", "= 480" + MORE.format("A4:C1:38:00:00:03"), ["adapter", "hci0", "already"]),
]


def write(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def test_devices_are_named_by_address(tmp_path: Path) -> None:
    (source,) = load(write(tmp_path, GOOD)).sources
    assert source.name == "radio"
    assert source.bluetooth is not None
    assert source.bluetooth.adapter == "hci0"
    assert source.bluetooth.devices == {
        "A4:C1:38:00:00:01": "cuff-0001",
        "A4:C1:38:00:00:02": "meter-0001",
    }


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, GOOD.replace(old, new, 1)))
    for word in ["gateway.toml", *words]:
        assert word in str(error.value)


def test_no_device_is_a_mistake(tmp_path: Path) -> None:
    text, _devices = GOOD.split("[bluetooth.devices]")
    with pytest.raises(ConfigError, match="empty"):
        load(write(tmp_path, text + "devices = {}\n"))


async def test_the_process_makes_the_source(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD))
    gateway = Gateway(config, Clock(), lambda _event, _detail: None)
    assert isinstance(gateway._source(config.sources[0]), BluetoothSource)


def bluetooth_row(path: Path) -> doctor.Check:
    (row,) = [c for c in doctor.examine(path) if c.check == "source radio"]
    return row


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(doctor, "CONNECT_TIMEOUT_S", 0.01)
    monkeypatch.setattr(doctor, "ADAPTERS", tmp_path / "adapters")
    return write(tmp_path, GOOD.replace("hub.example", "127.0.0.1"))


def test_the_doctor_misses_bleak(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise NoBluetooth(bluetooth.WHAT_TO_INSTALL)

    monkeypatch.setattr(doctor, "load_bleak", missing)
    row = bluetooth_row(config_file)
    assert not row.ok
    assert "hearthwatch[ble]" in row.remedy


def test_the_doctor_looks_for_the_adapter(config_file: Path) -> None:
    row = bluetooth_row(config_file)
    assert not row.ok
    assert "bluetoothctl power on" in row.remedy
    (config_file.parent / "adapters" / "hci1").mkdir(parents=True)
    row = bluetooth_row(config_file)
    assert (row.ok, "found: hci1" in row.detail) == (False, True)
    (config_file.parent / "adapters" / "hci0").mkdir()
    assert bluetooth_row(config_file).ok
