"""A broker for a demonstration or a tiny site: mosquitto as a child if the machine has it, else
amqtt in a child process; always with a password, always on the loopback address.
"""

import base64
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from contract.config import ConfigError

# Debian keeps mosquitto where an ordinary user's PATH doesn't look.
_PLACES: Final = "/usr/sbin:/usr/local/sbin"
START_TIMEOUT_S: Final = 20.0
USERNAME: Final = "hearthwatch"

# What the settings are for is in deploy/mosquitto; here they are for one machine.
_MOSQUITTO: Final = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {password_file}
set_tcp_nodelay true
max_inflight_messages 5000
max_queued_messages 0
max_queued_bytes 268435456
max_packet_size 307200
persistence false
log_type error
log_type warning
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A running broker. `protocol`: amqtt speaks MQTT 3.1.1 only."""

    name: Literal["mosquitto", "amqtt"]
    port: int
    protocol: Literal["5", "3.1.1"]
    username: str
    password_file: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)


def find_mosquitto() -> str | None:
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_PLACES}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int | None = None) -> Broker:
    """Start it and wait until it listens; ConfigError when it doesn't."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    password = secrets.token_urlsafe(24)
    secret = folder / "broker-password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    program = find_mosquitto()
    log = (folder / "broker.log").open("ab")
    if program is not None:
        command = _mosquitto(program, folder, port, password)
    else:
        command = [sys.executable, "-m", "hearthwatch.amqtt_broker", str(port), str(secret)]
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    log.close()
    if not _listens(port, process):
        process.kill()
        raise ConfigError("broker", f"did not start; see {folder / 'broker.log'}")
    return Broker(
        name="mosquitto" if program else "amqtt",
        port=port,
        protocol="5" if program else "3.1.1",
        username=USERNAME,
        password_file=secret,
        process=process,
    )


def _mosquitto(program: str, folder: Path, port: int, password: str) -> list[str]:
    passwords = folder / "mosquitto.passwd"
    passwords.unlink(missing_ok=True)
    passwords.touch(mode=0o600)
    passwords.write_text(f"{USERNAME}:{_hashed(password)}\n")
    config = folder / "mosquitto.conf"
    text = _MOSQUITTO.format(port=port, password_file=passwords)
    if os.geteuid() == 0:
        # As root it would become the user `mosquitto`, who can't read the password file.
        text += "user root\n"
    config.write_text(text)
    return [program, "-c", str(config)]


def _hashed(password: str) -> str:
    """mosquitto's `$7$` form: PBKDF2-HMAC-SHA512 with 101 rounds over a 12-byte salt."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _listens(port: int, process: "subprocess.Popen[bytes]") -> bool:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    return False
