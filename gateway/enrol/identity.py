"""What makes this machine the gateway: a folder beside the spool, 0700.

identity/current -> <serial>      switched in one step: certificate and key belong together
identity/<serial>/key.pem         made here, never leaves this machine (0600)
                  cert.pem        CN = the gateway: activations
                  telemetry.pem   CN = the gateway and /telemetry
                  ca.pem          the hub's authority, pinned by the code
                  second-path-key the other credential: it opens the second path whatever
                                  became of the certificate
                  hub.json        where the hub is, and when the certificate ends
identity/pending-<code>/          a key whose code was sent and whose answer has not come
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from contract.config import ConfigError
from contract.moment import from_iso

FOLDER: Final = "identity"
# The one before is kept: should the newest be damaged, the link is pointed back.
KEPT: Final = 2
_PENDING: Final = "pending-"
# What a hub that does not say it has: mosquitto.
_USUAL: Final = {"protocol": "5", "keep_session": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An identity as it is on the disk; paths go through the link, so that a connection made
    later finds what was renewed."""

    gateway: str
    serial: str
    url: str
    broker_host: str
    broker_port: int
    protocol: Literal["5", "3.1.1"]
    keep_session: bool
    not_before_ms: int
    not_after_ms: int
    second_path_key: str = field(repr=False)
    folder: Path

    @property
    def key_file(self) -> Path:
        return self.folder / "key.pem"

    @property
    def cert_file(self) -> Path:
        return self.folder / "cert.pem"

    @property
    def telemetry_cert_file(self) -> Path:
        return self.folder / "telemetry.pem"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def renew_at_ms(self) -> int:
        """At two thirds of its life: a month is left to try."""
        return self.not_before_ms + (self.not_after_ms - self.not_before_ms) * 2 // 3

    @property
    def worry_at_ms(self) -> int:
        """At five sixths somebody has to hear that it is not being renewed."""
        return self.not_before_ms + (self.not_after_ms - self.not_before_ms) * 5 // 6


def load(data_dir: Path) -> Identity:
    """ConfigError when this machine is not enrolled. Should the newest be damaged, the one before
    it is pointed to: a card that lost a file must not keep buttons from being heard."""
    root = data_dir / FOLDER
    try:
        return _read(root / "current")
    except ConfigError:
        if not _point_back(root):
            raise
        return _read(root / "current")


def _point_back(root: Path) -> bool:
    """To the newest that is whole; False: there is none, or nobody lets us."""
    try:
        folders = [
            p
            for p in root.iterdir()
            if p.is_dir() and not p.is_symlink() and not p.name.startswith(_PENDING)
        ]
        for folder in sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True):
            with contextlib.suppress(ConfigError):
                _read(folder)
                _point(root, folder)
                return True
    except OSError:
        return False
    return False


def _read(folder: Path) -> Identity:
    try:
        told = json.loads((folder / "hub.json").read_text())
        for name in ("key.pem", "cert.pem", "telemetry.pem", "ca.pem", "second-path-key"):
            if not (folder / name).stat().st_size:
                raise ValueError(f"{name} is empty")
        return Identity(
            gateway=told["gateway"],
            serial=told["serial"],
            url=told["url"],
            broker_host=told["broker_host"],
            broker_port=told["broker_port"],
            **_session(told),
            not_before_ms=from_iso(told["not_before"]),
            not_after_ms=from_iso(told["not_after"]),
            second_path_key=(folder / "second-path-key").read_text().strip(),
            folder=folder,
        )
    except FileNotFoundError as error:
        detail = f"this machine is not enrolled ({error.filename}): gateway enrol --code …"
        raise ConfigError("uplink.enrolled", detail) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError("uplink.enrolled", f"{folder} can't be read: {error}") from error


def pending(data_dir: Path, token: str) -> Path:
    """The folder for the key of this code: sent again, the code finds the same key."""
    root = data_dir / FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = root / f"{_PENDING}{hashlib.sha256(token.encode()).hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def install(
    data_dir: Path, made: Path, issued: Mapping[str, Any], second_path_key: str
) -> Identity:
    """The folder `made` has the key; with the hub's answer it becomes the identity."""
    root = data_dir / FOLDER
    texts = {
        "cert.pem": issued["certificate"],
        "telemetry.pem": issued["telemetry_certificate"],
        "ca.pem": issued["authority"],
        "second-path-key": second_path_key,
        "hub.json": json.dumps(_told(issued), indent=1),
    }
    for name, text in texts.items():
        _write(made / name, text)
    (made / "request.pem").unlink(missing_ok=True)
    _sync(made)
    folder = root / _told(issued)["serial"]
    if folder.exists():
        shutil.rmtree(folder)
    made.rename(folder)
    _point(root, folder)
    _forget_old(root, folder)
    return load(data_dir)


def _point(root: Path, folder: Path) -> None:
    link = root / "current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(root / "current")
    _sync(root)


def _told(issued: Mapping[str, Any]) -> dict[str, Any]:
    names = ("gateway", "url", "broker_host", "broker_port", "not_before", "not_after")
    told = {name: issued[name] for name in names} | _session(issued)
    # It becomes the name of a folder.
    return {**told, "serial": format(int(issued["serial"], 16), "x")}


def _session(told: Mapping[str, Any]) -> dict[str, Any]:
    """How the hub's broker is spoken to; ValueError where we can't."""
    said = {name: told.get(name, usual) for name, usual in _USUAL.items()}
    if said["protocol"] not in ("5", "3.1.1") or not isinstance(said["keep_session"], bool):
        raise ValueError(f"a protocol that this program speaks, it says {said}")
    return said


def _forget_old(root: Path, newest: Path) -> None:
    others = [p for p in root.iterdir() if p.is_dir() and not p.is_symlink() and p != newest]
    # What never became an identity is none to go back to.
    others.sort(key=lambda p: (not p.name.startswith(_PENDING), p.stat().st_mtime), reverse=True)
    for old in others[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(path, flags, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
