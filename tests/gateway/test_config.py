"""gateway.toml: every mistake names the file, the key and the remedy."""

import re
from pathlib import Path

import pytest

import gateway.config
from contract.config import ConfigError
from gateway.config import load
from gateway.spool.spool import RESERVE_BYTES, TELEMETRY_BYTES_MAX

GOOD = """\
gateway = "gw-1"
data_dir = "spool"
[uplink]
host = "hub.example"
[[serial]]
name = "rf"
port = "/dev/rf"
driver = "ev1527"
[[serial]]
name = "meters"
port = "/dev/meters"
driver = "dlt645"
[[serial.config.meters]]
device = "meter-1"
address = "000000000161"
[[mqtt]]
name = "zigbee"
driver = "zigbee2mqtt"
"""

# (what is replaced, by what, what the message must contain)
MISTAKES = [
    ('gateway = "gw-1"', 'gatewey = "gw-1"', ["gatewey", "did you mean 'gateway'"]),
    ('gateway = "gw-1"', "", ["gateway", "missing"]),
    ('gateway = "gw-1"', "gateway = 7", ["gateway", "int", "expected str"]),
    ('gateway = "gw-1"', 'gateway = "卧室"', ["gateway", "A-Z a-z 0-9"]),
    ('data_dir = "spool"', "", ["data_dir", "missing"]),
    ('host = "hub.example"', 'hosst = "hub.example"', ["uplink", "hosst", "'host'"]),
    ('host = "hub.example"', "", ["uplink", "host", "missing"]),
    ("[uplink]", '[uplink]\npassword_fil = "x"', ["uplink", "'password_file'"]),
    ("[uplink]", '[uplink]\npassword_file = "nowhere"', ["password_file", "nowhere"]),
    ("[uplink]", "[uplink]\nport = 70000", ["uplink", "port", "1-65535"]),
    ("[uplink]", "[uplink]\nport = true", ["port", "bool", "expected int"]),
    ("[uplink]", '[uplink]\nprotocol = "3.1"', ["protocol", "'3.1.1'"]),
    ("[uplink]", "[uplink]\nheartbeat_s = 0", ["heartbeat_s", "more than 0"]),
    ("[uplink]", "[uplink]\ntls = 1", ["tls", "expected bool"]),
    ("[uplink]", "[spool]\nreserve_byte = 1\n[uplink]", ["spool", "'reserve_bytes'"]),
    ("[uplink]", "[spool]\nreserve_bytes = 1\n[uplink]", ["reserve_bytes", "at least"]),
    ("[uplink]", "[spool]\ntelemetry_bytes_max = 1\n[uplink]", ["telemetry_bytes_max"]),
    ("[uplink]", "[feedback]\nrecieved = []\n[uplink]", ["feedback", "'received'"]),
    ("[uplink]", "[feedback]\nreceived = [1]\n[uplink]", ["received", "list of strings"]),
    ("[[mqtt]]", "[mqtt]", ["mqtt", "[[mqtt]]"]),
    ('driver = "ev1527"', 'driver = "ev1572"', ["serial[1]", "driver", "'ev1527'"]),
    ('driver = "ev1527"', "", ["serial[1]", "driver", "missing"]),
    ('driver = "ev1527"', 'driver = "zigbee2mqtt"', ["serial[1]", "zigbee2mqtt"]),
    ('driver = "zigbee2mqtt"', 'driver = "ev1527"', ["mqtt[1]", "ev1527"]),
    ('port = "/dev/rf"', 'prot = "/dev/rf"', ["serial[1]", "prot", "'port'"]),
    ('port = "/dev/meters"', "", ["serial[2]", "port", "missing"]),
    ('port = "/dev/meters"', 'port = "/dev/rf"', ["meters", "/dev/rf", "already"]),
    ('name = "meters"', 'name = "rf"', ["rf", "two sources"]),
    ('name = "meters"', 'name = "a/b"', ["serial[2]", "name"]),
    ('port = "/dev/rf"', 'port = "/dev/rf"\nline = {bauds = 9600}', ["line", "'baud'"]),
    ('port = "/dev/rf"', 'port = "/dev/rf"\nline = {parity = "X"}', ["line", "parity", "'X'"]),
    ('port = "/dev/rf"', 'port = "/dev/rf"\nline = {bytesize = 9}', ["line", "7 or 8"]),
    ('address = "000000000161"', 'adress = "000000000161"', ["meters", "adress", "'address'"]),
    ("[uplink]", "[uplink", ["gateway.toml"]),
]


def write(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def test_a_small_file_is_enough_and_the_rest_has_defaults(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD))
    assert config.gateway == "gw-1"
    assert config.data_dir == tmp_path / "spool"
    assert (config.uplink.port, config.uplink.protocol, config.uplink.tls) == (1883, "5", False)
    assert config.uplink.heartbeat_s == 30.0
    assert config.telemetry_bytes_max == TELEMETRY_BYTES_MAX
    assert config.reserve_bytes == RESERVE_BYTES
    assert [source.name for source in config.sources] == ["rf", "meters", "zigbee"]
    meters = config.sources[1].serial
    assert meters is not None
    assert (meters.line.baud, meters.line.parity) == (2400, "E")  # the driver's own


@pytest.mark.parametrize(
    ("old", "new", "said"), MISTAKES, ids=[m[1] or f"-{m[0]}" for m in MISTAKES]
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, GOOD.replace(old, new, 1)))
    message = str(caught.value)
    assert "gateway.toml" in message
    for part in said:
        assert part in message


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such file"):
        load(tmp_path / "nowhere.toml")
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"gateway = '\xff'")
    with pytest.raises(ConfigError, match=r"gateway\.toml"):
        load(path)


def test_passwords_come_from_files_or_the_environment_and_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hunter-of-bugs\n")
    text = GOOD.replace("[uplink]", '[uplink]\npassword_file = "secret"')
    config = load(write(tmp_path, text))
    assert config.uplink.password == "hunter-of-bugs"
    assert "hunter-of-bugs" not in repr(config)
    monkeypatch.setenv("HEARTHWATCH_UPLINK_PASSWORD", "from-outside")
    assert load(write(tmp_path, GOOD)).uplink.password == "from-outside"
    assert load(write(tmp_path, text)).uplink.password == "hunter-of-bugs"


def test_the_port_of_tls_means_tls(tmp_path: Path) -> None:
    secure = GOOD.replace("[uplink]", "[uplink]\nport = 8883")
    assert load(write(tmp_path, secure)).uplink.tls
    plain = secure.replace("port = 8883", "port = 8883\ntls = false")
    assert not load(write(tmp_path, plain)).uplink.tls


def test_the_example_is_accepted_and_names_every_key(tmp_path: Path) -> None:
    text = (Path(gateway.config.__file__).parent / "example.toml").read_text()
    # The installer's secrets are not on this machine.
    text = re.sub(r'password_file = "[^"]+"', 'password_file = "secret"', text)
    text = re.sub(r'key_file = "[^"]+second-path-key"', 'key_file = "secret"', text)
    text = re.sub(r'pin_file = "[^"]+"', 'pin_file = "pin"', text)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "pin").write_text("1234")
    load(write(tmp_path, text))
    for key in (*gateway.config._KEYS, *gateway.config._UPLINK_KEYS):
        assert re.search(rf"^#? ?\[*{key}\b", text, re.MULTILINE), key
