"""`hearthwatch admin renew-broker`: a new certificate for the broker, by the same authority.

Gateways believe the authority and not one certificate, so none of them notices: who is connected
stays so, and who comes finds the new one once the broker has read it again.
"""

import argparse
import datetime as dt
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from contract.config import ConfigError
from hearthwatch.authority import certificates, keys
from hearthwatch.clock import wall_ms

# A quarter of a year before the end at the latest, the timer of deploy/systemd has renewed it.
WITHIN_DAYS: Final = 90
RELOAD: Final = (
    "the broker reads it again on SIGHUP (systemctl reload mosquitto;"
    " hearthwatch-broker-reload.path and deploy/mosquitto/run.sh do it by themselves)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--authority", type=Path, required=True, help="the folder of ca-init")
    parser.add_argument("--out", type=Path, help="the broker's folder (--out of broker-config)")
    parser.add_argument(
        "--host", help="name or address that gateways connect to; left out: as it is"
    )
    parser.add_argument(
        "--within-days",
        type=int,
        metavar="N",
        help=f"only if it ends within so many days (a timer's: {WITHIN_DAYS})",
    )


def run(args: argparse.Namespace) -> str:
    now = dt.datetime.fromtimestamp(wall_ms() / 1000, tz=dt.UTC)
    return renew(args.authority, args.out, now, host=args.host, within_days=args.within_days)


def renew(
    folder: Path,
    out: Path | None,
    now: dt.datetime,
    *,
    host: str | None = None,
    within_days: int | None = None,
) -> str:
    """ConfigError, OSError. Run again where it was cut off, it makes a whole pair."""
    authority = keys.load(folder)
    if now >= authority.certificate.not_valid_after_utc:
        detail = "the authority itself is over: ca-init into an empty folder, and enrol again"
        raise ConfigError(str(folder), detail)
    held = _held(folder)
    whole = held is not None and _is_key_of(folder, held)
    if whole and held is not None and within_days is not None:
        until = held.not_valid_after_utc
        if until - now > dt.timedelta(days=within_days):
            # Also where a run of before was cut off behind its first half.
            done = _hand_on(folder, out)
            return f"good until {until:%Y-%m-%d}, nothing is renewed{done}\n"
    name = keys.name_of(host) if host is not None else _name_in(folder, held)
    key = certificates.new_key()
    made = certificates.for_server(*authority, key, name, now)
    # The key first: a certificate without its key is what the next run finds out.
    for file, content, mode in (
        (keys.SERVER_KEY, certificates.key_pem(key), 0o600),
        (keys.SERVER, certificates.pem_of(made).encode(), 0o644),
    ):
        _replace(folder / file, content, _rights(folder / file) or mode)
    done = _hand_on(folder, out)
    return f"renewed, good until {made.not_valid_after_utc:%Y-%m-%d}{done}\n{RELOAD}\n"


def _hand_on(folder: Path, out: Path | None) -> str:
    """Into the broker's folder what is not there yet, with the rights of what was."""
    if out is None:
        return ""
    changed = [
        (name, mode)
        for name, mode in ((keys.SERVER_KEY, 0o600), (keys.SERVER, 0o644))
        if _read(out / name) != (folder / name).read_bytes()
    ]
    for name, mode in changed:
        _replace(out / name, (folder / name).read_bytes(), mode)
    return f"; {', '.join(name for name, _mode in changed)} in {out}" if changed else ""


def _replace(path: Path, content: bytes, mode: int) -> None:
    """A broker that reads it with a user of its own reads the new one as well."""
    owner = _owner(path) or _owner(path.parent)
    keys.write(path, content, mode)
    if owner is not None and os.geteuid() == 0:
        shutil.chown(path, *owner)


def _rights(path: Path) -> int | None:
    """deploy/prepare.py has them for the broker's container, which may read it where it lies."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _owner(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    held = path.stat()
    return held.st_uid, held.st_gid


def _held(folder: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate((folder / keys.SERVER).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConfigError(str(folder / keys.SERVER), f"no certificate: {error}") from error


def _is_key_of(folder: Path, held: x509.Certificate) -> bool:
    try:
        raw = (folder / keys.SERVER_KEY).read_bytes()
        return serialization.load_pem_private_key(raw, None).public_key() == held.public_key()
    except (OSError, ValueError, TypeError):
        return False


def _name_in(folder: Path, held: x509.Certificate | None) -> x509.GeneralName:
    """What gateways have connected to until now."""
    if held is None:
        raise ConfigError(str(folder), f"{keys.SERVER} is not there: --host says for which name")
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found: x509.GeneralName = next(iter(names))
    return found
